"""Revision 0003 over a database that has a past: totals are filled in from it, and nothing is lost, up or down."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, Table, select

from hubinfo import create_app
from hubinfo.database import db, write
from hubinfo.hub import history, presence
from hubinfo.hub.history import Totals
from hubinfo.models import ClientInfo
from tests.support.databases import new_database

BEGAN = datetime(2024, 12, 31, 12, tzinfo=UTC)
YEAR = 365 * 86_400
"""In milliseconds it does not fit 32 bits."""
PASTS: dict[int, list[tuple[float, str]]] = {
    1: [(0, "PLANNED"), (10, "CONNECTED"), (20.5, "OFFLINE"), (3, "CONNECTED"), (YEAR, "SUSPENDED"), (100, "OFFLINE")],
    2: [(5, "CONNECTED")],
    3: [(0, "CONNECTED"), (0, "OFFLINE"), (0.001, "CONNECTED"), (-3, "OFFLINE"), (4, "CONNECTED")],
    4: [],
}
"""By row: what it became, so many seconds after the change before; once, the clock was set back."""
TOTALS: dict[int, list[tuple[int, int]]] = {
    1: [(0, 0), (0, 0), (20_500, 0), (20_500, 3000), (20_500 + 1000 * YEAR, 3000), (20_500 + 1000 * YEAR, 3000)],
    2: [(0, 0)],
    3: [(0, 0), (0, 0), (0, 1), (0, 1), (0, 4001)],
    4: [],
}
"""How many milliseconds it had been CONNECTED and OFFLINE at each."""
REFERRING = {
    "refusal": {"platform_id": 1, "client_info_id": 1, "reason": "no", "at": BEGAN},
    "api_token": {"name": "billing", "token_hash": "h", "created_at": BEGAN},
}


@pytest.fixture(params=["sqlite", "postgresql"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """A database at 0002 with rows in it; what they are."""
    with new_database(request.param, tmp_path) as url, create_app({"database_url": url}, instance_path=tmp_path).app_context():
        upgrade(revision="0002")
        with write() as session:
            fill(tables("platform", "client_info", "history", *REFERRING), session.connection())
        yield rows()
        db.session.remove()
        db.engine.dispose()


def tables(*names: str) -> dict[str, Table]:
    """As they are in the database; its own times are plain, since they are what a migration sees."""
    metadata = MetaData()
    with db.engine.connect() as connection:
        metadata.reflect(connection, only=names)
    return {name: metadata.tables[name] for name in names}


def at(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None) if db.engine.dialect.name == "sqlite" else instant


def changes(row_id: int) -> list[tuple[datetime, str]]:
    found, moment = [], BEGAN
    for seconds, status in PASTS[row_id]:
        moment += timedelta(seconds=seconds)
        found.append((moment, status))
    return found


def fill(table: dict[str, Table], connection: Any) -> None:
    numbers = {"told_revision": 9, "failed_probes": 0, "failed_pushes": 0, "failed_syncs": 0}
    platform = {"id": 1, "name": "NL-AAA", "status": "CONNECTED", "created_at": at(BEGAN), "token_hash": "c", "token_out": "b"}
    connection.execute(table["platform"].insert(), [{**platform, **numbers}])
    for row_id in PASTS:
        party = {"country_code": "NL", "party_id": f"A0{row_id}", "party": f"NL-A0{row_id}", "role": "CPO", "business_details": {}}
        others = {"platform_id": 1, "registered": True, "suspended_by_operator": False, "last_updated": at(BEGAN)}
        status = PASTS[row_id][-1][1] if PASTS[row_id] else "PLANNED"
        connection.execute(
            table["client_info"].insert(), [{"id": row_id, "revision": 100 + row_id, "status": status, **party, **others}]
        )
    for row_id in (3, 1, 2):
        for moment, status in changes(row_id):
            line = {"client_info_id": row_id, "at": at(moment), "event": "heard", "status": status, "reason": f"why {status}"}
            connection.execute(table["history"].insert(), [line])
    for name, row in REFERRING.items():
        plain = {key: at(value) if isinstance(value, datetime) else value for key, value in row.items()}
        connection.execute(table[name].insert(), [plain])


def rows() -> dict[str, list[dict[str, Any]]]:
    with db.engine.connect() as connection:
        found = tables("platform", "client_info", "history", *REFERRING)
        return {
            name: [dict(row._mapping) for row in connection.execute(table.select().order_by(*table.primary_key))]
            for name, table in found.items()
        }


def test_totals_are_those_of_the_lines(before: dict[str, list[dict[str, Any]]]) -> None:
    upgrade(revision="0003")
    after = rows()
    for row in after["client_info"]:
        lines = [line for line in after["history"] if line["client_info_id"] == row["id"]]
        totals = [(line["up_ms"], line["down_ms"]) for line in lines]
        assert totals == TOTALS[row["id"]]
        assert [line["changes"] for line in lines] == list(range(1, len(lines) + 1))
        last = changes(row["id"])[-1][0] if lines else None
        assert row["status_since"] == (at(last) if last else None)
        assert (row["up_ms"], row["down_ms"]) == (totals[-1] if totals else (0, 0))
        assert row["changes"] == len(lines)


def test_nothing_else_changes(before: dict[str, list[dict[str, Any]]]) -> None:
    upgrade(revision="0003")
    for name, now in rows().items():
        assert [{column: row[column] for column in was} for row, was in zip(now, before[name], strict=True)] == before[name]
    [platform] = rows()["platform"]
    assert (platform["tellings"], platform["token_made_at"], platform["endpoints"]) == (0, None, None)


def test_down_every_row_is_as_before_and_up_again_as_after(before: dict[str, list[dict[str, Any]]]) -> None:
    upgrade(revision="0003")
    after = rows()
    downgrade(revision="0002")
    assert rows() == before
    upgrade(revision="0003")
    assert rows() == after


def test_from_there_on_history_goes_on(before: dict[str, list[dict[str, Any]]]) -> None:
    upgrade()
    with write() as session:
        presence.suspended(session.scalars(select(ClientInfo).where(ClientInfo.id.in_([2, 4]))).all())
    connected_at = BEGAN + timedelta(seconds=5)
    with db.session() as session:
        totals = history.between(session, connected_at, connected_at + timedelta(seconds=7))
        second, fourth = (session.get_one(ClientInfo, key) for key in (2, 4))
        assert totals[2] == Totals(7000, 0, 0)
        assert totals[4] == Totals(0, 0, 0)
        assert second.status_since is not None
        assert second.up_ms == (second.status_since - connected_at) / timedelta(milliseconds=1)
        assert (second.changes, fourth.changes, fourth.up_ms, fourth.down_ms) == (2, 1, 0, 0)
