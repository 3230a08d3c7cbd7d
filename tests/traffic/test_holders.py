"""What GET /api/heard keeps in memory: when it is read again, and how long that takes."""

from typing import Any

import pytest
from flask import Flask

from hubinfo import clock
from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.models import ClientInfo, ConnectionStatus, Platform
from tests.support.heard import CPO, EMSP, ask, connected, directory_of, unregister
from tests.support.statements import counted

pytestmark = pytest.mark.both_databases("the counter is moved in the transaction that changes what it counts")


def test_a_watched_directory_asks_the_database_nothing(app: Flask) -> None:
    """Also not after a batch of who was heard has been written, by this process or another."""
    platform_id = connected(app, CPO)
    directory = directory_of(app)
    directory.is_watched = True
    ask(app)
    with app.app_context():
        with write():
            presence.heard({platform_id: clock.now()})
        directory.look()
    with counted(app) as statements:
        assert ask(app).status_code == 204
    assert statements == []


def test_all_holders_are_read_with_a_constant_number_of_statements(app: Flask) -> None:
    def statements_for(first: int, last: int) -> int:
        for number in range(first, last):
            connected(app, ("CPO", "NL", f"A{number:02}"), ("EMSP", "NL", f"A{number:02}"), token=f"token-number-{number}")
        with counted(app) as statements:
            assert ask(app, "token-number-0").status_code == 204
        return len(statements)

    ask(app)
    assert statements_for(0, 2) == statements_for(2, 12)


def test_what_changes_while_it_is_read_is_read_once_more(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    platform_id = connected(app, CPO)
    directory = directory_of(app)
    read_all, changes = directory._read_all, [lambda: unregister(app, platform_id)]

    def read_and_change() -> Any:
        read = read_all()
        while changes:
            changes.pop()()
        return read

    monkeypatch.setattr(directory, "_read_all", read_and_change)
    assert ask(app).status_code == 204
    assert ask(app).status_code == 401


def test_what_does_not_concern_holders_has_nothing_read_again(app: Flask) -> None:
    platform_id = connected(app, CPO, EMSP)
    directory_of(app).is_watched = True
    ask(app)
    with app.app_context(), write() as session:
        row = session.query(ClientInfo).filter_by(party="NL-TNM").one()
        row.business_details, row.status = {"name": "another"}, ConnectionStatus.OFFLINE
        row.party_id = row.party_id  # dirty, and yet no change
        session.get_one(Platform, platform_id).failed_probes = 1
    with counted(app) as statements:
        assert ask(app).status_code == 204
    assert statements == []


@pytest.mark.parametrize(
    ("values", "http_status"), [({"status": "SUSPENDED"}, 403), ({"registered": False}, 403), ({"party_id": "OTH"}, 204)]
)
def test_what_concerns_holders_is_read_again(app: Flask, values: dict[str, Any], http_status: int) -> None:
    platform_id = connected(app, CPO)
    directory_of(app).is_watched = True
    ask(app)
    with app.app_context(), write() as session:
        [row] = session.get_one(Platform, platform_id).client_infos
        for name, value in values.items():
            setattr(row, name, value)
    response = ask(app)
    assert response.status_code == http_status
    assert response.headers.get("X-Hubinfo-Party-Id") == values.get("party_id")


def test_a_row_that_moves_to_another_platform_is_read_again(app: Flask) -> None:
    connected(app, CPO)
    other_id = connected(app, EMSP, token="another-token-of-another")
    directory_of(app).is_watched = True
    ask(app)
    with app.app_context(), write() as session:
        row = session.query(ClientInfo).filter_by(party="NL-TNM").one()
        row.platform = session.get_one(Platform, other_id)
    assert ask(app).status_code == 403
