"""Parties over `/api`: the table, a dossier, and what can be done with one."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api import Api
from tests.support.hubs import connect
from tests.support.live import Hub
from tests.support.peers import Peer

CPO = ("CPO", "NL", "TNM")
PARTY = "/api/parties/NL/TNM"


@pytest.fixture
def peer(hub: Hub, make_peer: Callable[..., Peer]) -> Peer:
    """NL-TNM, connected."""
    peer = make_peer()
    hub.register(peer, CPO)
    return peer


def invite(api: Api, party_id: str = "TNM", **others: Any) -> Any:
    return api.post("/api/invitations", {"country_code": "NL", "party_id": party_id, "roles": ["CPO"], **others}, 201)


def test_a_hub_without_parties_has_an_empty_table(api: Api) -> None:
    counts = {"CONNECTED": 0, "OFFLINE": 0, "PLANNED": 0, "SUSPENDED": 0}
    assert api.get("/api/parties") == {"total": 0, "counts": counts, "parties": []}


@pytest.mark.both_databases("sorting, filtering and history in pages are SQL")
def test_the_table_has_a_row_for_each_role_and_counts_all(api: Api, peer: Peer) -> None:
    invite(api, "ABC", roles=["CPO", "EMSP"])
    table = api.get("/api/parties")
    assert (table["total"], table["counts"]["CONNECTED"], table["counts"]["PLANNED"]) == (3, 1, 2)
    assert [(row["party"], row["role"], row["status"]) for row in table["parties"]] == [
        ("NL-ABC", "CPO", "PLANNED"),
        ("NL-ABC", "EMSP", "PLANNED"),
        ("NL-TNM", "CPO", "CONNECTED"),
    ]


@pytest.mark.both_databases("sorting, filtering and history in pages are SQL")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=PLANNED", ["NL-ABC"]),
        ("role=EMSP", ["DE-XYZ"]),
        ("country_code=de", ["DE-XYZ"]),
        ("text=abc", ["NL-ABC"]),
        ("text=100%25", []),
        ("sort=party&descending=true", ["NL-ABC", "DE-XYZ"]),
        ("limit=1", ["DE-XYZ"]),
        ("offset=1&limit=1", ["NL-ABC"]),
        ("offset=9223372036854775807", []),
    ],
)
def test_it_is_filtered_sorted_and_paged(api: Api, query: str, found: list[str]) -> None:
    invite(api, "ABC")
    connect(api.app, ("EMSP", "DE", "XYZ"))
    assert [row["party"] for row in api.get(f"/api/parties?{query}")["parties"]] == found


def test_the_total_is_of_all_pages(api: Api) -> None:
    invite(api, "ABC")
    invite(api, "ABD")
    assert api.get("/api/parties?limit=1")["total"] == 2


def test_a_dossier_tells_all_and_no_token(api: Api, peer: Peer) -> None:
    dossier = api.get(PARTY)
    assert (dossier["party"], dossier["rows"][0]["status"]) == ("NL-TNM", "CONNECTED")
    [platform] = dossier["platforms"]
    assert platform["versions_url"] == peer.versions_url
    assert [change["event"] for change in dossier["history"]] == ["registered", "invited"]
    assert peer.token not in str(dossier)


def test_a_dossier_is_found_without_case_and_shows_what_was_not_told(api: Api, peer: Peer) -> None:
    invite(api, "ABC")
    assert [change["party_id"] for change in api.get("/api/parties/nl/tnm")["not_told"]] == ["ABC"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PARTY),
        ("POST", f"{PARTY}/probe"),
        ("POST", f"{PARTY}/suspend"),
        ("POST", f"{PARTY}/resume"),
        ("POST", f"{PARTY}/tell-again"),
        ("GET", f"{PARTY}/timeline.svg"),
    ],
)
def test_what_is_asked_of_an_unknown_party_is_404(api: Api, method: str, path: str) -> None:
    assert api.error(method, path, 404).startswith("no such party: NL-TNM")
    wrong = path.replace("TNM", "%00ABCDEFGH")
    assert api.error(method, wrong, 400).endswith("must be two letters, and one to three letters or digits")


def test_a_probe_says_how_it_went(api: Api, peer: Peer) -> None:
    probed = api.post(f"{PARTY}/probe")
    assert (probed["alive"], probed["status"], probed["reason"]) == (True, "CONNECTED", None)
    peer.stop()
    probed = api.post(f"{PARTY}/probe")
    assert probed["alive"] is False
    assert probed["reason"]


def test_there_is_nobody_to_probe_before_the_party_has_registered(api: Api) -> None:
    invite(api)
    assert "has not registered" in api.error("POST", f"{PARTY}/probe", 409)


def test_a_party_is_suspended_and_resumed_by_role(api: Api) -> None:
    connect(api.app, CPO, ("EMSP", "NL", "TNM"))
    [row] = api.post(f"{PARTY}/suspend", {"role": "EMSP"})
    assert (row["role"], row["status"]) == ("EMSP", "SUSPENDED")
    assert [row["status"] for row in api.post(f"{PARTY}/suspend")] == ["SUSPENDED"] * 2
    assert [row["status"] for row in api.post(f"{PARTY}/resume", {})] == ["OFFLINE"] * 2
    assert api.error("POST", f"{PARTY}/suspend", 404, json={"role": "NSP"}).startswith("no such party: NL-TNM as NSP")


@pytest.mark.both_databases("sorting, filtering and history in pages are SQL")
def test_history_is_there_to_its_end_a_page_at_a_time(api: Api) -> None:
    connect(api.app, CPO, ("EMSP", "NL", "TNM"))
    for _ in range(3):
        api.post(f"{PARTY}/suspend", {"role": "CPO"})
        api.post(f"{PARTY}/resume", {"role": "CPO"})
    found = api.get(f"{PARTY}/history?limit=5")
    assert [event["status"] for event in found] == ["OFFLINE", "SUSPENDED"] * 2 + ["OFFLINE"]
    older = api.get(f"{PARTY}/history?before={found[-1]['id']}")
    assert [(event["role"], event["status"]) for event in older] == [
        ("CPO", "SUSPENDED"),
        ("EMSP", "CONNECTED"),
        ("CPO", "CONNECTED"),
    ]
    assert [event["event"] for event in api.get(f"{PARTY}/history?role=EMSP&before=9223372036854775807")] == ["registered"]
    assert api.error("GET", "/api/parties/NL/XXX/history", 404).startswith("no such party: NL-XXX")


def test_everything_is_told_again(api: Api, peer: Peer) -> None:
    assert api.post(f"{PARTY}/tell-again") == {"platforms": ["NL-TNM"]}


def test_there_is_nobody_to_tell_before_the_party_has_registered(api: Api) -> None:
    invite(api)
    assert "has not registered" in api.error("POST", f"{PARTY}/tell-again", 409)


def test_an_invitation_makes_token_a_with_which_the_party_registers(hub: Hub, api: Api, make_peer: Callable[..., Peer]) -> None:
    made = invite(api, roles=["CPO", "EMSP", "CPO"], name="The New Motion")
    assert made["roles"] == ["CPO", "EMSP"]
    assert made["statuses"] == {"CPO": "PLANNED", "EMSP": "PLANNED"}
    assert made["versions_url"] == "http://127.0.0.1:5000/ocpi/versions"
    registered = hub.call("POST", "/ocpi/2.2.1/credentials", made["token"], json=make_peer().credentials(CPO))
    assert registered.json is not None
    assert registered.json["status_code"] == 1000


def test_an_invitation_may_limit_the_versions_and_add_a_party_to_a_platform(hub: Hub, api: Api) -> None:
    made = invite(api, versions=["2.2.1", "2.2", "2.2.1"])
    assert (made["platform"], made["versions"]) == ("NL-TNM", ["2.2", "2.2.1"])
    listed = hub.call("GET", "/ocpi/versions", made["token"]).json
    assert [entry["version"] for entry in (listed or {})["data"]] == ["2.2", "2.2.1"]
    added = invite(api, "bmw", platform="nl-tnm")
    assert (added["party_id"], added["platform"], added["token"], added["versions"]) == ("BMW", "NL-TNM", None, ["2.2", "2.2.1"])
    body = {"country_code": "NL", "party_id": "ABC", "roles": ["CPO"], "platform": "NL-NIX"}
    assert "no connection named NL-NIX" in api.error("POST", "/api/invitations", 404, json=body)


def test_a_connected_party_is_not_invited(api: Api) -> None:
    connect(api.app, CPO)
    said = api.error("POST", "/api/invitations", 409, json={"country_code": "NL", "party_id": "TNM", "roles": ["CPO"]})
    assert "connected already" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"country_code": "NLD"}, 'country_code="NLD": must be two letters'),
        ({"party_id": 123}, "party_id=123: must be a string"),
        ({"roles": []}, "roles=[…]: must have 1 to 7 roles"),
        ({"roles": "CPO"}, 'roles="CPO": must be a list of roles'),
        ({"roles": ["cpo"]}, 'roles[0]="cpo": must be one of CPO'),
        ({"roles": [{}]}, "roles[0]={…}: must be one of CPO"),
        ({"name": "x" * 101}, "must have 1 to 100 characters"),
        ({"name": ""}, 'name="": must have 1 to 100 characters'),
        ({"name": " "}, 'name=" ": must have 1 to 100 characters'),
        ({"name": "a\x00b"}, "name="),
        ({"name": None}, "name=null: must not be null"),
        ({"versions": []}, "versions=[…]: must have 1 to 3 versions"),
        ({"versions": ["2.4"]}, 'versions[0]="2.4": must be one of 2.2'),
        ({"platform": ""}, 'platform="": must have 1 to 32 characters'),
        ({"role": "CPO"}, 'role="CPO": is unknown; known are country_code, party_id, roles, name, platform, versions'),
    ],
)
def test_a_wrong_invitation_names_the_field_the_value_and_what_is_allowed(api: Api, changed: dict[str, Any], said: str) -> None:
    body = {"country_code": "NL", "party_id": "TNM", "roles": ["CPO"], **changed}
    assert said in api.error("POST", "/api/invitations", 400, json=body)


def test_a_missing_field_is_named(api: Api) -> None:
    assert api.error("POST", "/api/invitations", 400, json={}) == "country_code is missing; party_id is missing; roles is missing"


def test_a_party_tells_nobody_again(party: Hub) -> None:
    assert "must have HUB" in Api(party.app).error("POST", "/api/parties/DE/HUB/tell-again", 409)
