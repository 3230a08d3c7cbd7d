"""Handshakes that fail while the other side is being called back store nothing (OCPI 2.2.1 credentials, status codes)."""

from typing import Any

import pytest

from tests.support.apps import MakeApp
from tests.support.handshakes import message, post, said
from tests.support.live import Hub
from tests.support.peers import Behaviour, Peer, hang

CPO = ("CPO", "NL", "TNM")


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
    hub = Hub(make_app(request_timeout_seconds=1))
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
