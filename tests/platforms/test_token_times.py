"""When the tokens of both sides were made and last used, and which endpoints were agreed on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from hubinfo import clock
from hubinfo.database import write
from hubinfo.hub import activity, presence
from hubinfo.hub.activity import Entry
from hubinfo.models import Platform
from hubinfo.ocpi.client import Outcome
from hubinfo.platforms import connections
from tests.support.hubs import SetClock, connect, stored
from tests.support.live import Hub
from tests.support.past import set_clock
from tests.support.peers import Peer
from tests.support.rounds import fault, keepalive, ok, push

pytestmark = pytest.mark.both_databases("conditional updates of timestamps")

CPO = ("CPO", "NL", "TNM")
MakePeer = Callable[..., Peer]
TOKEN_TIMES = ("token_made_at", "token_used_at", "token_out_made_at", "token_out_used_at")


def write_heard(hub: Hub) -> None:
    """As the worker does every second."""
    with hub.app.app_context():
        shared = connections()
        taken = shared.heard.take()
        with write():
            shared.parties.heard(taken, presented=True)


def times(hub: Hub, *names: str) -> list[datetime | None]:
    row = stored(hub.app, 1)
    return [row[name] for name in names or TOKEN_TIMES]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    return set_clock(monkeypatch)


def test_token_a_is_made_by_inviting_and_its_use_is_seen_before_it_registers(hub: Hub, now: SetClock) -> None:
    token, made_at = hub.invite("NL", "TNM", "CPO"), now.time
    assert times(hub) == [made_at, None, None, None]
    now.pass_seconds(100)
    hub.call("GET", "/ocpi/versions", token)
    assert times(hub) == [made_at, made_at + timedelta(seconds=100), None, None]
    now.pass_seconds(30)
    hub.call("GET", "/ocpi/2.2.1", token)
    assert times(hub, "token_used_at") == [made_at + timedelta(seconds=100)]  # to a minute
    now.pass_seconds(31)
    hub.call("GET", "/ocpi/nowhere", token)
    assert times(hub, "token_used_at") == [made_at + timedelta(seconds=161)]


def test_a_wrong_token_is_no_use_of_it(hub: Hub, now: SetClock) -> None:
    hub.invite("NL", "TNM", "CPO")
    hub.call("GET", "/ocpi/versions", "wrong")
    assert times(hub, "token_used_at") == [None]


def test_inviting_again_makes_a_new_token_that_nobody_has_used(hub: Hub, now: SetClock) -> None:
    hub.call("GET", "/ocpi/versions", hub.invite("NL", "TNM", "CPO"))
    now.pass_seconds(5)
    hub.invite("NL", "TNM", "CPO")
    assert times(hub) == [now.time, None, None, None]


def test_registering_makes_both_tokens_and_ours_was_used_to_look_at_theirs(hub: Hub, now: SetClock, make_peer: MakePeer) -> None:
    token = hub.register(make_peer(), CPO)
    assert times(hub) == [now.time, None, now.time, now.time]
    now.pass_seconds(3)
    hub.call("GET", "/ocpi/2.2.1/hubclientinfo", token)
    write_heard(hub)
    assert times(hub, "token_used_at") == [now.time]


def test_a_token_that_was_made_after_the_message_was_not_used_by_it(hub: Hub, now: SetClock, make_peer: MakePeer) -> None:
    """PUT credentials is heard when it arrives, and answered with the new token."""
    peer = make_peer()
    token = hub.register(peer, CPO)

    def take_time(handler: Any) -> None:
        now.pass_seconds(2)
        handler.answer([{"version": "2.2.1", "url": f"{peer.base}/2.2.1"}])

    peer.behave("GET", "/versions", take_time)
    response = hub.call("PUT", "/ocpi/2.2.1/credentials", token, json=peer.credentials(CPO))
    assert response.json is not None
    assert response.json["status_code"] == 1000
    write_heard(hub)
    assert times(hub) == [now.time, None, now.time, now.time]


def test_of_a_platform_that_unregisters_no_token_times_nor_endpoints_are_left(hub: Hub, now: SetClock, make_peer: MakePeer) -> None:
    peer = make_peer()
    token = hub.register(peer, CPO)
    assert stored(hub.app, 1)["endpoints"] == peer.endpoints("2.2.1")
    hub.call("GET", "/ocpi/2.2.1/hubclientinfo", token)
    now.pass_seconds(1)
    hub.call("DELETE", "/ocpi/2.2.1/credentials", token)
    write_heard(hub)
    assert times(hub) == [None] * 4
    assert stored(hub.app, 1)["endpoints"] is None


def test_what_was_under_way_when_a_platform_unregistered_uses_no_token_of_it(app: Flask) -> None:
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)

    def unregister(_put: Any) -> Outcome:
        with app.app_context(), write() as session:
            row = session.get_one(Platform, platform)
            row.token_out = row.token_hash = None
            presence.unregistered(row)
        return ok(0.1)

    push(app, unregister)
    assert stored(app, platform)["token_out_used_at"] is None


def test_a_push_and_a_probe_use_our_token(app: Flask) -> None:
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    time = SetClock()
    push(app, lambda put: fault("timed out"), time)
    assert stored(app, platform)["token_out_used_at"] == time.time
    time.time = clock.now() + timedelta(seconds=400)
    keepalive(app, lambda request: ok(0.1), time)
    assert stored(app, platform)["token_out_used_at"] == time.time


def test_an_older_answer_is_no_use_of_a_token_made_since(app: Flask) -> None:
    platform = connect(app, ("CPO", "NL", "AAA"))
    with app.app_context(), write() as session:
        made_at = session.get_one(Platform, platform).token_out_made_at = clock.now()
        entry = Entry(at=made_at - timedelta(seconds=1), kind="probe", platform_id=platform, outcome="ok", reason=None, seconds=0.1)
        activity.write(session, [entry])
    assert stored(app, platform)["token_out_used_at"] is None


def test_the_endpoints_of_a_renewed_connection_are_the_new_ones(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    token = hub.register(peer, CPO)
    peer.receiver = False
    hub.call("PUT", "/ocpi/2.2.1/credentials", token, json=peer.credentials(CPO))
    assert stored(hub.app, 1)["endpoints"] == peer.endpoints("2.2.1")
    assert stored(hub.app, 1)["receiver_url"] is None
