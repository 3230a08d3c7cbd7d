"""A party that serves and works in the background pulls from a hub on loopback, by itself (OCPI 2.2.1 hubclientinfo, pull)."""

import threading
from collections.abc import Callable

import pytest

from hubinfo.database import write
from hubinfo.models import Platform
from tests.support.hub_peer import HubPeer, client_info, connect_hub
from tests.support.hubs import stored
from tests.support.live import LiveHub
from tests.support.waiting import wait_until

MakeLiveHub = Callable[..., LiveHub]
MakeHubPeer = Callable[..., HubPeer]


def knows(party: LiveHub) -> dict[str, str]:
    return {f"{row['country_code']}-{row['party_id']}": row["status"] for row in party.run("known") if row["valid"]}


@pytest.fixture
def hub_peer(make_hub_peer: MakeHubPeer) -> HubPeer:
    made = make_hub_peer()
    made.listed = [client_info("NL-TNM"), client_info("BE-BEC", "EMSP", "OFFLINE")]
    return made


LISTED = {"NL-TNM": "CONNECTED", "BE-BEC": "OFFLINE"}


def test_the_list_is_pulled_after_registering(make_live_hub: MakeLiveHub, hub_peer: HubPeer) -> None:
    party = make_live_hub(roles="CPO")
    party.run("register", hub_peer.versions_url, "token-a")
    wait_until(lambda: knows(party) == LISTED)
    assert hub_peer.pages == 1


def test_the_list_is_pulled_after_a_hub_registered_with_us(make_live_hub: MakeLiveHub, hub_peer: HubPeer) -> None:
    party = make_live_hub(roles="CPO")
    party.register(hub_peer, ("HUB", "DE", "HUB"))
    wait_until(lambda: knows(party) == LISTED)


def test_the_list_is_pulled_at_every_start(make_live_hub: MakeLiveHub, hub_peer: HubPeer) -> None:
    first = make_live_hub(roles="CPO")
    connect_hub(first.app, peer=hub_peer)
    wait_until(lambda: knows(first) == LISTED)
    first.worker.stop()
    hub_peer.listed = [client_info("NL-TNM", status="SUSPENDED")]
    second = make_live_hub(roles="CPO")
    wait_until(lambda: knows(second) == {"NL-TNM": "SUSPENDED"})


def test_the_list_is_pulled_again_and_again(make_live_hub: MakeLiveHub, hub_peer: HubPeer) -> None:
    party = make_live_hub(roles="CPO", sync_seconds=0.3)
    connect_hub(party.app, peer=hub_peer)
    hub_peer.wait_for(lambda _: hub_peer.pages >= 4)
    hub_peer.listed.pop()
    wait_until(lambda: knows(party) == {"NL-TNM": "CONNECTED"})


def test_a_hub_that_was_unreachable_is_stale_and_pulled_from_when_it_returns(make_live_hub: MakeLiveHub, hub_peer: HubPeer) -> None:
    party = make_live_hub(roles="CPO", keepalive_seconds=0.3, keepalive_retry_seconds=0.1, request_timeout_seconds=1)
    connect_hub(party.app, peer=hub_peer)
    wait_until(lambda: knows(party) == LISTED)
    hub_peer.stop()
    wait_until(lambda: all(row["stale"] for row in party.run("known")))
    hub_peer.listed = [client_info("NL-TNM", status="OFFLINE")]
    hub_peer.start_again()
    wait_until(lambda: knows(party) == {"NL-TNM": "OFFLINE"})
    assert not any(row["stale"] for row in party.run("known"))


def test_a_hub_that_was_down_at_our_start_is_pulled_from_later(make_live_hub: MakeLiveHub, hub_peer: HubPeer) -> None:
    hub_peer.stop()
    party = make_live_hub(roles="CPO", keepalive_retry_seconds=0.1)
    platform_id = connect_hub(party.app, peer=hub_peer)
    wait_until(lambda: stored(party.app, platform_id)["failed_syncs"] > 1)
    hub_peer.start_again()
    wait_until(lambda: knows(party) == LISTED)


def test_stopping_waits_for_no_hub_that_hangs_and_marks_nothing(make_live_hub: MakeLiveHub, hub_peer: HubPeer) -> None:
    party, released = make_live_hub(roles="CPO", request_timeout_seconds=120), threading.Event()
    connect_hub(party.app, peer=hub_peer)
    wait_until(lambda: knows(party) == LISTED)
    hub_peer.listed, hub_peer.before_page = [], lambda number: released.wait(60)
    with party.app.app_context(), write() as session:
        session.get_one(Platform, 1).next_sync_at = None
    hub_peer.wait_for(lambda _: hub_peer.pages == 2)
    party.worker.stop()
    assert not party.worker.alive, "though nothing is released yet"
    released.set()
    assert knows(party) == LISTED
    assert stored(party.app, 1)["next_sync_at"] is None


def test_a_pure_hub_pulls_from_nobody(make_live_hub: MakeLiveHub, hub_peer: HubPeer) -> None:
    hub = make_live_hub(keepalive_seconds=0.2)
    connect_hub(hub.app, peer=hub_peer)
    hub_peer.wait_for(lambda peer: len([seen for seen in peer.received if seen.path == "/versions"]) > 2)
    assert hub_peer.pages == 0


def test_who_is_hub_and_party_pulls_too(make_live_hub: MakeLiveHub, hub_peer: HubPeer) -> None:
    both = make_live_hub(roles="HUB,NSP")
    connect_hub(both.app, peer=hub_peer)
    wait_until(lambda: knows(both) == LISTED)
    assert set(both.statuses()) == {("DE-HUB", "HUB")}
