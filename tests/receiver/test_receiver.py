"""PUT and GET of one party, as hubs call them (OCPI 2.2.1 hubclientinfo, Receiver interface; ocpi.md, open points 1 to 4)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from hubinfo import clock
from hubinfo.database import write
from hubinfo.models import Known
from tests.support.apps import MakeApp
from tests.support.hub_peer import TOLD_AT, HubPeer, client_info, connect_hub, set_status, token_of
from tests.support.hubs import OK, connect
from tests.support.live import Hub
from tests.support.receivers import HUB, NEWER, OLDER, PATH, call, codes, get, put
from tests.support.rounds import push_with
from tests.support.statements import counted

both_databases = pytest.mark.both_databases("a row is made or changed at the same time by several")


def endpoints(party: Hub) -> set[tuple[str, str]]:
    answer = party.call("GET", "/ocpi/2.2.1", token_of(HUB)).json
    assert answer is not None
    return {(row["role"], row["url"]) for row in answer["data"]["endpoints"] if row["identifier"] == "hubclientinfo"}


@pytest.mark.parametrize(
    ("roles", "listed"),
    [("CPO", ["RECEIVER"]), ("HUB", ["SENDER"]), ("CPO,EMSP", ["RECEIVER"]), ("HUB,NSP", ["RECEIVER", "SENDER"])],
)
def test_a_party_has_a_receiver_a_hub_a_sender_and_who_is_both_has_both(make_app: MakeApp, roles: str, listed: list[str]) -> None:
    party = Hub(make_app(roles=roles))
    connect_hub(party.app, HUB)
    found = endpoints(party)
    assert sorted(role for role, _ in found) == listed
    for role, url in found:
        path = url.removeprefix("http://127.0.0.1:5000")
        assert party.call("GET", f"{path}/NL/ZZZ" if role == "RECEIVER" else path, token_of(HUB)).json is not None


def test_a_pure_hub_has_no_receiver(make_app: MakeApp) -> None:
    hub = Hub(make_app(roles="HUB"))
    connect_hub(hub.app, HUB)
    assert codes(put(hub, client_info())) == (404, 2000)


def test_what_is_new_is_201_and_what_existed_200_without_data(party: Hub) -> None:
    for http_status in (201, 200, 200):
        response = put(party, client_info())
        assert response.json is not None
        assert (*codes(response), set(response.json)) == (http_status, 1000, {"timestamp", "status_message", "status_code"})


@pytest.mark.parametrize("status", ["CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED"])
def test_what_was_put_is_what_get_says(party: Hub, status: str) -> None:
    put(party, client_info())
    put(party, client_info(status=status, last_updated=NEWER))
    assert get(party) == client_info(status=status, last_updated=NEWER)


def test_the_role_in_the_body_selects_the_row(party: Hub) -> None:
    """OCPI 2.2.1 hubclientinfo; ocpi.md, open point 1."""
    assert codes(put(party, client_info(role="CPO"))) == (201, 1000)
    assert codes(put(party, client_info(role="EMSP", status="OFFLINE"))) == (201, 1000)
    assert codes(put(party, client_info(role="CPO", status="SUSPENDED", last_updated=NEWER))) == (200, 1000)
    assert [get(party, f"NL/TNM?role={role}")["status"] for role in ("CPO", "EMSP")] == ["SUSPENDED", "OFFLINE"]
    assert get(party, "NL/TNM?role=NSP") is None


@both_databases
@pytest.mark.parametrize(("newer", "older"), [("CPO", "EMSP"), ("EMSP", "CPO")])
@pytest.mark.parametrize("first", ["CPO", "EMSP"])
def test_of_several_roles_get_says_the_one_updated_last(party: Hub, newer: str, older: str, first: str) -> None:
    times = {newer: NEWER, older: OLDER}
    for role in sorted(times, key=lambda role: role != first):
        put(party, client_info(role=role, last_updated=times[role]))
    assert get(party)["role"] == newer


@both_databases
@pytest.mark.parametrize("about", ["NL/TNM", "nl/tnm", "Nl/tNM", "nl/TNM/"])
@pytest.mark.parametrize("told", ["NL-TNM", "nl-tnm", "nL-TnM"])
def test_url_and_body_name_the_same_party_without_case_and_it_is_kept_in_upper_case(party: Hub, about: str, told: str) -> None:
    put(party, client_info("NL-TNM"))
    assert codes(put(party, client_info(told), about)) == (200, 1000)
    kept = get(party, "nL/tnm")
    assert (kept["country_code"], kept["party_id"]) == ("NL", "TNM")


def test_without_last_updated_it_is_stamped_with_the_time_of_arrival(party: Hub) -> None:
    began = clock.now()
    assert codes(put(party, client_info(last_updated=None))) == (201, 1000)
    assert began <= clock.parse(get(party)["last_updated"]) <= clock.now()
    assert codes(put(party, client_info(status="OFFLINE", last_updated=None))) == (200, 1000)
    assert get(party)["status"] == "OFFLINE"


@both_databases
def test_what_is_older_than_what_is_stored_is_1000_and_changes_nothing(party: Hub) -> None:
    """OCPI leaves it open; ocpi.md, open point 4."""
    put(party, client_info())
    before = party.run("known")
    assert codes(put(party, client_info(status="SUSPENDED", last_updated=OLDER))) == (200, 1000)
    assert party.run("known") == before


@both_databases
@pytest.mark.parametrize("last_updated", [TOLD_AT, "2026-01-01T00:00:00", "2026-01-01T00:00:00.000Z", NEWER])
def test_of_the_same_time_or_newer_it_is_taken_however_the_time_is_written(party: Hub, last_updated: str) -> None:
    put(party, client_info())
    assert codes(put(party, client_info(status="OFFLINE", last_updated=last_updated))) == (200, 1000)
    assert get(party)["status"] == "OFFLINE"


@both_databases
@pytest.mark.parametrize("last_updated", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_the_first_and_the_last_of_all_times_are_times(party: Hub, last_updated: str) -> None:
    assert codes(put(party, client_info(last_updated=last_updated))) == (201, 1000)
    assert get(party)["last_updated"] == last_updated


def test_unknown_fields_are_ignored(party: Hub) -> None:
    assert codes(put(party, client_info(hub_party_id="DEHUB", extension={"token": "x"}))) == (201, 1000)
    assert get(party) == client_info(last_updated="2026-01-01T00:00:00.000Z")


def test_routing_headers_are_neither_needed_nor_in_the_way(party: Hub) -> None:
    headers = {"OCPI-to-party-id": "XXX", "OCPI-to-country-code": "XX", "OCPI-from-party-id": "", "OCPI-from-country-code": "?"}
    assert codes(put(party, client_info(), headers=headers)) == (201, 1000)


def test_a_hub_that_was_silent_is_connected_by_its_push(party: Hub) -> None:
    set_status(party.app, 1, "OFFLINE")
    put(party, client_info())
    assert party.statuses()["DE-HUB", "HUB"] == "CONNECTED"


def test_to_a_2_3_0_hub_a_hub_row_is_other(party: Hub) -> None:
    put(party, client_info(role="HUB"), version="2.2.1")
    assert get(party, version="2.3.0")["role"] == "OTHER"
    assert get(party, "NL/TNM?role=OTHER", version="2.3.0")["role"] == "OTHER"
    assert get(party, "NL/TNM?role=OTHER", version="2.2.1") is None
    assert codes(call(party, "GET", "NL/TNM?role=HUB", version="2.3.0")) == (200, 2001)


def test_what_each_of_two_hubs_told_is_kept_apart(party: Hub) -> None:
    connect_hub(party.app, "FR-HUB")
    assert codes(put(party, client_info(last_updated=NEWER))) == (201, 1000)
    assert codes(put(party, client_info(status="OFFLINE"), hub="FR-HUB")) == (201, 1000)
    assert (get(party)["status"], get(party, hub="FR-HUB")["status"]) == ("CONNECTED", "OFFLINE")
    assert get(party, "BE/BEC") is None
    put(party, client_info("BE-BEC"), "BE/BEC", hub="FR-HUB")
    assert get(party, "BE/BEC") is None


@both_databases
def test_what_was_no_longer_valid_is_valid_again_when_it_is_put(party: Hub) -> None:
    put(party, client_info())
    with party.app.app_context(), write() as session:
        session.query(Known).one().valid = False
    put(party, client_info())
    assert [row["valid"] for row in party.run("known")] == [True]


def test_a_2_3_0_hub_is_one_by_its_hub_party_id_though_it_lists_no_hub_role(
    make_app: MakeApp, make_hub_peer: Callable[..., HubPeer]
) -> None:
    party, peer = Hub(make_app(roles="CPO")), make_hub_peer(version="2.3.0")
    said = peer.credentials(("EMSP", "BE", "BEC")) | {"hub_party_id": "DEHUB"}
    answer = party.call("POST", "/ocpi/2.3.0/credentials", party.invite("DE", "HUB", "HUB"), json=said).json
    assert answer is not None
    path = PATH.format(version="2.3.0", party="BE/BEC")
    assert codes(party.call("PUT", path, answer["data"]["token"], json=client_info("BE-BEC"))) == (201, 1000)
    assert set(party.statuses()) == {("DE-HUB", "HUB")}


def test_who_is_hub_and_party_passes_nothing_on_of_what_other_hubs_told(make_app: MakeApp) -> None:
    both = Hub(make_app(roles="HUB,CPO", country_code="NL", party_id="OUR"))
    connect_hub(both.app, HUB)
    connect_hub(both.app, "FR-HUB")
    connect(both.app, ("EMSP", "BE", "BEC"))
    behind = [row["behind"] for row in both.run("platforms")]
    put(both, client_info())
    listed = both.call("GET", "/ocpi/2.2.1/hubclientinfo", token_of("FR-HUB")).json
    assert listed is not None
    assert [row["party_id"] for row in listed["data"]] == ["HUB", "BEC"]
    assert both.call("GET", "/ocpi/2.2.1/hubclientinfo/NL/TNM", token_of("FR-HUB")).status_code == 404
    assert [row["behind"] for row in both.run("platforms")] == behind
    assert get(both) is not None
    push, client = push_with(both.app, lambda _: OK)
    push.run()
    assert not [url for url in client.urls if "TNM" in url]


@both_databases
def test_of_many_at_once_one_makes_the_row(party: Hub) -> None:
    statuses = ["CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED"] * 3
    with ThreadPoolExecutor(len(statuses)) as pool:
        answers = list(pool.map(lambda status: put(party, client_info(status=status)).status_code, statuses))
    assert sorted(answers) == [200] * 11 + [201]
    assert len(party.run("known")) == 1


@both_databases
@pytest.mark.parametrize("count", [1, 20])
def test_a_put_costs_a_fixed_number_of_statements(party: Hub, count: int) -> None:
    for number in range(count):
        put(party, client_info(f"NL-A{number:02}"), f"NL/A{number:02}")
    with counted(party.app) as statements:
        put(party, client_info("NL-A00", status="OFFLINE", last_updated=NEWER), "NL/A00")
    assert len(statements) <= 8
