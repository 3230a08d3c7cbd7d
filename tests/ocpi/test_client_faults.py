"""Every way in which a peer can fail, over real sockets: one PeerError with a short reason."""

import http.client
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import urllib3.exceptions

from hubinfo.ocpi.faults import FAULTS, reason_of
from tests.support.clients import Talk, drip, fails, get, hangs, make_client, raw_server
from tests.support.peers import Handler, Peer

OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
TOO_SLOW: dict[str, Talk] = {
    "hangs": hangs,
    "drips the head": drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100),
    "drips the body": drip(OK_HEAD + b"Content-Length: 1000\r\n\r\n" + b" " * 100),
    "drips chunks": drip(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 20),
}
TALKS: dict[str, tuple[Talk, str]] = {
    "closes at once": (lambda connection: None, "connection closed without an answer"),
    "closes mid-body": (
        lambda connection: connection.sendall(OK_HEAD + b"Content-Length: 100\r\n\r\n{"),
        "connection closed in the middle of the answer",
    ),
    "is no HTTP": (lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n"), "answer is not HTTP"),
    "has a chunk of nonsense": (
        lambda connection: connection.sendall(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        "connection closed in the middle of the answer",
    ),
    "sends 10 MiB without a length": (
        lambda connection: connection.sendall(OK_HEAD + b"\r\n" + b" " * 10 * 1024 * 1024),
        "answer is larger than 1 MiB",
    ),
}


@pytest.mark.parametrize("talk", TOO_SLOW.values(), ids=list(TOO_SLOW))
def test_a_peer_that_is_too_slow(talk: Talk) -> None:
    """It would go on for 20 seconds; what the client says of it is that its own time was up."""
    with raw_server(talk) as url:
        error = fails(url, make_client(timeout=1))
    assert error.reason == "timed out after 1 s"
    assert not error.permanent


@pytest.mark.parametrize(("talk", "reason"), TALKS.values(), ids=list(TALKS))
def test_a_peer_that(talk: Talk, reason: str) -> None:
    with raw_server(talk) as url:
        error = fails(url)
    assert error.reason == reason
    assert not error.permanent


def test_a_peer_that_refuses_connections(make_peer: Callable[..., Peer]) -> None:
    peer = make_peer()
    peer.stop()
    assert fails(peer.base).reason == "connection refused"
    peer.start_again()


def test_a_host_name_that_is_not_there() -> None:
    assert fails("http://nothing.invalid/", make_client(timeout=10)).reason in ("host name not found", "timed out after 10 s")


def test_what_is_sent(make_peer: Callable[..., Peer]) -> None:
    peer = make_peer()
    assert get(peer.versions_url).data[0]["version"] == "2.2.1"
    [seen] = peer.received
    assert seen.headers["User-Agent"] == "hubinfo/test"
    assert seen.headers["Authorization"] == "Token dGhlLXRva2Vu"
    assert seen.headers["X-Request-ID"] != seen.headers["X-Correlation-ID"]


def test_nothing_of_the_environment_is_used(
    make_peer: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    peer = make_peer()
    get(peer.versions_url)
    assert peer.received[0].headers["Authorization"] == "Token dGhlLXRva2Vu"


def test_cookies_are_not_kept(make_peer: Callable[..., Peer]) -> None:
    peer, client = make_peer(), make_client()
    peer.behave("GET", "/", lambda handler: handler.answer([], headers={"Set-Cookie": "a=b"}))
    get(peer.versions_url, client)
    get(peer.versions_url, client)
    assert "Cookie" not in peer.received[1].headers


def test_connections_are_kept_only_while_more_follows(make_peer: Callable[..., Peer]) -> None:
    """An idle connection would block a peer that serves one at a time."""
    peer, client = make_peer(), make_client()
    ports: list[int] = []

    def note_port(handler: Handler) -> None:
        ports.append(handler.client_address[1])
        handler.answer([])

    peer.behave("GET", "/", note_port)
    for more_follow in (True, True, False, False):
        get(peer.versions_url, client, more_follow=more_follow)
    assert len(set(ports)) == 2
    assert ports[0] == ports[1] == ports[2]


def _subclasses(kind: type[BaseException]) -> set[type[BaseException]]:
    return {kind}.union(*(_subclasses(sub) for sub in kind.__subclasses__()))


LOWER = sorted(
    {
        kind
        for top in (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException)
        for kind in _subclasses(top)
        if not issubclass(kind, Warning)
    },
    key=lambda kind: f"{kind.__module__}.{kind.__name__}",
)


@pytest.mark.parametrize("kind", LOWER, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_exception_of_the_layers_below_is_caught(kind: type[BaseException]) -> None:
    assert issubclass(kind, FAULTS)


@pytest.mark.parametrize(
    "kind",
    [OSError, TimeoutError, ConnectionResetError, BrokenPipeError, UnicodeError, socket.gaierror],
    ids=lambda kind: kind.__name__,
)
def test_every_error_of_the_system_has_words(kind: type[Exception]) -> None:
    assert reason_of(kind()) != "request failed"


def test_an_error_is_named_for_its_cause_however_deep() -> None:
    outer = requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "x")))
    assert reason_of(outer) == "connection closed without an answer"
