"""Full pulls that break, bring objects of no use, or are overtaken by pushes (OCPI 2.2.1 hubclientinfo, pull; transport)."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hubinfo.platforms import connections
from tests.support.apps import MakeApp
from tests.support.hub_peer import LIST, HubPeer, client_info, connect_hub
from tests.support.hubs import stored
from tests.support.live import Hub
from tests.support.peers import Handler, hang
from tests.support.pulling import numbers, parties, pull, told_before, two_on_a_page
from tests.support.receivers import NEWER, OLDER, put

MakeHubPeer = Callable[..., HubPeer]
CUT = b'{"data": [{"country_code": "NL", "party_id": "A00", '


@pytest.fixture
def hub_peer(make_hub_peer: MakeHubPeer) -> HubPeer:
    return two_on_a_page(make_hub_peer())


@pytest.fixture
def party(make_app: MakeApp, hub_peer: HubPeer) -> Hub:
    return told_before(make_app(roles="CPO", request_timeout_seconds=4), hub_peer)


@pytest.fixture
def logged(party: Hub) -> Iterator[list[dict[str, Any]]]:
    """What the party logs, as JSON has it."""
    lines: list[dict[str, Any]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append({"event": record.getMessage(), "level": record.levelname, **record.__dict__.get("hubinfo", {})})

    logger, handler = logging.getLogger("hubinfo"), Kept()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(handler)


BAD: list[tuple[Any, str]] = [
    (client_info("NL-BAD", status="UP"), 'entry 2: status="UP": must be one of CONNECTED, OFFLINE, PLANNED, SUSPENDED'),
    (client_info("NL-BAD", role="cpo"), 'entry 2: role="cpo": must be one of'),
    (client_info("NLD-BAD"), 'entry 2: country_code="NLD": must be two letters'),
    (client_info("NL-BAD", last_updated="yesterday"), 'entry 2: last_updated="yesterday": must be a UTC date and time'),
    (client_info("NL-BAD", last_updated=7), "entry 2: last_updated=7: must be a UTC date and time"),
    ({}, "entry 2: country_code is missing"),
    (None, "entry 2: ClientInfo=null: must be an object"),
    (7, "entry 2: ClientInfo=7: must be an object"),
    ([[]], "entry 2: ClientInfo=[…]: must be an object"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD, ids=range(len(BAD)))
def test_good_objects_are_kept_and_bad_ones_logged_with_the_reason(
    party: Hub, hub_peer: HubPeer, logged: list[dict[str, Any]], bad: Any, reason: str
) -> None:
    hub_peer.listed, hub_peer.page_limit = [client_info("NL-A00"), bad, client_info("NL-A01")], 3
    made = pull(party)
    assert (made.reason, made.received) == (None, 2)
    assert set(numbers(party)) >= {"A00", "A01"}
    [line] = [line for line in logged if line["event"] == "client_info_ignored"]
    assert (line["level"], line["hub"], line["url"]) == ("WARNING", "DE-HUB", f"{hub_peer.list_url}?offset=0&limit=100")
    assert line["reason"].startswith(reason)


def test_of_many_bad_objects_a_few_are_logged(party: Hub, hub_peer: HubPeer, logged: list[dict[str, Any]]) -> None:
    hub_peer.listed, hub_peer.page_limit = [{}] * 50, 100
    assert pull(party).reason is None
    assert len([line for line in logged if line["event"] == "client_info_ignored"]) == 10


def test_a_bad_object_is_still_listed_and_makes_no_row_invalid(party: Hub, hub_peer: HubPeer) -> None:
    hub_peer.listed, hub_peer.sends_count = [client_info("NL-OLD", status="UP"), *parties(0, 1)], False
    made = pull(party)
    assert (made.reason, made.received, made.no_longer_valid) == (None, 2, 0)
    assert numbers(party) == ["A00", "A01", "OLD"]


def test_unknown_fields_are_ignored(party: Hub, hub_peer: HubPeer) -> None:
    hub_peer.listed = [client_info("NL-A00", extension={"x": 1}, hub_party_id="DEHUB")]
    assert pull(party).received == 1


def broken(party: Hub, hub_peer: HubPeer, *, after_pages: int) -> str:
    """The reason of a pull that breaks off after so many pages: those are stored, nothing is marked, and it will be tried again."""
    made = pull(party)
    assert made.reason is not None
    assert (made.received, made.no_longer_valid) == (2 * after_pages, 0)
    assert "OLD" in numbers(party)
    assert numbers(party, valid=False) == []
    row = stored(party.app, 1)
    assert (row["failed_syncs"], row["synced_at"], row["sync_reason"]) == (1, None, made.reason)
    return made.reason


BREAKS: dict[str, tuple[Callable[[Handler], None], str]] = {
    "500": (lambda handler: handler.answer(http_status=500, status_code=3000), "HTTP 500, OCPI 3000"),
    "401": (lambda handler: handler.answer(http_status=401, status_code=2000), "HTTP 401, OCPI 2000"),
    "OCPI error": (lambda handler: handler.answer(status_code=3000), "HTTP 200, OCPI 3000"),
    "hangs": (hang(12), "timed out after 4 s"),
    "not JSON": (lambda handler: handler.raw(b"<html>"), "the answer is not OCPI"),
    "cut": (lambda handler: handler.raw(CUT, headers={"Content-Length": "9999"}), ""),
    "cut JSON": (lambda handler: handler.raw(CUT), "the answer is not OCPI"),
    "an object": (lambda handler: handler.answer({"data": []}), "must be a list"),
    "redirect": (
        lambda handler: handler.answer([], http_status=302, headers={"Location": "/2.2.1/x"}),
        "redirects are not followed",
    ),
}


@pytest.mark.parametrize("way", BREAKS)
@pytest.mark.parametrize("after_pages", [0, 1])
def test_a_broken_pull_marks_nothing_and_says_why(party: Hub, hub_peer: HubPeer, way: str, after_pages: int) -> None:
    behaviour, reason = BREAKS[way]
    hub_peer.behave("GET", f"/2.2.1/{LIST}?offset={2 * after_pages}", behaviour)
    assert reason in broken(party, hub_peer, after_pages=after_pages)


def test_a_hub_that_stops_between_two_pages_marks_nothing(party: Hub, hub_peer: HubPeer) -> None:
    """Nobody listens where the second page would be."""
    link = {"Link": '<http://127.0.0.1:1/gone>; rel="next"'}
    hub_peer.behave("GET", f"/2.2.1/{LIST}", lambda handler: handler.answer(parties(0, 1), headers=link))
    assert "refused" in broken(party, hub_peer, after_pages=1)


@pytest.mark.parametrize("link", ["http://10.0.0.1/list", "file:///etc/passwd", "ftp://x/y"])
def test_a_link_to_where_we_do_not_call_breaks_the_pull(make_app: MakeApp, hub_peer: HubPeer, link: str) -> None:
    party = Hub(make_app(roles="CPO", request_timeout_seconds=2))
    connect_hub(party.app, peer=hub_peer)
    headers = {"Link": f'<{link}>; rel="next"'}
    hub_peer.behave("GET", f"/2.2.1/{LIST}", lambda handler: handler.answer(parties(0), headers=headers))
    assert pull(party).reason is not None


@pytest.mark.parametrize("back_to", [0, 2, 4])
def test_a_link_that_leads_in_a_circle_ends_the_pull_and_marks_nothing(party: Hub, hub_peer: HubPeer, back_to: int) -> None:
    link = {"Link": f'<{hub_peer.list_url}?offset={back_to}&limit=2>; rel="next"'}
    hub_peer.behave("GET", f"/2.2.1/{LIST}?offset=4", lambda handler: handler.answer(parties(4, 5), headers=link))
    if back_to == 0:  # what we asked first has another limit, so it is known again a round later
        link["Link"] = f'<{hub_peer.list_url}?offset=0&limit=100>; rel="next"'
    assert "the list leads in a circle" in broken(party, hub_peer, after_pages=3)
    assert hub_peer.pages == 3


def test_a_server_that_ignores_offset_sends_the_same_page_again_and_ends_the_pull(party: Hub, hub_peer: HubPeer) -> None:
    hub_peer.heeds_offset = hub_peer.sends_link = False
    assert "the same page came again" in broken_by_repeat(party, hub_peer)


def broken_by_repeat(party: Hub, hub_peer: HubPeer) -> str:
    made = pull(party)
    assert made.reason is not None
    assert made.no_longer_valid == 0
    assert "OLD" in numbers(party)
    assert hub_peer.pages == 2
    return made.reason


def test_the_client_closed_in_the_middle_marks_nothing(party: Hub, hub_peer: HubPeer) -> None:
    """As when the process is stopped."""

    def close(number: int) -> None:
        if number == 2:
            with party.app.app_context():
                connections().client.close()

    hub_peer.before_page = close
    made = pull(party)
    assert made.reason == "not finished: the process was stopped"
    assert numbers(party, valid=False) == []
    assert stored(party.app, 1)["synced_at"] is None


def put_meanwhile(party: Hub, hub_peer: HubPeer, told: dict[str, Any], page: int) -> None:
    """The hub pushes while it is asked for this page."""
    about = f"{told['country_code']}/{told['party_id']}"

    def push(number: int) -> None:
        if number == page:
            assert put(party, told, about).status_code in (200, 201)

    hub_peer.before_page = push


@pytest.mark.both_databases("pushes are stored while the list is")
@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize("number", [0, 2, 4])
def test_a_push_that_arrives_during_the_pull_and_is_newer_wins(party: Hub, hub_peer: HubPeer, page: int, number: int) -> None:
    """Whether its row is on a page before, on this one, or on one after."""
    put_meanwhile(party, hub_peer, client_info(f"NL-A{number:02}", status="SUSPENDED", last_updated=NEWER), page)
    assert pull(party).reason is None
    [row] = party.run("known", "NL", f"A{number:02}")
    assert (row["status"], row["last_updated"], row["valid"]) == ("SUSPENDED", NEWER, True)


@pytest.mark.both_databases("pushes are stored while the list is")
def test_a_push_during_the_pull_that_is_older_than_the_list_loses(party: Hub, hub_peer: HubPeer) -> None:
    put_meanwhile(party, hub_peer, client_info("NL-A04", status="SUSPENDED", last_updated=OLDER), 1)
    pull(party)
    assert [row["status"] for row in party.run("known", "NL", "A04")] == ["CONNECTED"]


@pytest.mark.both_databases("pushes are stored while the list is")
@pytest.mark.parametrize("told", ["NL-NEW", "NL-OLD"])
def test_what_is_pushed_during_the_pull_is_valid_though_not_listed(party: Hub, hub_peer: HubPeer, told: str) -> None:
    put_meanwhile(party, hub_peer, client_info(told, last_updated=NEWER), 3)
    assert pull(party).reason is None
    assert [row["valid"] for row in party.run("known", *told.split("-"))] == [True]
