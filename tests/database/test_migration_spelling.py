"""Revision 0005 over a database in which parties are spelled as they came: all in upper case, and nothing is lost."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, Table, select
from sqlalchemy.exc import IntegrityError

from hubinfo import clock, create_app
from hubinfo.database import db
from hubinfo.hub import feed
from hubinfo.models import ClientInfo, Counter
from tests.support.databases import new_database

LONG_AGO = datetime(2024, 12, 31, 12, tzinfo=UTC)
SPELLED = {1: ("se", "vtf"), 2: ("NL", "TNM"), 3: ("De", "a1B"), 4: ("it", "iii")}
UPPER = {1: ("SE", "VTF"), 2: ("NL", "TNM"), 3: ("DE", "A1B"), 4: ("IT", "III")}
TABLES = ("platform", "client_info", "known", "history", "counter")


@pytest.fixture(params=["sqlite", "postgresql"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """A database at 0004 with rows in it; what they are."""
    with new_database(request.param, tmp_path) as url, create_app({"database_url": url}, instance_path=tmp_path).app_context():
        upgrade(revision="0004")
        with db.engine.begin() as connection:
            fill(connection)
        yield rows()
        db.session.remove()
        db.engine.dispose()


def tables() -> dict[str, Table]:
    metadata = MetaData()
    metadata.reflect(db.engine, only=TABLES)
    return {name: metadata.tables[name] for name in TABLES}


def at(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None) if db.engine.dialect.name == "sqlite" else instant


def told(key: int, country_code: str, party_id: str) -> dict[str, Any]:
    party = {"country_code": country_code, "party_id": party_id, "party": f"{country_code}-{party_id}".upper()}
    return {"id": key, **party, "role": "CPO", "status": "CONNECTED", "last_updated": at(LONG_AGO), "platform_id": 1}


def fill(connection: Any) -> None:
    table = tables()
    numbers = {"told_revision": 4, "failed_probes": 0, "failed_pushes": 0}
    connection.execute(
        table["platform"].insert(), [{"id": 1, "name": "SE-VTF", "status": "CONNECTED", "created_at": at(LONG_AGO), **numbers}]
    )
    here = {"registered": True, "suspended_by_operator": False, "business_details": {}}
    for key, spelled in SPELLED.items():
        row = told(key, *spelled)
        connection.execute(table["client_info"].insert(), [{**row, **here, "revision": key}])
        connection.execute(table["known"].insert(), [{**row, "received_at": at(LONG_AGO), "valid": True}])
        line = {"client_info_id": key, "at": at(LONG_AGO), "event": "registered", "status": "CONNECTED"}
        connection.execute(table["history"].insert(), [line])
    connection.execute(table["counter"].update().where(table["counter"].c.name == "revision").values(value=4))


def rows() -> dict[str, list[dict[str, Any]]]:
    with db.engine.connect() as connection:
        return {
            name: [dict(row._mapping) for row in connection.execute(table.select().order_by(*table.primary_key))]
            for name, table in tables().items()
        }


@pytest.mark.parametrize("table", ["client_info", "known"])
def test_every_party_is_in_upper_case(before: dict[str, list[dict[str, Any]]], table: str) -> None:
    upgrade(revision="0005")
    assert {row["id"]: (row["country_code"], row["party_id"]) for row in rows()[table]} == UPPER


def test_receivers_are_told_the_new_spelling_and_nothing_else(before: dict[str, list[dict[str, Any]]]) -> None:
    upgrade(revision="0005")
    changed = {row["id"]: row for row in rows()["client_info"] if row["revision"] > 4}
    assert {key: row["revision"] for key, row in changed.items()} == {1: 5, 3: 6, 4: 7}
    for row in changed.values():
        assert row["last_updated"] > at(LONG_AGO + timedelta(days=1))
        assert row["last_updated"].microsecond % 1000 == 0
    with db.session() as session:
        assert session.get_one(Counter, feed.REVISION).value == 7
        assert all(row.last_updated <= clock.now() for row in session.scalars(select(ClientInfo)))


def test_nothing_else_changes(before: dict[str, list[dict[str, Any]]]) -> None:
    upgrade(revision="0005")
    may_change = {"country_code", "party_id", "revision", "last_updated", "value"}
    for name, now in rows().items():
        for row, was in zip(now, before[name], strict=True):
            assert {column: row[column] for column in was if column not in may_change} == {
                column: value for column, value in was.items() if column not in may_change
            }
    assert rows()["client_info"][1] == before["client_info"][1]
    assert rows()["history"] == before["history"]


@pytest.mark.parametrize("table", ["client_info", "known"])
def test_one_party_never_was_two_rows(before: dict[str, list[dict[str, Any]]], table: str) -> None:
    """So that there is nothing to merge."""
    twice = {**before[table][0], "id": 9, "country_code": "SE", "party_id": "VTF"}
    twice |= {"revision": 9} if table == "client_info" else {}
    with pytest.raises(IntegrityError), db.engine.begin() as connection:
        connection.execute(tables()[table].insert(), [twice])


def test_down_and_up_again(before: dict[str, list[dict[str, Any]]]) -> None:
    upgrade(revision="0005")
    after = rows()
    downgrade(revision="0004")
    assert [set(row) for row in rows()["platform"]] == [set(row) for row in before["platform"]]
    upgrade(revision="0005")
    assert rows() == after
