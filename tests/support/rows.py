"""Rows that are hard to carry from one database to another, in every table there is."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, Connection, Double, Integer, String, Table, insert, select

from hubinfo.database import UtcDateTime, db

Rows = dict[str, list[dict[str, Any]]]
HOSTILE = "%s %(name)s :id 'x'; DROP TABLE platform; -- \"\\ \n\t é 漢 \U0001f50c"
DOCUMENT = {"name": HOSTILE, "nested": [{"a": None, "b": [1.5, 2**60, True]}], "empty": {}, "\u2028": "\x00"}
FIRST_ID, SECOND_ID = 7, 1_000_003
_EARLIEST = datetime(2026, 3, 29, 0, 59, 59, 999_000, tzinfo=UTC)
_numbers = itertools.count(1)


def fill(connection: Connection) -> None:
    """Two rows in each table: one with a value in every column, one with none wherever that is allowed."""
    for table in db.metadata.sorted_tables:
        connection.execute(table.delete())
        for row_id, sparse in ((FIRST_ID, False), (SECOND_ID, True)):
            connection.execute(insert(table), [{column.name: _value(column, row_id, sparse) for column in table.columns}])


def one_more(table: Table) -> dict[str, Any]:
    """A third row without its id; no other refers to the same pair of rows."""
    references = [column for column in table.columns if column.foreign_keys]
    ids = dict(zip(references, (FIRST_ID, SECOND_ID), strict=False))
    return {column.name: _value(column, ids.get(column, 0), False) for column in table.columns if not column.primary_key}


def _value(column: Column[Any], row_id: int, sparse: bool) -> Any:
    if column.foreign_keys:
        return None if sparse and column.nullable else row_id
    if column.primary_key and isinstance(column.type, Integer):
        return row_id
    return None if sparse and column.nullable else _of_type(column.type)


def _of_type(kind: Any) -> Any:
    number = next(_numbers)
    match kind:
        case Boolean():
            return number % 2 == 0
        case BigInteger():
            return 2**63 - number
        case Integer():
            return 2**31 - number
        case Double():
            return 0.1 + number
        case UtcDateTime():
            return _EARLIEST + timedelta(milliseconds=number)
        case JSON():
            return DOCUMENT | {"number": number}
        case String(length=int(length)):
            return f"{number:02d}{HOSTILE}"[:length] if length < 10 else f"{number:03d} {HOSTILE * 20}"[:length]
    raise NotImplementedError(kind)


def rows_of(connection: Connection) -> Rows:
    """What each table holds, in the order of its key."""
    return {table.name: _rows(table, connection) for table in db.metadata.sorted_tables}


def _rows(table: Table, connection: Connection) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
