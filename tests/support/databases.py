"""Databases for tests: SQLite and PostgreSQL, with the schema and without, each emptied or made for a test."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Connection, Engine, create_engine, text

from hubinfo import create_app, schema
from hubinfo.database import db
from hubinfo.operator import copying

POSTGRESQL = os.environ.get("HUBINFO_TEST_DATABASE_URL")
SETTINGS = {"secret_key": "0123456789abcdef", "operator_password": "operator"}
_PREFIX = "hubinfo_tests_"


def admin_engine() -> Engine:
    """The server on which databases are made; skips the test where there is none."""
    if not POSTGRESQL:
        pytest.skip("needs PostgreSQL: set HUBINFO_TEST_DATABASE_URL")
    return create_engine(POSTGRESQL.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")


@contextmanager
def new_postgresql(options: str = "") -> Iterator[str]:
    """A database of the test's own, whose schema it may do anything to; skips the test where there is no PostgreSQL.

    The options are those of CREATE DATABASE. While it is in use a lock named after it is held, which the server lets go when
    this process dies, however it dies: whose lock is free is an orphan.
    """
    admin, name = admin_engine(), f"{_PREFIX}{uuid.uuid4().hex[:12]}"
    with admin.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(hashtext(:name))"), {"name": name})
        connection.execute(text(f"CREATE DATABASE {name} {options}"))
        # What a crash of the server may lose is nothing to a test, and each commit is faster.
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        try:
            yield admin.url.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def remove_orphans() -> list[str]:
    """Drop the databases of test runs that were killed; their names."""
    admin = admin_engine()
    with admin.connect() as connection:
        found = connection.execute(text("SELECT datname FROM pg_database WHERE starts_with(datname, :prefix)"), {"prefix": _PREFIX})
        removed = [name for name in found.scalars().all() if _remove_orphan(connection, name)]
    admin.dispose()
    return removed


def _remove_orphan(connection: Connection, name: str) -> bool:
    if not connection.scalar(text("SELECT pg_try_advisory_lock(hashtext(:name))"), {"name": name}):
        return False
    connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    connection.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), {"name": name})
    return True


@contextmanager
def new_database(kind: str, folder: Path) -> Iterator[str]:
    """An SQLite file in the folder, not yet made, or an empty PostgreSQL database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'new.sqlite3'}"
    else:
        with new_postgresql() as url:
            yield url


def make_sqlite_template(folder: Path) -> Path:
    """A database with the schema and no rows, to be copied."""
    path = folder / "template.sqlite3"
    app = create_app({"database_url": f"sqlite:///{path}", **SETTINGS}, instance_path=folder)
    with app.app_context():
        schema.ensure()
        db.engine.dispose()
    return path


def copy_sqlite(template: Path, path: Path) -> str:
    """The URL of a copy, in place of what may have been there: whoever still has that open writes into a file without a name."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copy(template, path)
    return f"sqlite:///{path}"


@contextmanager
def postgresql_with_schema(folder: Path) -> Iterator[str]:
    """A database with the schema and no rows, to be emptied before each test."""
    with new_postgresql() as url:
        with create_app({"database_url": url, **SETTINGS}, instance_path=folder).app_context():
            upgrade()
            db.engine.dispose()
        yield url


def empty(url: str) -> None:
    """Bring a PostgreSQL database back to what its schema begins with. TRUNCATE would take four times as long."""
    engine = create_engine(url)
    with engine.begin() as connection:
        tables = [table.name for table in reversed(db.metadata.sorted_tables) if table.name != "counter"]
        found = connection.execute(text("SELECT sequencename FROM pg_sequences WHERE schemaname = current_schema()"))
        anew = [f"ALTER SEQUENCE {name} RESTART" for name in found.scalars()]
        gone = [f'DELETE FROM "{name}"' for name in tables]
        connection.exec_driver_sql("; ".join([*gone, *anew, "UPDATE counter SET value = 0"]))
    engine.dispose()


@contextmanager
def at(url: str, like: Flask) -> Iterator[Flask]:
    """In an app on this database."""
    with like.app_context():
        app = copying.app_on(url)
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


@contextmanager
def schema_is(app: Flask, revision: str | None) -> Iterator[None]:
    """The database's schema as another hubinfo would have left it."""
    with app.app_context():
        kept = schema.current()
        with db.engine.begin() as connection:
            connection.execute(text("DELETE FROM alembic_version"))
            if revision:
                connection.execute(text("INSERT INTO alembic_version VALUES (:it)"), {"it": revision})
        try:
            yield
        finally:
            with db.engine.begin() as connection:
                connection.execute(text("DELETE FROM alembic_version"))
                connection.execute(text("INSERT INTO alembic_version VALUES (:it)"), {"it": kept})
