"""No token in any line that any logger says at any level, whatever happens; nor a line that a peer has made up."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.captured import Captured
from tests.support.hubs import connect
from tests.support.live import LiveHub
from tests.support.log_lines import FORGED, LINE
from tests.support.peers import Handler, Peer

CREDENTIALS = "/ocpi/2.2.1/credentials"
InHeader = Callable[[str], str]


@pytest.fixture
def hub(make_live_hub: Callable[..., LiveHub]) -> LiveHub:
    return make_live_hub(push_retry_seconds=0.05)


@pytest.fixture
def captured(hub: LiveHub) -> Iterator[Captured]:
    with Captured() as everything:
        yield everything


def encoded(token: str) -> str:
    return base64.b64encode(token.encode()).decode()


def complain(handler: Handler, message: str, status_code: int, http_status: int = 200) -> None:
    envelope = {"status_code": status_code, "status_message": message, "timestamp": "2026-01-01T00:00:00Z"}
    handler.raw(json.dumps(envelope).encode(), http_status=http_status)


def echo(status_code: int, http_status: int = 200) -> Callable[[Handler], None]:
    """Repeat the token that was presented: as it came, decoded, and in the middle of words."""

    def answer(handler: Handler) -> None:
        shown, token = handler.headers["Authorization"].removeprefix("Token "), handler.peer.token
        complain(handler, f"unknown: {shown} ({token}), {encoded(token)} Token={shown}; xx{token}yy", status_code, http_status)

    return answer


def wants_raw(handler: Handler) -> None:
    if handler.headers["Authorization"] == f"Token {handler.peer.token}":
        handler.answer({"version": "2.2.1", "endpoints": handler.peer.endpoints("2.2.1")})
    else:
        echo(2001, 401)(handler)


def code_of(hub: LiveHub, method: str, header: str, sent: Any = None) -> tuple[int, int]:
    response = hub.request(method, CREDENTIALS, header, json=sent)
    return response.status_code, response.json()["status_code"]


def register(hub: LiveHub, captured: Captured, peer: Peer, party_id: str, in_header: InHeader) -> list[str]:
    """Invited, refused in every way, registered at last: token A, token C."""
    sent = peer.credentials(("CPO", "NL", party_id))
    token_a = hub.invite("NL", party_id, "CPO")
    captured.listen()
    peer.behave("GET", "/versions", echo(2001))
    assert code_of(hub, "POST", in_header(token_a), sent) == (200, 3001)
    peer.behave("GET", "/versions", None)
    assert code_of(hub, "POST", in_header(token_a), {**sent, "token": [peer.token]}) == (200, 2001)
    token_c = hub.request("POST", CREDENTIALS, in_header(token_a), json=sent).json()["data"]["token"]
    assert code_of(hub, "GET", in_header(token_c)) == (200, 1000)
    assert code_of(hub, "POST", in_header(token_a), sent) == (401, 2000)
    assert code_of(hub, "GET", f"{token_c} {token_c}") == (401, 2000)
    assert code_of(hub, "POST", in_header(token_c), sent) == (405, 2000)
    return [token_a, token_c]


def be_told_in_vain(hub: LiveHub, captured: Captured, peer: Peer, party_id: str) -> None:
    """Refuse a push for good, fail others and the check they lead to, each time repeating the token."""
    peer.behave("PUT", "/", echo(2001))
    connect(hub.app, ("NSP", "DE", party_id), receiver=False)
    captured.wait_for(f"push_refused platform=NL-{party_id}")
    peer.behave("PUT", "/", echo(3000))
    peer.behave("GET", "/versions", echo(3000))
    connect(hub.app, ("NSP", "BE", party_id), receiver=False)
    captured.wait_for(f"push_set_aside platform=NL-{party_id}")
    captured.wait_for(f"probe_failed platform=NL-{party_id}")
    peer.behaviours.clear()


def renew_and_leave(hub: LiveHub, peer: Peer, party_id: str, header: str, in_header: InHeader) -> list[str]:
    """New credentials, then none: the new tokens B and C."""
    peer.token = f"the-second-{peer.token}"
    sent = peer.credentials(("CPO", "NL", party_id))
    token_c = hub.request("PUT", CREDENTIALS, header, json=sent).json()["data"]["token"]
    assert hub.request("GET", CREDENTIALS, in_header(token_c)).json()["data"]["token"] == token_c
    assert code_of(hub, "DELETE", in_header(token_c)) == (200, 1000)
    assert code_of(hub, "DELETE", in_header(token_c)) == (401, 2000)
    return [peer.token, token_c]


FORMS: list[tuple[str, InHeader]] = [("base64", encoded), ("raw", str), ("base64 and newline", lambda token: encoded(token + "\n"))]


@pytest.mark.parametrize("in_header", [form for _, form in FORMS], ids=[name for name, _ in FORMS])
def test_no_token_is_in_any_line_of_any_logger(
    hub: LiveHub, captured: Captured, make_peer: Callable[..., Peer], in_header: InHeader
) -> None:
    tokens: list[str] = []
    for party_id, raw in (("T01", False), ("T02", True)):
        peer = make_peer()
        peer.token = f"token-b-of-{party_id}"
        if raw:
            peer.behave("GET", "/2.2.1", wants_raw)
        tokens += [peer.token, *register(hub, captured, peer, party_id, in_header)]
        be_told_in_vain(hub, captured, peer, party_id)
        tokens += renew_and_leave(hub, peer, party_id, in_header(tokens[-1]), in_header)
    assert len(set(tokens)) == 10
    assert {"hubinfo.hub.push", "hubinfo.hub.presence", "urllib3.connectionpool", "werkzeug"} <= captured.names
    for token in tokens:
        shown = (token, encoded(token).rstrip("="), encoded(token + "\n").rstrip("="))
        assert not [line for line in (*captured.lines, *captured.raw) if any(form in line for form in shown)]


def test_what_a_peer_answers_cannot_forge_a_line(hub: LiveHub, captured: Captured, make_peer: Callable[..., Peer]) -> None:
    peer = make_peer()
    hub.register(peer, ("CPO", "NL", "TNM"))
    captured.listen()
    peer.behave("PUT", "/", lambda handler: complain(handler, f"no\n{FORGED}\r\n{FORGED}", 2001))
    connect(hub.app, ("NSP", "DE", "ABC"), receiver=False)
    line = captured.wait_for("push_refused")
    assert LINE.fullmatch(line)
    assert "own_fault" in line
