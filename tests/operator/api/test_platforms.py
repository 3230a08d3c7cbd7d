"""Connections over `/api`: made, looked at from the other side, and ended."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api import Api
from tests.support.hub_peer import HubPeer, client_info, connect_hub
from tests.support.hubs import connect
from tests.support.instances import Instances
from tests.support.live import Hub
from tests.support.peers import Peer

CPO = ("CPO", "NL", "TNM")


@pytest.mark.both_databases("its queries")
def test_every_connection_and_how_it_is(hub: Hub, api: Api, make_peer: Callable[..., Peer]) -> None:
    assert api.get("/api/platforms") == []
    hub.register(make_peer(), CPO)
    [platform] = api.get("/api/platforms")
    assert (platform["platform"], platform["status"], platform["behind"]) == ("NL-TNM", "CONNECTED", 0)


@pytest.mark.both_databases("its queries")
def test_who_has_not_been_told(hub: Hub, api: Api, make_peer: Callable[..., Peer]) -> None:
    assert api.get("/api/pushes") == []
    hub.register(make_peer(), CPO)
    hub.invite("DE", "XYZ", "EMSP")
    [push] = api.get("/api/pushes")
    assert (push["platform"], push["behind"], push["refused"]) == ("NL-TNM", 1, [])


def test_a_platform_s_view_is_what_it_gets_itself(hub: Hub, api: Api, make_peer: Callable[..., Peer]) -> None:
    token = hub.register(make_peer(), CPO)
    hub.invite("DE", "XYZ", "EMSP")
    listed = hub.call("GET", "/ocpi/2.2.1/hubclientinfo", token).json
    assert listed is not None
    assert api.get("/api/platforms/NL-TNM/view") == {"platform": "NL-TNM", "version": "2.2.1", "rows": listed["data"]}
    assert api.get("/api/platforms/nl-tnm/view?version=2.3.0")["version"] == "2.3.0"


def test_a_view_in_a_version_that_is_none_or_not_offered_is_400(make_app: Any) -> None:
    api = Api(make_app(versions="2.2.1"))
    connect(api.app, CPO)
    for version in ("2.1.1", "2.3.0"):
        assert "must be one of" in api.error("GET", f"/api/platforms/P1/view?version={version}", 400)


@pytest.mark.parametrize("name", ["NL-ABC", "%00", "x" * 65, "%C3%A9", "%ff", "..%2f..", "%0A"])
def test_an_unknown_platform_is_404(api: Api, name: str) -> None:
    assert api.error("GET", f"/api/platforms/{name}/view", 404)
    assert api.error("DELETE", f"/api/platforms/{name}", 404)


def test_a_party_shows_its_list_to_nobody(party: Hub) -> None:
    assert "must have HUB" in Api(party.app).error("GET", "/api/platforms/DE-HUB/view", 409)


def test_registering_with_a_hub_syncing_and_unregistering(instances: Instances) -> None:
    hub, party = instances.make("DE-HUB", "HUB"), instances.make("NL-TNM", "CPO")
    api, token_a = Api(party.app), hub.invite("NL", "TNM", "CPO")
    hub.invite("FR", "ABC", "EMSP")
    made = api.post("/api/platforms", {"versions_url": hub.versions_url, "token_a": token_a, "version": "2.2.1"}, 201)
    assert (made["platform"], made["version"]) == ("DE-HUB", "2.2.1")
    assert [pull["reason"] for pull in api.post("/api/sync")] == [None]
    assert [row["country_code"] for row in api.get("/api/known")] == ["FR"]
    assert api.delete("/api/platforms/DE-HUB") == {"platform": "DE-HUB"}
    assert api.error("POST", "/api/sync", 409).startswith("no hub to pull from")


def test_a_hub_that_does_not_answer_is_409_with_the_reason(api: Api) -> None:
    body = {"versions_url": "http://127.0.0.1:1/versions", "token_a": "secret-token-a"}
    said = api.error("POST", "/api/platforms", 409, json=body)
    assert "refused" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"versions_url": "ftp://x"}, "must be an http(s) URL"),
        ({"versions_url": None}, "versions_url=null: must not be null"),
        ({"token_a": "zwölf"}, "token_a=(not shown): must be 1 to 64"),
        ({"token_a": ""}, "token_a=(not shown)"),
        ({"version": "2.1.1"}, 'version="2.1.1": must be one of 2.2, 2.2.1, 2.3.0'),
        ({"token": "x"}, "token=(not shown): is unknown"),
    ],
)
def test_a_wrong_registration_names_the_field(api: Api, changed: dict[str, Any], said: str) -> None:
    body = {"versions_url": "http://127.0.0.1:1/versions", **changed}
    answer = api.error("POST", "/api/platforms", 400, json=body)
    assert said in answer


def test_a_connection_is_forgotten_by_force_when_the_other_side_is_gone(api: Api, make_peer: Callable[..., Peer], hub: Hub) -> None:
    peer = make_peer()
    hub.register(peer, CPO)
    peer.stop()
    assert api.error("DELETE", "/api/platforms/NL-TNM", 409)
    assert api.error("DELETE", "/api/platforms/NL-TNM?force=yes", 400) == 'force="yes": must be true or false'
    assert api.delete("/api/platforms/NL-TNM?force=true") == {"platform": "NL-TNM"}


def test_a_hub_has_nobody_to_pull_from(api: Api) -> None:
    assert "must have another one than HUB" in api.error("POST", "/api/sync", 409)


def test_a_pull_is_of_every_hub_or_one(party: Hub, make_hub_peer: Callable[..., HubPeer]) -> None:
    api, peer = Api(party.app), make_hub_peer("FR-HUB")
    peer.listed = [client_info(), client_info(role="none")]
    connect_hub(party.app, "FR-HUB", peer=peer)
    [pull] = api.post("/api/sync", {"hub": "fr-hub"})
    assert (pull["hub"], pull["received"], pull["ignored"], pull["reason"]) == ("FR-HUB", 1, 1, None)
    assert pull["ignored_reasons"][0].startswith('entry 2: role="none": must be one of')
    assert [bool(pull["reason"]) for pull in api.post("/api/sync")] == [True, False]
    assert api.error("POST", "/api/sync", 404, json={"hub": "BE-HUB"})


@pytest.mark.both_databases("its queries")
def test_what_each_hub_says(party: Hub, make_hub_peer: Callable[..., HubPeer]) -> None:
    api, peer = Api(party.app), make_hub_peer("FR-HUB")
    peer.listed = [client_info()]
    connect_hub(party.app, "FR-HUB", peer=peer)
    api.post("/api/sync", {"hub": "FR-HUB"})
    assert [(hub["hub"], hub["told"]) for hub in api.get("/api/hubs")] == [("DE-HUB", 0), ("FR-HUB", 1)]
    [row] = api.get("/api/known?party=nl-tnm")
    assert (row["hub"], row["valid"], row["stale"]) == ("FR-HUB", True, False)
    assert api.get("/api/known?party=NL-ABC") == []
    assert api.get("/api/reachable/NL/TNM")["hub"] == "FR-HUB"
    assert "such as NL-TNM" in api.error("GET", "/api/known?party=NLTNM", 400)
