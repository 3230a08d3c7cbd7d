"""Handshakes that fail because of the other side: 3001 and 3002 (OCPI 2.2.1 credentials, status codes)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.apps import MakeApp
from tests.support.live import Hub
from tests.support.peers import Behaviour, Peer

PATH = "/ocpi/2.2.1/credentials"
CPO = ("CPO", "NL", "TNM")
MakePeer = Callable[..., Peer]


def post(hub: Hub, token: str, sent: Any, path: str = PATH) -> dict[str, Any]:
    response = hub.call("POST", path, token, json=sent)
    assert response.status_code == 200
    assert response.json is not None
    return dict(response.json)


def endpoints(*listed: tuple[str, str, str]) -> Behaviour:
    found = [{"identifier": module, "role": role, "url": url} for module, role, url in listed]
    return lambda handler: handler.answer({"version": "2.2.1", "endpoints": found})


@pytest.mark.parametrize("place", ["credentials", "version", "credentials endpoint", "receiver"])
def test_a_url_that_must_not_be_called_is_3001_wherever_it_stands(hub: Hub, peer: Peer, place: str) -> None:
    sent, url = peer.credentials(CPO), "http://[::ffff:169.254.169.254]/latest"
    if place == "credentials":
        sent["url"] = url
    elif place == "version":
        peer.behave("GET", "/versions", lambda handler: handler.answer([{"version": "2.2.1", "url": url}]))
    elif place == "credentials endpoint":
        peer.behave("GET", "/2.2.1", endpoints(("credentials", "SENDER", url)))
    else:
        listed = ("credentials", "SENDER", f"{peer.base}/x"), ("hubclientinfo", "RECEIVER", url)
        peer.behave("GET", "/2.2.1", endpoints(*listed))
    said = post(hub, hub.invite("NL", "TNM", "CPO"), sent)
    assert said["status_code"] == 3001
    assert url in said["status_message"]
    assert hub.statuses() == {("NL-TNM", "CPO"): "PLANNED"}


@pytest.mark.parametrize(
    ("setting", "url", "reason"),
    [
        ("allow_http", "http://127.0.0.1:{port}/versions", "only https://"),
        ("allow_private_networks", "http://127.0.0.1:{port}/versions", "private network"),
        ("allow_private_networks", "http://localhost:{port}/versions", "private network"),
        ("allow_private_networks", "http://[::ffff:127.0.0.1]:{port}/versions", "private network"),
        ("allow_private_networks", "http://10.0.0.1/versions", "private network"),
        ("allow_private_networks", "http://[fd00::1]/versions", "private network"),
    ],
)
def test_what_the_settings_do_not_allow_is_3001_and_not_called(
    make_app: MakeApp, peer: Peer, setting: str, url: str, reason: str
) -> None:
    hub = Hub(make_app(**{setting: False}))
    said = post(hub, hub.invite("NL", "TNM", "CPO"), {**peer.credentials(CPO), "url": url.format(port=peer.port)})
    assert said["status_code"] == 3001
    assert reason in said["status_message"]
    assert peer.received == []


def test_a_peer_that_refuses_connections_is_3001(hub: Hub, peer: Peer) -> None:
    peer.stop()
    said = post(hub, hub.invite("NL", "TNM", "CPO"), peer.credentials(CPO))
    peer.start_again()
    assert said["status_code"] == 3001
    assert "connection refused" in said["status_message"]


def test_a_version_that_the_peer_does_not_offer_is_3002_naming_what_it_offers(hub: Hub, peer: Peer) -> None:
    said = post(hub, hub.invite("NL", "TNM", "CPO"), peer.credentials(CPO), "/ocpi/2.3.0/credentials")
    assert said["status_code"] == 3002
    assert "offers 2.2.1, not 2.3.0" in said["status_message"]
