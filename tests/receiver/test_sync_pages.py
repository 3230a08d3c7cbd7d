"""A full pull, page by page, from hubs that page well or badly (OCPI 2.2.1 hubclientinfo, Sender GET; transport, Pagination)."""

from collections.abc import Callable

import pytest

from tests.support.apps import MakeApp
from tests.support.commands import json_of
from tests.support.hub_peer import LIST, HubPeer, client_info, connect_hub
from tests.support.live import Hub
from tests.support.peers import Handler
from tests.support.pulling import ALL, numbers, parties, pull, told_before, two_on_a_page
from tests.support.receivers import put

both_databases = pytest.mark.both_databases("what is listed no longer is marked by one statement")

MakeHubPeer = Callable[..., HubPeer]


@pytest.fixture
def hub_peer(make_hub_peer: MakeHubPeer) -> HubPeer:
    return two_on_a_page(make_hub_peer())


@pytest.fixture
def party(make_app: MakeApp, hub_peer: HubPeer) -> Hub:
    return told_before(make_app(roles="CPO", request_timeout_seconds=10), hub_peer)


def offsets(hub_peer: HubPeer) -> list[str]:
    return [query.get("offset", ["none"])[0] for query in hub_peer.queries]


def came_through(party: Hub, hub_peer: HubPeer) -> None:
    made = pull(party)
    assert (made.reason, made.received, made.changed, made.no_longer_valid) == (None, 5, 4, 1)
    assert (numbers(party), numbers(party, valid=False)) == (ALL, ["OLD"])


@both_databases
def test_link_is_followed_to_the_end_and_what_is_not_listed_is_no_longer_valid(party: Hub, hub_peer: HubPeer) -> None:
    came_through(party, hub_peer)
    assert offsets(hub_peer) == ["0", "2", "4"] * 2  # once more before a row is said to be gone
    assert {seen.headers["Authorization"] for seen in hub_peer.received if LIST in seen.path} == {
        "Token b3VyLXRva2VuLWF0LURFLUhVQg=="
    }


def test_a_link_may_lead_anywhere_and_its_query_is_the_servers(party: Hub, hub_peer: HubPeer) -> None:
    last = {"X-Total-Count": "5"}
    first = {"Link": '<../other/pages?cursor=a%2Fb>; rel="next"', **last}
    hub_peer.behave("GET", "/2.2.1/hubclientinfo", lambda handler: handler.answer(parties(0, 1), headers=first))
    hub_peer.behave("GET", "/other/pages", lambda handler: handler.answer(parties(2, 3, 4), headers=last))
    came_through(party, hub_peer)
    assert hub_peer.received[-1].path == "/other/pages?cursor=a%2Fb"


@pytest.mark.parametrize("sends_count", [True, False])
def test_a_server_that_ignores_limit_sends_all_at_once(party: Hub, hub_peer: HubPeer, sends_count: bool) -> None:
    hub_peer.heeds_limit, hub_peer.sends_count = False, sends_count
    came_through(party, hub_peer)
    assert hub_peer.pages == 1


def test_without_x_total_count_link_is_enough(party: Hub, hub_peer: HubPeer) -> None:
    hub_peer.sends_count = False
    came_through(party, hub_peer)
    assert hub_peer.pages == 2 * 3


def test_without_link_the_count_leads_on_by_offset(party: Hub, hub_peer: HubPeer) -> None:
    hub_peer.sends_link = False
    came_through(party, hub_peer)
    assert offsets(hub_peer) == ["0", "2", "4"] * 2


def test_without_link_and_count_the_first_page_is_all_there_is(party: Hub, hub_peer: HubPeer) -> None:
    hub_peer.sends_link = hub_peer.sends_count = False
    made = pull(party)
    assert (made.reason, made.received, hub_peer.pages) == (None, 2, 1)


@pytest.mark.parametrize("count", ["", "-1", "many", "5.0", "9" * 30])
def test_a_count_that_is_none_is_no_count(party: Hub, hub_peer: HubPeer, count: str) -> None:
    hub_peer.behave("GET", f"/2.2.1/{LIST}", lambda handler: handler.answer(parties(*range(5)), headers={"X-Total-Count": count}))
    came_through(party, hub_peer)


@both_databases
def test_an_empty_list_makes_all_that_was_told_no_longer_valid(party: Hub, hub_peer: HubPeer) -> None:
    hub_peer.listed = []
    made = pull(party)
    assert (made.reason, made.received, made.no_longer_valid) == (None, 0, 2)
    assert numbers(party) == []


@both_databases
def test_what_is_listed_again_is_valid_again(party: Hub, hub_peer: HubPeer) -> None:
    pull(party)
    hub_peer.listed.append(client_info("NL-OLD"))
    made = pull(party)
    assert (made.changed, made.no_longer_valid) == (1, 0)
    assert numbers(party) == [*ALL, "OLD"]


