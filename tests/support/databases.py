"""New databases, without a schema."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from hubinfo.database import db
from hubinfo.operator import copying
from tests.conftest import POSTGRESQL


@contextmanager
def new_postgresql(options: str = "") -> Iterator[str]:
    """A database of the test's own, whose schema it may do anything to; skips the test where there is no PostgreSQL.

    The options are those of CREATE DATABASE.
    """
    if not POSTGRESQL:
        pytest.skip("needs PostgreSQL: set HUBINFO_TEST_DATABASE_URL")
    name = f"hubinfo_test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(POSTGRESQL.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} {options}"))
        try:
            yield admin.url.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@contextmanager
def new_database(kind: str, folder: Path) -> Iterator[str]:
    """An SQLite file in the folder, not yet made, or an empty PostgreSQL database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'new.sqlite3'}"
    else:
        with new_postgresql() as url:
            yield url


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
