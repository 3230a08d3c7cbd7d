"""Versions and version details (OCPI 2.2.1 versions)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.apps import MakeApp
from tests.support.live import Hub
from tests.support.peers import Peer

CPO = ("CPO", "NL", "TNM")


def data(hub: Hub, path: str, token: str) -> Any:
    response = hub.call("GET", path, token)
    assert response.status_code == 200
    assert response.json is not None
    return response.json["data"]


def test_versions_are_those_of_the_settings_and_no_others_answer(make_app: MakeApp, make_peer: Callable[..., Peer]) -> None:
    hub = Hub(make_app(versions="2.3.0,2.2"))
    token = hub.register(make_peer(version="2.3.0"), CPO, version="2.3.0")
    assert [item["version"] for item in data(hub, "/ocpi/versions", token)] == ["2.3.0", "2.2"]
    for method, path in (("GET", ""), ("POST", "/credentials"), ("GET", "/hubclientinfo"), ("GET", "/hubclientinfo/NL/TNM")):
        response = hub.call(method, f"/ocpi/2.2.1{path}", token, json={})
        assert response.status_code == 404
        assert response.json is not None
        assert "must be one of 2.3.0, 2.2" in response.json["status_message"]


def test_token_c_opens_every_version_whichever_was_registered(hub: Hub, make_peer: Callable[..., Peer]) -> None:
    token = hub.register(make_peer(), CPO)
    for item in data(hub, "/ocpi/versions", token):
        path = item["url"].removeprefix("http://127.0.0.1:5000")
        assert data(hub, path, token)["version"] == item["version"]
        assert data(hub, f"{path}/hubclientinfo", token) == []


@pytest.mark.parametrize("path", ["/ocpi/versions", "/ocpi/2.2", "/ocpi/2.2.1", "/ocpi/2.3.0", "/ocpi/2.3.0/"])
def test_versions_and_details_need_a_token(hub: Hub, path: str) -> None:
    assert hub.call("GET", path).status_code == 401
    assert hub.call("GET", path, "unknown").status_code == 401


@pytest.mark.parametrize("version", ["2.1.1", "2", "2.2.1x", "3.0", "%00", "%ff", "versions%2Fx", "..."])
def test_a_version_that_is_not_offered_is_404(hub: Hub, version: str) -> None:
    response = hub.call("GET", f"/ocpi/{version}", hub.invite("NL", "TNM", "CPO"))
    assert response.status_code == 404
    assert response.json is not None
    assert response.json["status_code"] == 2000


@pytest.mark.parametrize(
    "path",
    ["/ocpi/versions", "/ocpi/2.2.1", "/ocpi/2.2.1/credentials", "/ocpi/2.2.1/hubclientinfo", "/ocpi/2.2.1/hubclientinfo/BE/BEC"],
)
@pytest.mark.parametrize("slash", ["/", "%2F"])  # to WSGI both are the same
def test_a_slash_at_the_end_makes_no_difference(hub: Hub, make_peer: Callable[..., Peer], path: str, slash: str) -> None:
    token = hub.register(make_peer(), CPO)
    hub.register(make_peer(), ("CPO", "BE", "BEC"))
    assert data(hub, f"{path}{slash}", token) == data(hub, path, token)
