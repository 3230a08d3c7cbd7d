"""What an operator does is recorded, with its source, in the same transaction: both are done or neither."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.models import Action, ClientInfo, Platform
from hubinfo.operator import actions, log_book
from hubinfo.operator.refused import NoSuchParty, NoSuchPlatform, Refused
from tests.support.apps import MakeApp
from tests.support.hub_peer import HubPeer, client_info, connect_hub
from tests.support.hubs import SetClock, connect
from tests.support.live import Hub
from tests.support.peers import Peer
from tests.support.statements import Listener

both_databases = pytest.mark.both_databases("recorded in the transaction that does it, and lengths are checked there")

MakePeer = Callable[..., Peer]
CPO = ("CPO", "NL", "TNM")


def recorded(app: Flask, **wanted: Any) -> list[tuple[str, str, str | None, str | None]]:
    """Source, what, about and details, oldest first."""
    with app.app_context():
        rows = reversed(log_book.actions(**wanted))
        return [(row["source"], row["what"], row["about"], row["details"]) for row in rows]


def stored_rows(app: Flask) -> list[tuple[Any, ...]]:
    with app.app_context():
        columns = (ClientInfo.party, ClientInfo.role, ClientInfo.status, ClientInfo.revision)
        return [tuple(row) for row in db.session.execute(select(*columns).order_by(ClientInfo.id))]


@pytest.fixture
def refuses_to_record(app: Flask, listen: Callable[[Flask, Listener], None]) -> Flask:
    """Every INSERT of an action fails."""

    def fail(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        if statement.startswith("INSERT INTO action"):
            raise ZeroDivisionError

    listen(app, fail)
    return app


# Each is recorded


@both_databases
@pytest.mark.parametrize("source", ["command", "board", "api: billing"])
def test_inviting(app: Flask, now: SetClock, source: str) -> None:
    with app.app_context():
        invitation = actions.invite(source, "nl", "tnm", ["CPO", "EMSP"], "The New Motion")
        assert invitation.statuses == {"CPO": "PLANNED", "EMSP": "PLANNED"}
        assert log_book.actions()[0]["at"] == now.time
    assert recorded(app) == [(source, "invite", "NL-TNM", "CPO, EMSP; The New Motion")]
    assert invitation.token
    assert invitation.token not in str(recorded(app))


@both_databases
def test_suspending_and_resuming(app: Flask) -> None:
    connect(app, CPO, ("EMSP", "NL", "TNM"))
    with app.app_context():
        assert [row["status"] for row in actions.suspend("board", "NL-TNM", "EMSP")] == ["SUSPENDED"]
        assert [row["status"] for row in actions.suspend("board", "NL-TNM")] == ["SUSPENDED", "SUSPENDED"]
        assert [row["status"] for row in actions.resume("api: x", "NL-TNM")] == ["OFFLINE", "OFFLINE"]
    said = [("suspend", "NL-TNM", "EMSP"), ("suspend", "NL-TNM", None), ("resume", "NL-TNM", None)]
    assert recorded(app) == [("board", *said[0]), ("board", *said[1]), ("api: x", *said[2])]


def test_probing(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    hub.register(peer, CPO)
    with hub.app.app_context():
        alive = actions.probe("board", "NL-TNM")
        peer.stop()
        dead = actions.probe("board", "NL-TNM")
    assert (alive.alive, alive.status, alive.reason) == (True, "CONNECTED", None)
    assert (dead.alive, dead.status, dead.reason) == (False, "CONNECTED", "connection refused")
    assert alive.seconds > 0
    [_, first, second] = recorded(hub.app)
    assert first == ("board", "probe", "NL-TNM", f"alive, answered in {alive.seconds:.3f} s")
    assert second == ("board", "probe", "NL-TNM", "not alive: connection refused")


def test_registering_syncing_and_unregistering(make_app: MakeApp, make_hub_peer: Callable[..., HubPeer]) -> None:
    app, peer = make_app(roles="CPO", country_code="NL", party_id="OUR"), make_hub_peer("DE-HUB")
    peer.listed = [client_info("BE-BEC", "EMSP"), client_info("FR-NAV", "NSP")]
    with app.app_context():
        assert actions.register("board", peer.versions_url, "token-a").platform == "DE-HUB"
        assert [pull.received for pull in actions.sync("board", None)] == [2]
        assert actions.unregister("command", "de-hub") == "DE-HUB"
    assert recorded(app) == [
        ("board", "register", "DE-HUB", f"{peer.versions_url} over OCPI 2.2.1"),
        ("board", "sync", "DE-HUB", "2 received, 2 changed, 0 no longer valid"),
        ("command", "unregister", "DE-HUB", None),
    ]
    assert "token-a" not in str(recorded(app))


def test_forcing_and_a_pull_that_failed_are_said(make_app: MakeApp) -> None:
    app = make_app(roles="CPO", country_code="NL", party_id="OUR", request_timeout_seconds=0.5)
    connect_hub(app, "DE-HUB")
    with app.app_context():
        [pull] = actions.sync("board", "DE-HUB")
        assert pull.reason
        actions.unregister("board", "DE-HUB", force=True)
    assert recorded(app)[0] == ("board", "sync", "DE-HUB", pull.reason)
    assert recorded(app)[1][1:] == ("unregister", "DE-HUB", "forced")


# What fails is not done, nor recorded


def test_an_invitation_that_is_refused_leaves_nothing(app: Flask) -> None:
    connect(app, CPO)
    before = stored_rows(app)
    with app.app_context():
        with pytest.raises(Refused, match="NL-TNM is connected already"):
            actions.invite("board", "NL", "TNM", ["CPO", "EMSP"], None)
        assert db.session.query(Platform).count() == 1
    assert stored_rows(app) == before
    assert recorded(app) == []


FAILING: dict[str, tuple[Callable[[], object], type[Refused], str]] = {
    "suspend": (lambda: actions.suspend("board", "NL-ZZZ"), NoSuchParty, "no such party: NL-ZZZ;"),
    "suspend a role": (lambda: actions.suspend("board", "NL-TNM", "NAP"), NoSuchParty, "no such party: NL-TNM as NAP;"),
    "resume": (lambda: actions.resume("board", "NL-ZZZ"), NoSuchParty, "no such party: NL-ZZZ;"),
    "probe": (lambda: actions.probe("board", "NL-ZZZ"), NoSuchParty, "no such party: NL-ZZZ;"),
    "probe the invited": (lambda: actions.probe("board", "BE-NEW"), Refused, "BE-NEW has not registered, so there is nobody"),
    "unregister": (lambda: actions.unregister("board", "NL-ZZZ"), NoSuchPlatform, "no connection named NL-ZZZ;"),
    "unregister the invited": (lambda: actions.unregister("board", "BE-NEW"), Refused, "no connection named BE-NEW;"),
    "sync": (lambda: actions.sync("board", "NL-ZZZ"), NoSuchPlatform, "no hub named NL-ZZZ;"),
    "sync with nobody": (lambda: actions.sync("board", None), Refused, "no hub to pull from yet;"),
    "register": (lambda: actions.register("board", "http://127.0.0.1:1/versions", "a"), Refused, "connection refused"),
    "revoke": (lambda: actions.revoke_api_token("board", "nobody's"), Refused, "no API token named nobody's;"),
}


@pytest.mark.parametrize("what", FAILING)
def test_what_cannot_be_done_says_why_and_is_not_recorded(app: Flask, what: str) -> None:
    connect(app, CPO)
    with app.app_context(), write() as session:
        invited = Platform(name="BE-NEW", status="PLANNED", created_at=clock.now(), token_hash="a")
        presence.invited(session, invited, presence.new_row("BE", "NEW", "CPO", {"name": "New"}))
    before = stored_rows(app)
    action, error, message = FAILING[what]
    with app.app_context(), pytest.raises(error, match=message):
        action()
    assert stored_rows(app) == before
    assert recorded(app) == []


TRANSACTIONS: dict[str, Callable[[], object]] = {
    "invite": lambda: actions.invite("board", "FR", "NEW", ["CPO"], None),
    "suspend": lambda: actions.suspend("board", "NL-TNM"),
    "resume": lambda: actions.resume("board", "NL-SUS"),
    "tell again": lambda: actions.tell_again("board", "NL-TNM"),
    "make API token": lambda: actions.make_api_token("board", "billing"),
    "revoke API token": lambda: actions.revoke_api_token("board", "old"),
}


def everything(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    with app.app_context(), db.engine.connect() as connection:
        return {name: [tuple(row) for row in connection.execute(table.select())] for name, table in db.metadata.tables.items()}


@both_databases
@pytest.mark.parametrize("what", TRANSACTIONS)
def test_what_cannot_be_recorded_is_not_done(app: Flask, request: pytest.FixtureRequest, what: str) -> None:
    connect(app, CPO)
    connect(app, ("CPO", "NL", "SUS"))
    with app.app_context():
        actions.suspend("command", "NL-SUS")
        actions.make_api_token("command", "old")
        request.getfixturevalue("refuses_to_record")
        before = everything(app)
        with pytest.raises(ZeroDivisionError):
            TRANSACTIONS[what]()
    assert everything(app) == before


# The record


@both_databases
def test_hundreds_of_characters_are_kept_as_far_as_they_fit(app: Flask) -> None:
    with app.app_context():
        actions.record("api: " + "n" * 64, "register", "a" * 300, "é" * 300)
        assert db.session.scalars(select(Action.source)).all() == ["api: " + "n" * 64]
    assert recorded(app)[0][2:] == ("a" * 255, "é" * 255)


@both_databases
def test_the_record_in_part_newest_first(app: Flask) -> None:
    connect(app, CPO)
    connect(app, ("EMSP", "BE", "BEC"))
    with app.app_context():
        for party in ("NL-TNM", "BE-BEC", "NL-TNM"):
            actions.suspend("board", party)
        everyone = log_book.actions()
        assert [row["about"] for row in everyone] == ["NL-TNM", "BE-BEC", "NL-TNM"]
        ids = [row["id"] for row in everyone]
        assert ids == sorted(ids, reverse=True)
        assert [row["id"] for row in log_book.actions(party="NL-TNM")] == [ids[0], ids[2]]
        assert [row["id"] for row in log_book.actions(before=ids[0], limit=1)] == [ids[1]]
        assert log_book.actions(party="NL-ZZZ") == []
