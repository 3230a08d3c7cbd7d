"""The database: connections as they must be, UTC times, and the one kind of transaction that writes."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

WRITE = "hubinfo_write"
BUSY_TIMEOUT_SECONDS = 10
_AFTER_COMMIT = "hubinfo_after_commit"
_POSTGRESQL_WRITERS = 0x0C1_1E47  # any constant, the same in every process
_FIXED_IN = ((3, 44, 6), (3, 50, 7), (3, 51, 3))


class Base(DeclarativeBase):
    """Every constraint gets a name, so that a migration can speak of it on any database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database (SQLite itself keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time: nobody knows which one it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without zone cannot be stored: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def has_wal_reset_bug(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite can corrupt a WAL database on a checkpoint (sqlite.org/wal.html, "WAL-reset bug")."""
    return version < _FIXED_IN[-1] and not any(version[:2] == fixed[:2] and version >= fixed for fixed in _FIXED_IN)


SQLITE_HAS_WAL_RESET_BUG = has_wal_reset_bug(sqlite3.sqlite_version_info)


def init_app(app: Flask, url: str) -> None:
    """Bind the app to its database; opens nothing."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    if url.startswith("sqlite"):
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"timeout": BUSY_TIMEOUT_SECONDS}}
    else:
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_pre_ping": True, "pool_size": 20, "max_overflow": 20}
    db.init_app(app)
    with app.app_context():
        event.listen(db.engine, "connect", _on_connect)
        event.listen(db.engine, "begin", _on_begin)


def _on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    # The driver's own transactions begin late and as readers: two of them lose an update. We say BEGIN ourselves.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}")
    if SQLITE_HAS_WAL_RESET_BUG:
        connection.execute("PRAGMA wal_autocheckpoint=0")


def _on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITE, False)
    if connection.dialect.name == "sqlite":
        # A reader that turns writer fails at once with "database is locked"; IMMEDIATE waits its turn here instead.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
    elif writes:
        # One writer at a time, as on SQLite: revisions become visible in order, and no read-modify-write is lost.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRESQL_WRITERS})


@contextmanager
def write() -> Iterator[Session]:
    """One write transaction: the write lock is taken at its start; committed at the end, rolled back on any error.

    What an open read transaction saw is forgotten, so all that is decided inside is decided on what is true now.
    """
    session = db.session()
    if _AFTER_COMMIT in session.info or session.new or session.dirty or session.deleted:
        raise RuntimeError("what was changed before write(), or in a write() around it, would be lost")
    session.rollback()
    session.expire_all()
    callbacks = session.info[_AFTER_COMMIT] = []
    try:
        session.connection(execution_options={WRITE: True})
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        del session.info[_AFTER_COMMIT]
    for callback in callbacks:
        callback()


def after_commit(callback: Callable[[], None]) -> None:
    """Call this once the current write transaction has been committed, never when it is rolled back; inside write()."""
    db.session().info[_AFTER_COMMIT].append(callback)


def checkpoint(engine: Engine) -> None:
    """Bring SQLite's log back to the database file, in the one mode that shuts writers out meanwhile."""
    with engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
