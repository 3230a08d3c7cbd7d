"""The schema of the database: made and upgraded on start with SQLite, checked with others."""

import functools
import sqlite3
from pathlib import Path

from alembic import command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import Flask
from flask_migrate import Migrate
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hubinfo.checks import without_password
from hubinfo.database import UTF8, cause, db, encoding_of

migrate = Migrate()


class SchemaError(Exception):
    """The database cannot be used as it is; the message says what to do."""


def _directory() -> Path:
    """Beside the package in a checkout, inside it once installed."""
    package = Path(__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def init_app(app: Flask) -> None:
    """Make `flask db …` work; opens nothing."""
    migrate.init_app(app, db, directory=str(_directory()), render_as_batch=True)


@functools.cache
def _head() -> str | None:
    return ScriptDirectory(str(_directory())).get_current_head()


def current() -> str | None:
    """The revision of the database's schema; None for an empty database. Raises SchemaError when it cannot be used."""
    try:
        with db.engine.connect() as connection:
            refuse_encoding(connection)
            return MigrationContext.configure(connection).get_current_revision()
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise SchemaError(f"database {shown_url()} cannot be opened: {cause(error)}") from None


def refuse_encoding(connection: Connection) -> None:
    """Names come in all scripts; a database that cannot keep them would be found out by the first. Raises SchemaError."""
    encoding = encoding_of(connection)
    if encoding != UTF8:
        make = "createdb --encoding UTF8 --locale C --template template0 …"
        raise SchemaError(f"database {shown_url()} has encoding {encoding} and needs {UTF8}; make a new one: {make}")


def is_older() -> bool:
    """Whether the schema is one that an earlier release has left. Raises SchemaError."""
    found = current()
    return found is not None and found != _head() and found in _known()


def ensure() -> bool:
    """Bring SQLite's schema up to date; refuse an old one elsewhere. Whether the schema was made just now. Raises SchemaError."""
    found = current()
    if db.engine.dialect.name != "sqlite" or found not in {None, *_known()}:
        check()
    if found != _head():
        _upgrade()
    return found is None


def make() -> None:
    """Give an empty database the schema. Raises SchemaError when that fails, or when it has another one already."""
    if current() is None:
        _upgrade()
    check()


def _upgrade() -> None:
    """As flask_migrate.upgrade(), which would end the process when it fails."""
    try:
        command.upgrade(migrate.get_config(), "head")
    except CommandError as error:
        raise SchemaError(str(error)) from None


def check() -> None:
    """Raises SchemaError unless the schema is the one this code was written for."""
    found = current()
    if found == _head():
        return
    if found is not None and found not in _known():
        raise SchemaError(f"database {shown_url()} has schema {found}, made by a newer hubinfo; install that one")
    has = f"schema {found}" if found else "no schema yet"
    raise SchemaError(f"database {shown_url()} has {has} and needs {_head()}; run: flask db upgrade")


def shown_url() -> str:
    """Where the database is, without its password."""
    return without_password(db.engine.url.render_as_string(hide_password=True))


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory(str(_directory())).walk_revisions()}
