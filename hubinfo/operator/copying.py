"""Everything that this database keeps, copied to another one: all of it or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hubinfo import database, schema
from hubinfo.config import current_settings
from hubinfo.database import WRITE, cause, db
from hubinfo.lease import is_held
from hubinfo.models import Counter, Lease, PendingToken
from hubinfo.operator.refused import Refused

BATCH = 1000
"""Rows in memory at a time."""
_LEFT_OUT = {Lease.__tablename__, PendingToken.__tablename__}
"""They speak of processes and registrations that are under way here and now."""
_MADE_WITH_ROWS = Counter.__tablename__
_RUNNING = "this platform is running; stop it first, or copy with --force: what changes from now on will not be in the copy"


def copy_to(url: str, *, force: bool = False) -> list[dict[str, Any]]:
    """Copy all rows, as they are at one moment, to a database without any; how many each table has on both sides.

    The other database gets the schema if it has none. Raises Refused and SchemaError, and then it has no rows.
    """
    other = app_on(url)
    with _snapshot() as source:
        _refuse_running(source, force=force)
        here = _identity(source)
        with other.app_context():
            try:
                if db.engine.dialect.name == "sqlite":
                    database.make_file(Path(db.engine.url.database or ""))
                schema.make()
                return _copy(source, here, force=force)
            finally:
                db.engine.dispose()


def app_on(url: str) -> Flask:
    """No more of an app than its database."""
    app = Flask("hubinfo", instance_path=str(current_settings().instance_path))
    database.init_app(app, url)
    schema.init_app(app)
    return app


@contextmanager
def _snapshot() -> Iterator[Connection]:
    """A transaction that sees one state of the database, whoever goes on writing."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


def _identity(connection: Connection) -> object:
    """The same for two connections to one database, whatever they call it."""
    if connection.dialect.name == "postgresql":
        return tuple(connection.execute(text("SELECT pg_postmaster_start_time(), current_database(), current_schema()")).one())
    found = Path(connection.engine.url.database or "").stat()
    return found.st_dev, found.st_ino


def _refuse_running(source: Connection, *, force: bool) -> None:
    if not force and is_held(Session(source)):
        raise Refused(_RUNNING)


def _copy(source: Connection, here: object, *, force: bool) -> list[dict[str, Any]]:
    """In one transaction, which keeps all others from writing there meanwhile."""
    with db.engine.connect().execution_options(**{WRITE: True}) as target, target.begin():
        if _identity(target) == here:
            raise Refused(f"{schema.shown_url()} is the database that is to be copied")
        if is_held(Session(target)):
            raise Refused(f"a server is running on database {schema.shown_url()}; stop it first")
        _refuse_rows(target)
        counts = [_copy_table(table, source, target) for table in _tables()]
        with source.engine.connect() as now:  # the snapshot does not show who has begun to serve since
            _refuse_running(now, force=force)
        return counts


def _tables() -> list[Table]:
    """What others refer to comes before them."""
    return [table for table in db.metadata.sorted_tables if table.name not in _LEFT_OUT]


def _refuse_rows(target: Connection) -> None:
    counts = {table.name: _count(table, target) for table in _tables() if table.name != _MADE_WITH_ROWS}
    found = ", ".join(f"{count} in {name}" for name, count in counts.items() if count)
    if found:
        raise Refused(f"database {schema.shown_url()} has rows already ({found}); copy to an empty one")


def _count(table: Table, connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _copy_table(table: Table, source: Connection, target: Connection) -> dict[str, Any]:
    try:
        _copy_rows(table, source, target)
        _go_on_after_ids(table, target)
        counts = {"source": _count(table, source), "target": _count(table, target)}
    except SQLAlchemyError as error:
        raise Refused(f"nothing was copied to {schema.shown_url()}: table {table.name}: {cause(error)}") from None
    if counts["source"] != counts["target"]:
        found = f"{counts['target']} rows of {counts['source']} have arrived"
        raise Refused(f"nothing was copied to {schema.shown_url()}: table {table.name}: {found}")
    return {"table": table.name, **counts}


def _copy_rows(table: Table, source: Connection, target: Connection) -> None:
    if table.name == _MADE_WITH_ROWS:
        target.execute(table.delete())
    rows = source.execute(select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH))
    for batch in rows.mappings().partitions():
        target.execute(table.insert(), [dict(row) for row in batch])


def _go_on_after_ids(table: Table, target: Connection) -> None:
    """PostgreSQL's numbering does not notice ids that it has not given itself."""
    column = table.autoincrement_column
    if target.dialect.name != "postgresql" or column is None:
        return
    last = target.scalar(select(func.max(column)))
    if last is not None:
        target.execute(select(func.setval(func.pg_get_serial_sequence(table.name, column.name), last)))