def test_a_second_pull_of_the_same_list_changes_nothing(party: Hub, hub_peer: HubPeer) -> None:
    pull(party)
    made = pull(party)
    assert (made.reason, made.received, made.changed, made.no_longer_valid) == (None, 5, 0, 0)


@both_databases
def test_what_another_hub_told_stays_as_it_is(party: Hub, hub_peer: HubPeer) -> None:
    connect_hub(party.app, "FR-HUB")
    put(party, client_info("NL-OLD"), "NL/OLD", hub="FR-HUB")
    json_of(party.app, "sync", "DE-HUB")
    assert [(row["hub"], row["valid"]) for row in party.run("known", "NL", "OLD")] == [("DE-HUB", False), ("FR-HUB", True)]


@both_databases
def test_several_roles_of_a_party_are_several_rows(party: Hub, hub_peer: HubPeer) -> None:
    hub_peer.listed = [client_info("NL-A00", role) for role in ("CPO", "EMSP", "NSP")]
    pull(party)
    hub_peer.listed.pop(1)
    assert pull(party).no_longer_valid == 1
    assert {row["role"]: row["valid"] for row in party.run("known", "NL", "A00")} == {"CPO": True, "EMSP": False, "NSP": True}


def test_the_list_is_the_truth_also_where_it_is_older_than_what_was_pushed_before(party: Hub, hub_peer: HubPeer) -> None:
    """A hub whose clock was wrong when it pushed would otherwise never be believed again."""
    put(party, client_info("NL-A00", status="OFFLINE", last_updated="2099-01-01T00:00:00Z"), "NL/A00")
    pull(party)
    [row] = party.run("known", "NL", "A00")
    assert (row["status"], row["last_updated"]) == ("CONNECTED", "2026-01-01T00:00:00.000Z")


def test_a_list_without_last_updated_stamps_what_changes_and_leaves_the_rest(party: Hub, hub_peer: HubPeer) -> None:
    hub_peer.listed = [client_info("NL-A00", last_updated=None), client_info("NL-OLD", status="OFFLINE", last_updated=None)]
    assert pull(party).changed == 1
    times = {row["party_id"]: row["last_updated"] for row in party.run("known")}
    assert times["A00"] == "2026-01-01T00:00:00.000Z"
    assert times["OLD"] > times["A00"]


@pytest.mark.parametrize(("version", "role", "kept"), [("2.2", "HUB", True), ("2.2.1", "HUB", True), ("2.3.0", "HUB", False)])
def test_the_version_spoken_with_the_hub_decides_what_is_a_role(
    make_app: MakeApp, make_hub_peer: MakeHubPeer, version: str, role: str, kept: bool
) -> None:
    party, hub_peer = Hub(make_app(roles="CPO")), make_hub_peer(version=version)
    connect_hub(party.app, peer=hub_peer, version=version)
    hub_peer.listed = [client_info("NL-A00", role), client_info("NL-A01", "OTHER")]
    assert pull(party).received == 1 + kept


@both_databases
def test_a_row_that_comes_twice_is_one_row(party: Hub, hub_peer: HubPeer) -> None:
    """One was put before those already read, as by a hub that lists the newest first."""

    def insert(number: int) -> None:
        if number == 2:
            hub_peer.listed.insert(0, client_info("NL-NEW"))

    hub_peer.before_page = insert
    made = pull(party)
    assert made.reason is None
    assert numbers(party) == [*ALL, "NEW"]  # by the second reading


def test_a_row_that_was_skipped_marks_nothing(party: Hub, hub_peer: HubPeer) -> None:
    """The count shows that fewer came than there are, and nobody knows which."""
    following = {"Link": f'<{hub_peer.list_url}?offset=3&limit=2>; rel="next"', "X-Total-Count": "5"}
    hub_peer.behave("GET", f"/2.2.1/{LIST}?offset=0", lambda handler: handler.answer(parties(0, 1), headers=following))
    made = pull(party)
    assert (made.reason, made.no_longer_valid) == (None, 0)
    assert numbers(party, valid=False) == []
    hub_peer.behave("GET", f"/2.2.1/{LIST}?offset=0", None)
    assert pull(party).no_longer_valid == 1


def test_pages_that_overlap_are_read_to_the_end(party: Hub, hub_peer: HubPeer) -> None:
    pages = {"0": parties(0, 1), "1": parties(1, 2), "2": parties(2, 3, 4)}

    def overlap(handler: Handler) -> None:
        offset = hub_peer.queries[-1]["offset"][0]
        following = str(int(offset) + 1)
        link = {"Link": f'<{hub_peer.list_url}?offset={following}>; rel="next"'} if following in pages else {}
        handler.answer(pages[offset], headers={"X-Total-Count": "5", **link})

    hub_peer.behave("GET", f"/2.2.1/{LIST}", overlap)
    made = pull(party)
    assert (made.reason, made.received, made.no_longer_valid) == (None, 7, 1)
    assert numbers(party) == ALL
