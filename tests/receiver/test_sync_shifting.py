"""A full pull while the list, the hub or the connection changes under it (OCPI 2.2.1 hubclientinfo, pull)."""

import itertools
import string
import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import HTTPServer
from typing import Any

import pytest
import requests

from hubinfo import clock
from hubinfo.ocpi.client import PeerError
from tests.support.apps import MakeApp
from tests.support.hub_peer import HubPeer, client_info, connect_hub, token_of
from tests.support.hubs import stored
from tests.support.live import Hub, LiveHub
from tests.support.peers import Handler
from tests.support.pulling import Pulls, numbers, parties, pull, told_before, two_on_a_page
from tests.support.receivers import put
from tests.support.waiting import wait_until

both_databases = pytest.mark.both_databases("many rows at once, and comparison without case")

MakeHubPeer = Callable[..., HubPeer]


@pytest.fixture
def hub_peer(make_hub_peer: MakeHubPeer) -> HubPeer:
    return two_on_a_page(make_hub_peer())


@pytest.fixture
def party(make_app: MakeApp, hub_peer: HubPeer) -> Hub:
    return told_before(make_app(roles="CPO", request_timeout_seconds=10), hub_peer)


@both_databases
@pytest.mark.parametrize("added", [0, 1])
def test_a_row_that_moved_to_a_page_read_already_stays_valid(party: Hub, hub_peer: HubPeer, added: int) -> None:
    """The first row goes, so the third one is on the first page now; with one added at the end, the count does not show it."""
    for number in range(5):
        put(party, client_info(f"NL-A{number:02}"), f"NL/A{number:02}")

    def shift(number: int) -> None:
        if number == 2:
            hub_peer.listed.pop(0)
            hub_peer.listed += [client_info("NL-NEW")] * added

    hub_peer.before_page = shift
    assert pull(party).reason is None
    assert "A02" in numbers(party)
    assert "OLD" not in numbers(party)


def test_an_entry_that_is_no_object_is_an_entry_all_the_same(party: Hub, hub_peer: HubPeer) -> None:
    hub_peer.listed = [None, *hub_peer.listed]
    assert pull(party).no_longer_valid == 1


def test_a_hub_that_becomes_due_is_pulled_from_while_another_hangs(
    make_live_hub: Callable[..., LiveHub], make_hub_peer: MakeHubPeer
) -> None:
    party = make_live_hub(roles="CPO", request_timeout_seconds=60)
    hanging, quick = make_hub_peer("DE-HUB"), make_hub_peer("FR-HUB")
    end = threading.Event()
    hanging.before_page = lambda _: end.wait(30) and None
    connect_hub(party.app, "DE-HUB", peer=hanging)
    wait_until(lambda: hanging.pages == 1)
    connect_hub(party.app, "FR-HUB", peer=quick)
    quick.wait_for(lambda _: quick.pages == 1)
    end.set()


class OneAtATime(HubPeer):
    """A hub that serves one connection after the other."""

    def _make(self, port: int) -> Any:
        server = HTTPServer(("127.0.0.1", port), type("OneAtATimeHandler", (Handler,), {"peer": self}))
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server


def test_a_hub_that_serves_one_connection_at_a_time_is_not_blocked_afterwards(make_app: MakeApp) -> None:
    hub = OneAtATime("FR-HUB")
    hub.listed = [client_info()]
    app = make_app(roles="CPO")
    connect_hub(app, "FR-HUB", peer=hub)
    assert pull(Hub(app)).reason is None
    assert requests.get(hub.versions_url, timeout=10).ok
    hub.stop()


def test_retry_after_is_obeyed(make_app: MakeApp) -> None:
    pulls = Pulls(make_app(roles="CPO"))
    pulls.client.answer = lambda _: PeerError("HTTP 429", http_status=429, retry_after_seconds=600)
    pulls.after(0)
    assert pulls.wait(pulls.ids[0]) == 600


@both_databases
def test_a_connection_renewed_during_the_pull_is_pulled_from_anew(make_app: MakeApp, make_hub_peer: MakeHubPeer) -> None:
    old, new = make_hub_peer(), make_hub_peer()
    party = told_before(make_app(roles="CPO"), old)
    old.listed = [client_info()]

    def renew(_number: int) -> None:
        sent = new.credentials(("HUB", "DE", "HUB"))
        answer = party.call("PUT", "/ocpi/2.2.1/credentials", token_of("DE-HUB"), json=sent)
        assert answer.json is not None
        assert answer.json["status_code"] == 1000

    old.before_page = renew
    assert pull(party).no_longer_valid == 0
    row = stored(party.app, 1)
    assert new.base in row["sender_url"]
    assert row["next_sync_at"] <= clock.now() + timedelta(seconds=1)


@both_databases
def test_a_list_of_ten_thousand_in_one_answer_is_taken(party: Hub, hub_peer: HubPeer) -> None:
    names = map("".join, itertools.product(string.ascii_uppercase, repeat=3))
    hub_peer.listed = [client_info(f"NL-{name}") for name in itertools.islice(names, 10_000)]
    hub_peer.heeds_limit = False
    made = pull(party)
    assert (made.reason, made.received) == (None, 10_000)


def test_the_reason_says_what_was_wrong_before_the_url(party: Hub, hub_peer: HubPeer) -> None:
    far = {"Link": f'<{hub_peer.list_url}?cursor={"x" * 300}>; rel="next"'}
    hub_peer.behave("GET", "/2.2.1/hubclientinfo?offset=0", lambda handler: handler.answer(parties(0), headers=far))
    hub_peer.behave("GET", "/2.2.1/hubclientinfo?cursor", lambda handler: handler.answer({}))
    assert "must be a list" in str(pull(party).reason)


@both_databases
def test_letters_that_only_look_like_those_of_the_body_in_upper_case_are_another_party(party: Hub) -> None:
    answer = put(party, client_info("NL-TNS"), "NL/TN%C5%BF")  # a long s, whose upper case is S
    assert answer.json is not None
    assert (answer.status_code, answer.json["status_code"]) == (200, 2001)
