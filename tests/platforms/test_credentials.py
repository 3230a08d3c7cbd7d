"""Versions and credentials (OCPI 2.2.1 versions, credentials; 2.3.0 hub_party_id)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.apps import MakeApp
from tests.support.live import Hub, LiveHub
from tests.support.peers import Behaviour, Peer, hang

CPO = ("CPO", "NL", "TNM")
MakePeer = Callable[..., Peer]


def post(hub: Hub, token: str, sent: Any, version: str = "2.2.1", method: str = "POST") -> TestResponse:
    return hub.call(method, f"/ocpi/{version}/credentials", token, json=sent)


def said(response: TestResponse) -> tuple[int, int]:
    assert response.json is not None
    return response.status_code, response.json["status_code"]


def message(response: TestResponse) -> str:
    assert response.json is not None
    text: str = response.json["status_message"]
    return text


@pytest.fixture
def peer(make_peer: MakePeer) -> Peer:
    return make_peer()


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


def test_registering_answers_with_token_c_and_token_a_is_dead(hub: Hub, peer: Peer) -> None:
    token_a = hub.invite("NL", "TNM", "CPO")
    response = post(hub, token_a, peer.credentials(CPO))
    assert said(response) == (200, 1000)
    assert response.json is not None
    data = response.json["data"]
    assert data["url"] == "http://127.0.0.1:5000/ocpi/versions"
    assert [(role["role"], role["country_code"], role["party_id"]) for role in data["roles"]] == [("HUB", "XX", "HUB")]
    assert "hub_party_id" not in data
    assert hub.call("GET", "/ocpi/versions", token_a).status_code == 401
    assert post(hub, token_a, peer.credentials(CPO)).status_code == 401
    assert hub.call("GET", "/ocpi/versions", data["token"]).status_code == 200


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


def test_put_gives_new_tokens_and_may_change_version_and_roles(hub: Hub, peer: Peer) -> None:
    old = hub.register(peer, CPO, ("EMSP", "NL", "TNM"))
    peer.versions = ["2.3.0"]
    response = post(hub, old, peer.credentials(CPO, ("NSP", "NL", "TNM"), token="token-b-2"), "2.3.0", "PUT")
    assert said(response) == (200, 1000)
    assert response.json is not None
    assert hub.call("GET", "/ocpi/versions", old).status_code == 401
    assert hub.call("GET", "/ocpi/versions", response.json["data"]["token"]).status_code == 200
    assert hub.run("platforms")[0]["version"] == "2.3.0"
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("NL-TNM", "EMSP"): "SUSPENDED", ("NL-TNM", "NSP"): "CONNECTED"}


def test_delete_suspends_and_a_new_invitation_brings_back(hub: Hub, peer: Peer) -> None:
    token = hub.register(peer, CPO)
    assert said(hub.call("DELETE", "/ocpi/2.2.1/credentials", token)) == (200, 1000)
    assert hub.statuses() == {("NL-TNM", "CPO"): "SUSPENDED"}
    for path in ("/ocpi/versions", "/ocpi/2.2.1/credentials", "/ocpi/2.2.1/hubclientinfo"):
        assert hub.call("GET", path, token).status_code == 401
    hub.register(peer, CPO)
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED"}
    assert len(hub.run("platforms")) == 1


def test_a_role_that_another_platform_holds_is_refused_naming_it(hub: Hub, make_peer: MakePeer) -> None:
    hub.register(make_peer(), CPO)
    response = post(hub, hub.invite("BE", "BEC", "CPO"), make_peer().credentials(("CPO", "nl", "tnm")))
    assert said(response) == (200, 2001)
    assert "NL-TNM" in message(response)
    assert hub.statuses()["BE-BEC", "CPO"] == "PLANNED"


def test_a_role_planned_for_another_invitation_is_refused(hub: Hub, peer: Peer) -> None:
    hub.invite("NL", "TNM", "CPO")
    response = post(hub, hub.invite("BE", "BEC", "CPO"), peer.credentials(CPO))
    assert said(response) == (200, 2001)
    assert "planned for platform NL-TNM" in message(response)


def test_2_3_0_names_the_hub_and_lists_whom_the_caller_may_see(hub: Hub, make_peer: MakePeer) -> None:
    alone = post(hub, hub.invite("NL", "TNM", "CPO"), make_peer(version="2.3.0").credentials(CPO), "2.3.0").json
    assert alone is not None
    assert alone["data"]["hub_party_id"] == "XXHUB"
    assert [role["role"] for role in alone["data"]["roles"]] == ["OTHER"]
    hub.register(make_peer(), ("HUB", "BE", "BEC"))
    seen = hub.call("GET", "/ocpi/2.3.0/credentials", alone["data"]["token"]).json
    assert seen is not None
    assert seen["data"]["roles"] == [
        {"role": "OTHER", "party_id": "BEC", "country_code": "BE", "business_details": {"name": "BE-BEC"}}
    ]


GOOD_ROLE = {"role": "CPO", "country_code": "NL", "party_id": "TNM", "business_details": {"name": "x"}}
BAD_BODIES: dict[str, list[Any]] = {
    "body": [[], 5, "x"],
    "token": ["", "a b", "x" * 65, 5, None, "tökén", "a\n"],
    "url": ["", "ftp://x", "http://", "http://u:p@x/", 5, None, "http://x/" + "y" * 260, "http://x y/"],
    "roles": [None, [], {}, "CPO", [5], [None], [[]]],
    "roles[0].role": ["", "cpo", "XXX", 5, None],
    "roles[0].party_id": ["", "T-", "TNMX", 5, None, "TN\n", "T M"],
    "roles[0].country_code": ["", "N", "NLD", 5, None, "N1"],
    "roles[0].business_details": [None, [], 5, "x", {}],
    "roles[0].business_details.name": ["", None, 5, "x" * 101],
    "roles[0].business_details.website": [5, []],
    "roles[0].business_details.logo": [5, "x"],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in BAD_BODIES.items() for value in values], ids=lambda v: repr(v)[:30]
)
def test_a_wrong_field_is_2001_naming_it(hub: Hub, peer: Peer, field: str, value: object) -> None:
    sent: Any = {**peer.credentials(CPO), "roles": [{**GOOD_ROLE, "business_details": {"name": "x"}}]}
    parts = field.replace("[0]", ".0").split(".")
    target = sent
    for part in parts[:-1]:
        target = target[int(part) if part == "0" else part]
    if field == "body":
        sent = value
    else:
        target[parts[-1]] = value
    response = post(hub, hub.invite("NL", "TNM", "CPO"), sent)
    assert said(response) == (200, 2001)
    assert parts[-1] in message(response)


@pytest.mark.parametrize("field", ["token", "url", "roles"])
def test_a_missing_field_is_2001(hub: Hub, peer: Peer, field: str) -> None:
    sent = peer.credentials(CPO)
    del sent[field]
    response = post(hub, hub.invite("NL", "TNM", "CPO"), sent)
    assert said(response) == (200, 2001)
    assert f"{field} is missing" in message(response)


def test_unknown_fields_are_ignored_at_every_depth(hub: Hub, peer: Peer) -> None:
    sent = peer.credentials(CPO)
    sent["x"] = sent["roles"][0]["x"] = sent["roles"][0]["business_details"]["x"] = {"y": [1]}
    assert said(post(hub, hub.invite("NL", "TNM", "CPO"), sent)) == (200, 1000)


def test_a_role_of_another_version_is_2001(hub: Hub, make_peer: MakePeer) -> None:
    response = post(hub, hub.invite("NL", "HUC", "HUB"), make_peer(version="2.3.0").credentials(("HUB", "NL", "HUC")), "2.3.0")
    assert said(response) == (200, 2001)
    assert "HUB" in message(response)


def details(endpoints: Any) -> Behaviour:
    return lambda handler: handler.answer({"version": "2.2.1", "endpoints": endpoints})


def credentials_at(url: str) -> list[dict[str, str]]:
    return [{"identifier": "credentials", "role": "SENDER", "url": url}]


@pytest.mark.parametrize(
    ("path", "behaviour", "code"),
    [
        ("/versions", hang(), 3001),
        ("/versions", lambda handler: handler.raw(b"<html>hello</html>"), 3001),
        ("/versions", lambda handler: handler.answer([], status_code=3000), 3001),
        ("/versions", lambda handler: handler.answer(http_status=401), 3001),
        ("/versions", lambda handler: handler.answer(http_status=302, headers={"Location": "/elsewhere"}), 3001),
        ("/versions", lambda handler: handler.answer({"version": "2.2.1"}), 3001),
        ("/versions", lambda handler: handler.answer([]), 3002),
        ("/versions", lambda handler: handler.answer([5, {"version": "2.1.1", "url": "http://x/"}]), 3002),
        ("/versions", lambda handler: handler.answer([{"version": "2.2.1", "url": "http://169.254.169.254/"}]), 3001),
        ("/2.2.1", hang(), 3001),
        ("/2.2.1", lambda handler: handler.answer(5), 3001),
        ("/2.2.1", lambda handler: handler.answer(http_status=500), 3001),
        ("/2.2.1", details([]), 3003),
        ("/2.2.1", details([5, {"identifier": "credentials"}]), 3003),
        ("/2.2.1", details(credentials_at("nonsense")), 3003),
        ("/2.2.1", details(credentials_at("http://169.254.169.254/x")), 3001),
    ],
)
def test_a_handshake_that_fails_stores_nothing(make_app: MakeApp, peer: Peer, path: str, behaviour: Behaviour, code: int) -> None:
    hub = Hub(make_app(request_timeout_seconds=2))
    token = hub.invite("NL", "TNM", "CPO")
    peer.behave("GET", path, behaviour)
    response = post(hub, token, peer.credentials(CPO))
    assert said(response) == (200, code)
    assert peer.token not in message(response)
    assert hub.statuses() == {("NL-TNM", "CPO"): "PLANNED"}
    peer.behave("GET", path, None)
    assert said(post(hub, token, peer.credentials(CPO))) == (200, 1000)


def test_the_old_credentials_go_on_working_when_a_put_fails(hub: Hub, peer: Peer) -> None:
    token = hub.register(peer, CPO)
    peer.behave("GET", "/2.2.1", details([]))
    assert said(post(hub, token, peer.credentials(CPO, token="other"), method="PUT")) == (200, 3003)
    assert hub.call("GET", "/ocpi/2.2.1/hubclientinfo", token).status_code == 200
    assert hub.run("probe", "NL", "TNM")["status"] == "CONNECTED"


def test_private_addresses_are_3001_where_they_are_not_allowed(make_app: MakeApp, peer: Peer) -> None:
    hub = Hub(make_app(allow_private_networks=False))
    assert said(post(hub, hub.invite("NL", "TNM", "CPO"), peer.credentials(CPO))) == (200, 3001)
    assert peer.received == []


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


def test_of_two_posts_with_one_token_a_one_wins(live_hub: LiveHub, peer: Peer) -> None:
    token, both_in, statuses = live_hub.invite("NL", "TNM", "CPO"), threading.Barrier(2, timeout=10), []

    def wait_for_the_other(handler: Any) -> None:
        both_in.wait()
        peer._behave_well(handler)

    def register() -> None:
        response = live_hub.request("POST", "/ocpi/2.2.1/credentials", token, json=peer.credentials(CPO))
        statuses.append(response.status_code)

    peer.behave("GET", "/2.2.1", wait_for_the_other)
    threads = [threading.Thread(target=register) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) in ([200, 401], [200, 405])
    assert len(live_hub.run("platforms")) == 1


def test_a_suspended_platform_is_403_on_hubclientinfo_and_versions_still_answer(hub: Hub, peer: Peer) -> None:
    token = hub.register(peer, CPO)
    hub.run("suspend", "NL", "TNM")
    assert said(hub.call("GET", "/ocpi/2.2.1/hubclientinfo", token)) == (403, 2000)
    assert said(hub.call("GET", "/ocpi/versions", token)) == (200, 1000)
