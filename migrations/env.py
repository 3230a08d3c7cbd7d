"""Alembic's entry, for `flask db …` and for the upgrade on start."""

import sqlite3
from typing import Any, Literal

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

import hubinfo.models  # noqa: F401  (fills the metadata)
from hubinfo import schema
from hubinfo.database import WRITE, UtcDateTime, cause, db


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """A migration names no code of ours, which may change or go."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def run(connection: Connection) -> None:
    """All migrations in one transaction that holds the write lock: of processes that start at once, one migrates."""
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,
        transactional_ddl=True,
        compare_type=True,
        render_item=render_item,
    )
    with connection.begin(), context.begin_transaction():
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            refuse_broken_foreign_keys(connection)


def refuse_broken_foreign_keys(connection: Connection) -> None:
    """Before the commit: what the migration did is rolled back."""
    broken = connection.execute(text("PRAGMA foreign_key_check")).all()
    if broken:
        raise CommandError(f"the migration breaks foreign keys, nothing was changed: {broken}")


def run_without_foreign_keys(connection: Connection) -> None:
    """On SQLite a batch migration drops and remakes tables; with foreign keys on, that would delete what refers to them."""
    raw = connection.connection.dbapi_connection
    assert raw is not None
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        run(connection)
    finally:
        connection.rollback()
        raw.execute("PRAGMA foreign_keys=ON")


try:
    with db.engine.connect().execution_options(**{WRITE: True}) as connection:
        if connection.dialect.name == "sqlite":
            run_without_foreign_keys(connection)
        else:
            schema.refuse_encoding(connection)
            run(connection)
except schema.SchemaError as error:
    raise CommandError(str(error)) from error
except (SQLAlchemyError, sqlite3.Error) as error:
    raise CommandError(f"database {schema.shown_url()}: {cause(error)}") from error
