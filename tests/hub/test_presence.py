from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.hub import feed, presence
from hubinfo.hub.transitions import Event, transition
from hubinfo.models import ClientInfo, ConnectionStatus, History, Platform
from hubinfo.ocpi.schemas import CredentialsRole
from tests.support.hubs import connect, stored
from tests.support.live import Hub
from tests.support.peers import Peer
from tests.support.statements import counted

pytestmark = pytest.mark.both_databases("a status, its revision and its line of history are one transaction")

CONNECTED, OFFLINE, PLANNED, SUSPENDED = ConnectionStatus

# The whole table of the design; what is not listed changes nothing.
TABLE = {
    (PLANNED, Event.REGISTERED): CONNECTED,
    (PLANNED, Event.SUSPENDED): SUSPENDED,
    (PLANNED, Event.UNREGISTERED): SUSPENDED,
    (CONNECTED, Event.PROBE_FAILED): OFFLINE,
    (CONNECTED, Event.SUSPENDED): SUSPENDED,
    (CONNECTED, Event.UNREGISTERED): SUSPENDED,
    (OFFLINE, Event.REGISTERED): CONNECTED,
    (OFFLINE, Event.HEARD): CONNECTED,
    (OFFLINE, Event.SUSPENDED): SUSPENDED,
    (OFFLINE, Event.UNREGISTERED): SUSPENDED,
    (SUSPENDED, Event.REGISTERED): CONNECTED,
    (SUSPENDED, Event.RESUMED): OFFLINE,
}


@pytest.mark.parametrize(("status", "event"), list(product(ConnectionStatus, Event)), ids=lambda value: str(value))
def test_transition_table(status: ConnectionStatus, event: Event) -> None:
    assert transition(status, event) == TABLE.get((status, event), status)


def test_registering_does_not_bring_back_what_an_operator_suspended() -> None:
    assert transition(SUSPENDED, Event.REGISTERED, by_operator=True) == SUSPENDED


def test_resuming_without_credentials_is_planned_again() -> None:
    assert transition(SUSPENDED, Event.RESUMED, registered=False) == PLANNED


@given(st.lists(st.sampled_from(list(Event))), st.booleans())
def test_only_registering_or_hearing_makes_connected_and_never_connected_is_never_offline(events: list[Event], known: bool) -> None:
    """PLANNED: never connected yet; OFFLINE: was connected (OCPI 2.2.1 hubclientinfo, ConnectionStatus)."""
    status, registered, was_connected = PLANNED, False, False
    for event in events:
        registered = event == Event.REGISTERED or (registered and event != Event.UNREGISTERED)
        before, status = status, transition(status, event, registered=registered)
        if status == CONNECTED and before != CONNECTED:
            assert event in (Event.REGISTERED, Event.HEARD)
        was_connected = was_connected or status == CONNECTED
        assert was_connected or status != OFFLINE


def test_every_change_takes_the_next_revision_and_one_line_of_history(hub: Hub, make_peer: Callable[..., Peer]) -> None:
    hub.register(make_peer(), ("CPO", "NL", "TNM"))
    hub.run("suspend", "NL", "TNM")
    hub.run("resume", "NL", "TNM")
    with hub.app.app_context():
        row = db.session.scalars(select(ClientInfo)).one()
        events = db.session.scalars(select(History.event).order_by(History.id)).all()
        assert events == ["invited", "registered", "suspended", "resumed"]
        assert row.revision == feed.newest_revision(db.session()) == 4


def test_a_change_is_later_than_the_one_before_even_when_the_clock_was_set_back(hub: Hub) -> None:
    """Receivers ignore what is older than what they hold, so news must never look old."""
    hub.invite("NL", "TNM", "CPO")
    future = clock.now() + timedelta(hours=1)
    with hub.app.app_context():
        with write() as session:
            session.scalars(select(ClientInfo)).one().last_updated = future
        with write() as session:
            presence.suspended([session.scalars(select(ClientInfo)).one()])
        assert db.session.scalars(select(ClientInfo)).one().last_updated == future + timedelta(milliseconds=1)


