"""Credentials: what is stored, what is told and what is kept secret (OCPI 2.2.1 credentials; 2.3.0 hub_party_id)."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from hubinfo.database import db
from hubinfo.models import Platform
from tests.support.apps import MakeApp
from tests.support.live import Hub
from tests.support.peers import Behaviour, Handler, Peer

PATH = "/ocpi/2.2.1/credentials"
CPO = ("CPO", "NL", "TNM")
MakePeer = Callable[..., Peer]


def answer(response: TestResponse) -> dict[str, Any]:
    assert response.status_code == 200
    assert response.json is not None
    return dict(response.json)


def post(hub: Hub, token: str, sent: Any, path: str = PATH) -> dict[str, Any]:
    return answer(hub.call("POST", path, token, json=sent))


def stored(hub: Hub) -> Platform:
    with hub.app.app_context():
        platform = db.session.scalars(select(Platform)).one()
        db.session.expunge(platform)
    return platform


def endpoints(*listed: tuple[str, str, str]) -> Behaviour:
    found = [{"identifier": module, "role": role, "url": url} for module, role, url in listed]
    return lambda handler: handler.answer({"version": "2.2.1", "endpoints": found})


def roles(data: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(role["role"], role["country_code"], role["party_id"]) for role in data["roles"]]


def test_registered_roles_count_and_invited_ones_not_brought_stay_planned(hub: Hub, peer: Peer) -> None:
    token = hub.invite_platform(CPO, ("EMSP", "NL", "TNM"), ("CPO", "BE", "BEC"))
    assert post(hub, token, peer.credentials(CPO, ("NSP", "BE", "BEC")))["status_code"] == 1000
    assert hub.statuses() == {
        ("NL-TNM", "CPO"): "CONNECTED",
        ("NL-TNM", "EMSP"): "PLANNED",
        ("BE-BEC", "CPO"): "PLANNED",
        ("BE-BEC", "NSP"): "CONNECTED",
    }


@pytest.mark.parametrize(("invited", "registered"), [("NL TNM", "nl tnm"), ("nl tnm", "NL TNM"), ("Nl tNm", "nL Tnm")])
def test_a_party_has_one_spelling_however_it_was_invited_and_registered(
    hub: Hub, make_peer: MakePeer, invited: str, registered: str
) -> None:
    other = hub.register(make_peer(), ("EMSP", "BE", "BEC"))

    def listed() -> list[tuple[str, str]]:
        data = answer(hub.call("GET", "/ocpi/2.2.1/hubclientinfo", other))["data"]
        return [(row["country_code"], row["party_id"]) for row in data]

    token = hub.run("invite", *invited.split(), "--role", "CPO")["token"]
    assert listed() == [("NL", "TNM")]
    country_code, party_id = registered.split()
    assert post(hub, token, make_peer().credentials(("CPO", country_code, party_id)))["status_code"] == 1000
    assert listed() == [("NL", "TNM")]
    assert hub.statuses()["NL-TNM", "CPO"] == "CONNECTED"


@pytest.mark.parametrize(("country_code", "party_id"), [("de", "huc"), ("De", "Huc")])
def test_this_platform_names_itself_in_upper_case(make_app: MakeApp, peer: Peer, country_code: str, party_id: str) -> None:
    hub = Hub(make_app(country_code=country_code, party_id=party_id))
    token = hub.register(peer, CPO)
    assert roles(answer(hub.call("GET", PATH, token))["data"]) == [("HUB", "DE", "HUC")]
    assert answer(hub.call("GET", "/ocpi/2.3.0/credentials", token))["data"]["hub_party_id"] == "DEHUC"


def test_a_2_3_0_platform_is_never_shown_one_role_twice(hub: Hub, make_peer: MakePeer) -> None:
    """HUB is shown as OTHER there."""
    hub.register(make_peer(), ("HUB", "DE", "HUC"), ("OTHER", "DE", "HUC"))
    token = hub.register(make_peer(version="2.3.0"), CPO, version="2.3.0")
    assert roles(answer(hub.call("GET", "/ocpi/2.3.0/credentials", token))["data"]) == [("OTHER", "DE", "HUC")]


@pytest.mark.parametrize("strict", [False, True])
def test_a_shorter_party_id_registers_unless_strict(make_app: MakeApp, peer: Peer, strict: bool) -> None:
    hub = Hub(make_app(strict=strict))
    said = post(hub, hub.invite("NL", "T1", "CPO"), peer.credentials(("CPO", "NL", "T1")))
    assert said["status_code"] == (2001 if strict else 1000)
    assert hub.statuses() == {("NL-T1", "CPO"): "PLANNED" if strict else "CONNECTED"}


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_one_role_twice_is_refused_and_nothing_is_stored(hub: Hub, peer: Peer, method: str) -> None:
    token = hub.register(peer, CPO) if method == "PUT" else hub.invite("NL", "TNM", "CPO")
    before = hub.run("parties")
    said = answer(hub.call(method, PATH, token, json=peer.credentials(CPO, ("EMSP", "NL", "TNM"), ("CPO", "nl", "tNm"))))
    assert (said["status_code"], "roles[2]=CPO NL-TNM" in said["status_message"]) == (2001, True)
    assert hub.run("parties") == before


@pytest.mark.both_databases("a row moves to another platform in one transaction")
def test_a_role_of_an_unregistered_platform_may_be_taken_over_where_registration_is_open(
    make_app: MakeApp, make_peer: MakePeer
) -> None:
    hub = Hub(make_app(registration="open"))
    old = hub.register(make_peer(), CPO)
    assert answer(hub.call("DELETE", PATH, old))["status_code"] == 1000
    token = hub.invite("BE", "BEC", "EMSP")
    assert post(hub, token, make_peer().credentials(("EMSP", "BE", "BEC"), CPO))["status_code"] == 1000
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("BE-BEC", "EMSP"): "CONNECTED"}


@pytest.mark.both_databases("the updates of a renewal")
def test_a_put_brings_a_dropped_role_back(hub: Hub, peer: Peer) -> None:
    token, both = hub.register(peer, CPO, ("EMSP", "NL", "TNM")), (CPO, ("EMSP", "NL", "TNM"))
    for brought, status in (((CPO,), "SUSPENDED"), (both, "CONNECTED")):
        data = answer(hub.call("PUT", PATH, token, json=peer.credentials(*brought)))["data"]
        token = data["token"]
        assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("NL-TNM", "EMSP"): status}


def test_the_token_to_send_is_the_one_of_the_last_put(hub: Hub, peer: Peer) -> None:
    token = hub.register(peer, CPO)
    assert answer(hub.call("PUT", PATH, token, json=peer.credentials(CPO, token="token-b-2")))["status_code"] == 1000
    peer.received.clear()
    hub.run("probe", "NL", "TNM")
    assert [request.headers["Authorization"] for request in peer.received] == ["Token dG9rZW4tYi0y"]


def test_a_put_does_not_undo_what_an_operator_suspended(hub: Hub, peer: Peer) -> None:
    token = hub.register(peer, CPO)
    hub.run("suspend", "NL", "TNM")
    renewed = answer(hub.call("PUT", PATH, token, json=peer.credentials(CPO)))["data"]["token"]
    assert hub.statuses() == {("NL-TNM", "CPO"): "SUSPENDED"}
    assert hub.call("GET", "/ocpi/2.2.1/hubclientinfo", renewed).status_code == 403


def test_a_platform_that_is_suspended_may_read_and_delete_its_credentials(hub: Hub, peer: Peer) -> None:
    token = hub.register(peer, CPO)
    hub.run("suspend", "NL", "TNM")
    assert answer(hub.call("GET", PATH, token))["data"]["token"] == token
    assert answer(hub.call("DELETE", PATH, token))["status_code"] == 1000


@pytest.mark.parametrize(
    ("registered", "method", "allowed"),
    [
        pytest.param(False, "PUT", {"POST"}, id="put-before-post"),
        pytest.param(False, "DELETE", {"POST"}, id="delete-before-post"),
        pytest.param(True, "POST", {"GET", "HEAD", "PUT", "DELETE"}, id="post-twice"),
    ],
)
def test_a_405_names_the_methods_of_the_moment(hub: Hub, peer: Peer, registered: bool, method: str, allowed: set[str]) -> None:
    token = hub.register(peer, CPO) if registered else hub.invite("NL", "TNM", "CPO")
    response = hub.call(method, PATH, token, json=peer.credentials(CPO))
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == allowed


def test_a_hub_with_roles_of_its_own_lists_them_in_each_version(make_app: MakeApp, make_peer: MakePeer) -> None:
    hub = Hub(make_app(roles="HUB,NSP", country_code="DE", party_id="HUC"))
    hub.register(make_peer(), ("CPO", "BE", "BEC"))
    token = hub.register(make_peer(), CPO)
    for version in ("2.2", "2.2.1"):
        data = answer(hub.call("GET", f"/ocpi/{version}/credentials", token))["data"]
        assert roles(data) == [("HUB", "DE", "HUC"), ("NSP", "DE", "HUC")]
        assert "hub_party_id" not in data
    data = answer(hub.call("GET", "/ocpi/2.3.0/credentials", token))["data"]
    assert roles(data) == [("NSP", "DE", "HUC"), ("CPO", "BE", "BEC")]
    assert data["hub_party_id"] == "DEHUC"


def test_base64_is_tried_first_and_remembered(hub: Hub, peer: Peer) -> None:
    hub.register(peer, CPO)
    assert stored(hub).token_form == "base64"
    assert {base64.b64decode(request.headers["Authorization"][6:]).decode() for request in peer.received} == {peer.token}
    assert [request.path for request in peer.received] == ["/versions", "/2.2.1"]


def test_the_receiver_is_the_hubclientinfo_endpoint_of_that_role(hub: Hub, peer: Peer) -> None:
    base = peer.base
    listed = [
        ("credentials", "RECEIVER", f"{base}/credentials"),
        ("unknown", "NO_ROLE", "nonsense"),
        ("hubclientinfo", "SENDER", f"{base}/sender"),
        ("hubclientinfo", "RECEIVER", "nonsense"),
        ("hubclientinfo", "RECEIVER", f"{base}/receiver"),
    ]
    peer.behave("GET", "/2.2.1", endpoints(*listed))
    hub.register(peer, CPO)
    assert stored(hub).receiver_url == f"{base}/receiver"


def test_a_platform_without_receiver_registers(hub: Hub, make_peer: MakePeer) -> None:
    hub.register(make_peer(receiver=False), CPO)
    assert stored(hub).receiver_url is None


def repeats_the_token(handler: Handler) -> None:
    said = json.dumps({"status_code": 2001, "status_message": handler.headers["Authorization"]}).encode()
    handler.raw(said, http_status=403)


def test_no_message_shows_a_token(hub: Hub, peer: Peer) -> None:
    token_a, sent = hub.invite("NL", "TNM", "CPO"), peer.credentials(CPO)
    bad = [[sent], {**sent, "roles": sent}, {**sent, "url": [sent["token"]]}, {**sent, "token": sent["token"] + " "}]
    said = [post(hub, token_a, body)["status_message"] for body in bad]
    peer.behave("GET", "/versions", repeats_the_token)
    said.append(post(hub, token_a, sent)["status_message"])
    encoded = base64.b64encode(peer.token.encode()).decode()
    assert not [message for message in said if any(token in message for token in (token_a, peer.token, encoded))]


@pytest.mark.both_databases("PostgreSQL stores no NUL")
def test_what_nobody_asked_for_may_be_anything_that_is_json(hub: Hub, peer: Peer) -> None:
    """Even numbers that Python itself refuses to read, and halves of surrogate pairs."""
    text = json.dumps({**peer.credentials(CPO), "unknown": [0, "\ud800", "\x00"]}).replace("[0,", f"[{'1' * 5000},")
    response = hub.call("POST", PATH, hub.invite("NL", "TNM", "CPO"), data=text)
    assert answer(response)["status_code"] == 1000


@pytest.mark.parametrize("depth", [100, 700, 900, 925, 940, 950, 1000, 10_000])
def test_nesting_is_refused_and_nothing_worse(hub: Hub, peer: Peer, depth: int) -> None:
    text = json.dumps({**peer.credentials(CPO), "url": 0}).replace('"url": 0', f'"url": {"[" * depth}{"]" * depth}')
    response = hub.call("POST", PATH, hub.invite("NL", "TNM", "CPO"), data=text)
    assert response.json is not None
    assert (response.status_code, response.json["status_code"]) in ((200, 2001), (400, 2001))
