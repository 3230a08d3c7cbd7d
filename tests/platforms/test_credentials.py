"""Versions and credentials (OCPI 2.2.1 versions, credentials; 2.3.0 hub_party_id)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.handshakes import message, post, said
from tests.support.live import Hub
from tests.support.peers import Peer

CPO = ("CPO", "NL", "TNM")
MakePeer = Callable[..., Peer]


def test_versions_and_details_lead_to_every_endpoint(hub: Hub) -> None:
    token = hub.invite("NL", "TNM", "CPO")
    versions = hub.call("GET", "/ocpi/versions", token).json
    assert versions is not None
    assert [item["version"] for item in versions["data"]] == ["2.2", "2.2.1", "2.3.0"]
    for item in versions["data"]:
        path = item["url"].removeprefix("http://127.0.0.1:5000")
        details = hub.call("GET", path, token).json
        assert details is not None
        assert {(end["identifier"], end["role"]) for end in details["data"]["endpoints"]} == {
            ("credentials", "SENDER"),
            ("hubclientinfo", "SENDER"),
        }
        assert all(end["url"] == f"{item['url']}/{end['identifier']}" for end in details["data"]["endpoints"])


@pytest.mark.both_databases("the queries of a first handshake")
def test_registering_answers_with_token_c_and_once_that_is_presented_token_a_is_dead(hub: Hub, peer: Peer) -> None:
    token_a = hub.invite("NL", "TNM", "CPO")
    response = post(hub, token_a, peer.credentials(CPO))
    assert said(response) == (200, 1000)
    assert response.json is not None
    data = response.json["data"]
    assert data["url"] == "http://127.0.0.1:5000/ocpi/versions"
    assert [(role["role"], role["country_code"], role["party_id"]) for role in data["roles"]] == [("HUB", "XX", "HUB")]
    assert "hub_party_id" not in data
    assert hub.call("GET", "/ocpi/versions", data["token"]).status_code == 200
    assert hub.call("GET", "/ocpi/versions", token_a).status_code == 401
    assert post(hub, token_a, peer.credentials(CPO)).status_code == 401


def test_get_credentials_echoes_the_token_presented_and_not_to_token_a(hub: Hub, peer: Peer) -> None:
    assert hub.call("GET", "/ocpi/2.2.1/credentials", hub.invite("NL", "TNM", "CPO")).status_code == 401
    token = hub.register(peer, CPO)
    answer = hub.call("GET", "/ocpi/2.2.1/credentials", token).json
    assert answer is not None
    assert answer["data"]["token"] == token


def test_methods_out_of_turn_are_405(hub: Hub, peer: Peer) -> None:
    token_a = hub.invite("BE", "BEC", "CPO")
    assert said(post(hub, token_a, {}, method="PUT")) == (405, 2000)
    assert said(hub.call("DELETE", "/ocpi/2.2.1/credentials", token_a)) == (405, 2000)
    token_c = hub.register(peer, CPO)
    assert said(post(hub, token_c, peer.credentials(CPO))) == (405, 2000)


def test_token_a_is_401_on_other_modules(hub: Hub) -> None:
    assert hub.call("GET", "/ocpi/2.2.1/hubclientinfo", hub.invite("NL", "TNM", "CPO")).status_code == 401


@pytest.mark.both_databases("the updates of a renewal")
def test_put_gives_new_tokens_and_may_change_version_and_roles(hub: Hub, peer: Peer) -> None:
    old = hub.register(peer, CPO, ("EMSP", "NL", "TNM"))
    peer.versions = ["2.3.0"]
    response = post(hub, old, peer.credentials(CPO, ("NSP", "NL", "TNM"), token="token-b-2"), "2.3.0", "PUT")
    assert said(response) == (200, 1000)
    assert response.json is not None
    assert hub.call("GET", "/ocpi/versions", response.json["data"]["token"]).status_code == 200
    assert hub.call("GET", "/ocpi/versions", old).status_code == 401
    assert hub.run("platforms")[0]["version"] == "2.3.0"
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("NL-TNM", "EMSP"): "SUSPENDED", ("NL-TNM", "NSP"): "CONNECTED"}


@pytest.mark.both_databases("the updates of unregistering")
def test_delete_suspends_and_a_new_invitation_brings_back(hub: Hub, peer: Peer) -> None:
    token = hub.register(peer, CPO)
    assert said(hub.call("DELETE", "/ocpi/2.2.1/credentials", token)) == (200, 1000)
    assert hub.statuses() == {("NL-TNM", "CPO"): "SUSPENDED"}
    for path in ("/ocpi/versions", "/ocpi/2.2.1/credentials", "/ocpi/2.2.1/hubclientinfo"):
        assert hub.call("GET", path, token).status_code == 401
    hub.register(peer, CPO)
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED"}
    assert len(hub.run("platforms")) == 1


@pytest.mark.both_databases("SQL compares without case")
def test_a_role_that_another_platform_holds_is_refused_naming_it(hub: Hub, make_peer: MakePeer) -> None:
    hub.register(make_peer(), CPO)
    response = post(hub, hub.invite("BE", "BEC", "CPO"), make_peer().credentials(("CPO", "nl", "tnm")))
    assert said(response) == (200, 2001)
    assert "NL-TNM" in message(response)
    assert hub.statuses()["BE-BEC", "CPO"] == "PLANNED"


@pytest.mark.both_databases("the query for who holds a role")
def test_a_role_planned_for_another_invitation_is_refused(hub: Hub, peer: Peer) -> None:
    hub.invite("NL", "TNM", "CPO")
    response = post(hub, hub.invite("BE", "BEC", "CPO"), peer.credentials(CPO))
    assert said(response) == (200, 2001)
    assert "planned for platform NL-TNM" in message(response)


@pytest.mark.both_databases("the query for the parties of a hub")
def test_2_3_0_names_the_hub_and_lists_whom_the_caller_may_see(hub: Hub, make_peer: MakePeer) -> None:
    alone = post(hub, hub.invite("NL", "TNM", "CPO"), make_peer(version="2.3.0").credentials(CPO), "2.3.0").json
    assert alone is not None
    assert alone["data"]["hub_party_id"] == "XXHUB"
    assert [role["role"] for role in alone["data"]["roles"]] == ["OTHER"]
    hub.register(make_peer(), ("HUB", "BE", "BEC"))
    seen = hub.call("GET", "/ocpi/2.3.0/credentials", alone["data"]["token"]).json
    assert seen is not None
    assert seen["data"]["roles"] == [
        {
            "role": "OTHER",
            "party_id": "BEC",
            "country_code": "BE",
            "business_details": {"name": "BE-BEC", "website": None, "logo": None},
        }
    ]


def test_a_wrong_or_missing_field_is_2001_naming_it(hub: Hub, peer: Peer) -> None:
    """Which ones are wrong is in tests/ocpi/test_credentials_object.py."""
    token, sent = hub.invite("NL", "TNM", "CPO"), peer.credentials(CPO)
    for wrong, named in (
        (
            {**sent, "roles": [{**sent["roles"][0], "party_id": "TNMX"}]},
            'roles[0].party_id="TNMX": must be one to three letters or digits',
        ),
        ({"token": sent["token"], "roles": sent["roles"]}, "url is missing"),
    ):
        response = post(hub, token, wrong)
        assert said(response) == (200, 2001)
        assert named in message(response)
    registered = hub.register(peer, CPO)
    assert said(post(hub, registered, {**sent, "url": 5}, method="PUT")) == (200, 2001)


def test_unknown_fields_are_ignored_at_every_depth(hub: Hub, peer: Peer) -> None:
    sent = peer.credentials(CPO)
    sent["x"] = sent["roles"][0]["x"] = sent["roles"][0]["business_details"]["x"] = {"y": [1]}
    assert said(post(hub, hub.invite("NL", "TNM", "CPO"), sent)) == (200, 1000)


def test_a_role_of_another_version_is_2001(hub: Hub, make_peer: MakePeer) -> None:
    response = post(hub, hub.invite("NL", "HUC", "HUB"), make_peer(version="2.3.0").credentials(("HUB", "NL", "HUC")), "2.3.0")
    assert said(response) == (200, 2001)
    assert "HUB" in message(response)


@pytest.mark.parametrize(("accepts_base64", "form"), [(True, "base64"), (False, "raw")])
def test_the_form_of_the_token_header_is_found_out_and_remembered(hub: Hub, peer: Peer, accepts_base64: bool, form: str) -> None:
    def picky(handler: Any) -> None:
        raw = handler.headers["Authorization"] == f"Token {peer.token}"
        if raw == accepts_base64:
            handler.answer(status_code=2000, http_status=401)
        else:
            peer._behave_well(handler)

    peer.behave("GET", "/", picky)
    hub.register(peer, CPO)
    peer.received.clear()
    assert hub.run("probe", "NL", "TNM")["status"] == "CONNECTED"
    assert len(peer.received) == 1


def test_a_suspended_platform_is_403_on_hubclientinfo_and_versions_still_answer(hub: Hub, peer: Peer) -> None:
    token = hub.register(peer, CPO)
    hub.run("suspend", "NL", "TNM")
    assert said(hub.call("GET", "/ocpi/2.2.1/hubclientinfo", token)) == (403, 2000)
    assert said(hub.call("GET", "/ocpi/versions", token)) == (200, 1000)
