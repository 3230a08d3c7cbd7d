"""The database: connections as they must be, UTC times, and the one kind of transaction that writes."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL, Connection, DateTime, Dialect, Engine, MetaData, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

WRITE = "hubinfo_write"
UTF8 = "UTF8"
BUSY_TIMEOUT_SECONDS = 10
CHANGED = "hubinfo_changed"
"""PostgreSQL's channel that tells other processes of a commit they may wait for."""
_CHECKPOINT_TIMEOUT_SECONDS = 0.2
_RETRY_SECONDS = 0.02
_AFTER_COMMIT = "hubinfo_after_commit"
_POSTGRESQL_WRITERS = 0x0C1_1E47  # any constant, the same in every process
_POSTGRESQL_TIMEOUTS = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""In seconds, but tcp_user_timeout, which is in milliseconds."""
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


def cause(error: Exception) -> str:
    """What the database said, in one line."""
    return str(getattr(error, "orig", error)).strip().partition("\n")[0]


def is_unreachable(error: Exception) -> bool:
    """Whether it cannot do what it is asked at the moment: gone, locked, full, all connections in use."""
    # SQLite has the same error for a mistake in SQL.
    return isinstance(error, OperationalError | InterfaceError | NoneFree) and not cause(error).startswith(("no such ", "near "))


def has_wal_reset_bug(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite can corrupt a WAL database on a checkpoint (sqlite.org/wal.html, "WAL-reset bug")."""
    return version < _FIXED_IN[-1] and not any(version[:2] == fixed[:2] and version >= fixed for fixed in _FIXED_IN)


SQLITE_HAS_WAL_RESET_BUG = has_wal_reset_bug(sqlite3.sqlite_version_info)


def init_app(app: Flask, url: str) -> None:
    """Bind the app to its database; opens nothing."""
    app.config["SQLALCHEMY_DATABASE_URI"] = _absolute(make_url(url), Path(app.instance_path))
    if url.startswith("sqlite"):
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"timeout": BUSY_TIMEOUT_SECONDS}}
    else:
        options = {"pool_pre_ping": True, "pool_size": 20, "max_overflow": 20, "connect_args": _of_libpq(make_url(url))}
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _make_file_before_opening(db.engine, Path(app.instance_path))
        event.listen(db.engine, "connect", _on_connect)
        event.listen(db.engine, "begin", _on_begin)


def _of_libpq(url: URL) -> dict[str, int | str]:
    """UTF-8, and limits unless the URL says otherwise: libpq waits for minutes for a server that is gone without a word."""
    limits = {name: value for name, value in _POSTGRESQL_TIMEOUTS.items() if name not in url.query}
    return {**limits, "client_encoding": "utf8"}


def encoding_of(connection: Connection) -> str:
    """In which the database keeps text, in its own words."""
    if connection.dialect.name == "sqlite":
        return UTF8  # or UTF-16, which is as good
    raw: Any = connection.connection.dbapi_connection
    return str(raw.info.parameter_status("server_encoding") or UTF8)  # poolers may leave it out


def _absolute(url: URL, folder: Path) -> URL:
    """A relative SQLite file is one of the instance folder. Flask-SQLAlchemy says so too, but makes that folder at once."""
    relative = url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"} and "uri" not in url.query
    return url.set(database=str(folder / (url.database or ""))) if relative else url


def _make_file_before_opening(engine: Engine, instance_path: Path) -> None:
    """For its owner only. Not elsewhere than in the instance folder: what is missing there is a typing error, or not mounted."""
    path = Path(engine.url.database or "")

    def make(*_arguments: object) -> None:
        if path.is_relative_to(instance_path) and not path.exists():
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
            make_file(path)

    event.listen(engine, "do_connect", make)


def make_file(path: Path) -> None:
    """Unless there is one: empty, and for its owner only, as SQLite's files beside it will be. When that fails, SQLite says why."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    # The driver's own transactions begin late and as readers: two of them lose an update. We say BEGIN ourselves.
    connection.isolation_level = None
    _set_busy_timeout(connection, BUSY_TIMEOUT_SECONDS)
    _switch_to_wal(connection)
    connection.execute("PRAGMA foreign_keys=ON")
    if SQLITE_HAS_WAL_RESET_BUG:
        connection.execute("PRAGMA wal_autocheckpoint=0")


def _set_busy_timeout(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """To this one statement SQLite does not apply busy_timeout: of several first starts, all but one would fail."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY_SECONDS)


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
        session.flush()  # which may add to the callbacks
        if callbacks and session.get_bind().dialect.name == "postgresql":
            session.execute(text(f"NOTIFY {CHANGED}"))
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


@event.listens_for(db.session, "before_flush")
def _refuse_outside_write(session: Session, *_arguments: object) -> None:
    """Flushed, a change no longer shows that it is one, and the next write() would roll it back without a word."""
    changed = session.new or session.deleted or any(session.is_modified(row) for row in session.dirty)
    if changed and _AFTER_COMMIT not in session.info:
        raise RuntimeError("what is changed outside write() would be lost")


def checkpoint(engine: Engine) -> None:
    """Bring SQLite's log back to the database file, in the one mode that shuts writers out meanwhile.

    It does not wait long for somebody who reads, as a backup does: all who write would wait as well. The next one will do.
    """
    with engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        _set_busy_timeout(raw, _CHECKPOINT_TIMEOUT_SECONDS)
        try:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            _set_busy_timeout(raw, BUSY_TIMEOUT_SECONDS)