def test_hearing_changes_last_heard_at_and_not_last_updated(hub: Hub, make_peer: Callable[..., Peer]) -> None:
    hub.register(make_peer(), ("CPO", "NL", "TNM"))
    [before] = hub.run("parties")
    later = clock.now() + timedelta(seconds=5)
    with hub.app.app_context(), write():
        presence.heard({1: later})
    [after] = hub.run("parties")
    assert after["last_heard_at"] == clock.render(later)
    assert after["last_updated"] == before["last_updated"]


def test_an_invited_role_that_is_not_brought_stays_planned(hub: Hub, make_peer: Callable[..., Peer]) -> None:
    token = hub.invite("NL", "TNM", "CPO", "EMSP")
    response = hub.call("POST", "/ocpi/2.2.1/credentials", token, json=make_peer().credentials(("CPO", "NL", "TNM")))
    assert response.json is not None
    assert response.json["status_code"] == 1000
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("NL-TNM", "EMSP"): "PLANNED"}


def test_suspending_one_of_many_parties_leaves_the_platform_connected(hub: Hub, make_peer: Callable[..., Peer]) -> None:
    hub.register(make_peer(), ("CPO", "NL", "TNM"), ("CPO", "BE", "BEC"))
    hub.run("suspend", "BE", "BEC")
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("BE-BEC", "CPO"): "SUSPENDED"}
    assert [row["status"] for row in hub.run("platforms")] == ["CONNECTED"]


def test_resuming_is_offline_until_the_platform_answers(hub: Hub, make_peer: Callable[..., Peer]) -> None:
    hub.register(make_peer(), ("CPO", "NL", "TNM"))
    hub.run("suspend", "NL", "TNM")
    assert [row["status"] for row in hub.run("platforms")] == ["SUSPENDED"]
    assert [row["status"] for row in hub.run("resume", "NL", "TNM")] == ["OFFLINE"]
    assert hub.run("probe", "NL", "TNM")["status"] == "CONNECTED"


def test_a_party_suspended_by_an_operator_stays_so_when_it_registers(hub: Hub, make_peer: Callable[..., Peer]) -> None:
    token, peer = hub.invite("NL", "TNM", "CPO"), make_peer()
    hub.run("suspend", "NL", "TNM")
    hub.call("POST", "/ocpi/2.2.1/credentials", token, json=peer.credentials(("CPO", "NL", "TNM")))
    assert hub.statuses() == {("NL-TNM", "CPO"): "SUSPENDED"}
    assert [row["status"] for row in hub.run("resume", "NL", "TNM")] == ["OFFLINE"]


def test_registering_anew_ends_a_silence(app: Flask) -> None:
    """Also where we renew the credentials ourselves, when no message of theirs is heard."""
    platform_id = connect(app, ("CPO", "NL", "TNM"))
    with app.app_context(), write() as session:
        platform = session.get_one(Platform, platform_id)
        platform.failed_probes, platform.probe_reason = 1, "timed out"
        platform.failing_since = platform.next_probe_at = clock.now()
        presence.registered(platform, [CredentialsRole("CPO", "NL", "TNM", {"name": "TNM"})], starts_anew=False)
    row = stored(app, platform_id)
    silence = [row[name] for name in ("failed_probes", "failing_since", "probe_reason", "next_probe_at")]
    assert silence == [0, None, None, None]


def test_many_platforms_going_offline_take_a_fixed_number_of_queries(hub: Hub, make_peer: Callable[..., Peer]) -> None:
    def go_offline() -> int:
        with counted(hub.app) as queries, hub.app.app_context(), write() as session:
            presence.probes_failed(dict.fromkeys(session.scalars(select(ClientInfo.platform_id)).all(), "gone"))
        return sum(query.startswith("SELECT") for query in queries)

    hub.register(make_peer(), ("CPO", "NL", "AAA"))
    one = go_offline()
    for number in range(8):
        hub.register(make_peer(), ("CPO", "NL", f"B0{number}"))
    assert go_offline() == one
