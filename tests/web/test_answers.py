"""What every OCPI answer has in common, whatever went wrong, and no other answer has; beyond test_transport.py."""

import gzip
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from hubinfo.ocpi.envelope import InvalidParameters
from hubinfo.web import MAX_BODY
from tests.support.apps import MakeApp
from tests.support.live import Hub, LiveHub
from tests.support.peers import Peer

CREDENTIALS = "/ocpi/2.2.1/credentials"
LIST = "/ocpi/2.2.1/hubclientinfo"
IDS = ("X-Request-ID", "X-Correlation-ID")
MADE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def hub(make_own_app: MakeApp) -> Hub:
    app = make_own_app()

    def fail() -> str:
        raise KeyError("token-of-somebody")

    def refuse() -> str:
        raise InvalidParameters("field: must be otherwise")

    app.add_url_rule("/ocpi/bug", view_func=fail, methods=["GET", "POST"])
    app.add_url_rule("/ocpi/refused", view_func=refuse)
    return Hub(app)


@pytest.fixture
def token(hub: Hub) -> str:
    return hub.invite("NL", "TNM", "CPO")


# method, path, body, HTTP status, OCPI status code
EVERY_KIND: list[tuple[str, str, bytes, int, int]] = [
    ("GET", "/ocpi/versions", b"", 200, 1000),
    ("GET", "/ocpi/refused", b"", 200, 2001),
    ("POST", CREDENTIALS, b"{", 400, 2001),
    ("GET", LIST, b"", 401, 2000),
    ("GET", "/ocpi/nothing", b"", 404, 2000),
    ("GET", "/ocpi/", b"", 404, 2000),
    ("GET", "/ocpi/%ff/%00", b"", 404, 2000),
    ("DELETE", "/ocpi/versions", b"", 405, 2000),
    ("POST", CREDENTIALS, b" " * (MAX_BODY + 1), 413, 2000),
    ("GET", "/ocpi/bug", b"", 500, 3000),
]
each_kind = pytest.mark.parametrize(
    ("method", "path", "body", "http_status", "status_code"), EVERY_KIND, ids=[f"{row[3]}-{row[1]}" for row in EVERY_KIND]
)


def has_ids(response: TestResponse) -> list[bool]:
    return [name in response.headers for name in IDS]


@each_kind
def test_every_answer_is_an_envelope_in_json(
    hub: Hub, token: str, method: str, path: str, body: bytes, http_status: int, status_code: int
) -> None:
    response = hub.call(method, path, token, data=body)
    assert (response.status_code, response.mimetype) == (http_status, "application/json")
    envelope: Any = response.json
    assert envelope["status_code"] == status_code
    assert TIMESTAMP.fullmatch(envelope["timestamp"])
    assert "data" in envelope if status_code == 1000 else "data" not in envelope
    assert envelope["status_message"] == "Success" if status_code == 1000 else envelope["status_message"] not in ("", "Success")
    assert "token-of-somebody" not in response.text


@each_kind
def test_every_answer_repeats_the_message_ids_or_makes_them(
    hub: Hub, token: str, method: str, path: str, body: bytes, http_status: int, status_code: int
) -> None:
    response = hub.call(method, path, token, data=body, headers={"X-Request-ID": "r é/1", "X-Correlation-ID": "c" * 200})
    assert [response.headers[name] for name in IDS] == ["r é/1", "c" * 200]
    made = [hub.call(method, path, token, data=body, headers={"X-Correlation-ID": ""}).headers[name] for name in IDS * 2]
    assert all(MADE.fullmatch(one) for one in made)
    assert len(set(made)) == 4


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/ocpi2/versions", "/OCPI/versions", "/api/ocpi/versions"])
def test_no_other_answer_has_envelope_or_ids(hub: Hub, path: str) -> None:
    for method in ("GET", "DELETE"):
        response = hub.call(method, path, headers=dict.fromkeys(IDS, "x"))
        assert has_ids(response) == [False, False]
        assert b"status_code" not in response.data


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/ocpi/versions", {"GET", "HEAD"}),
        ("/ocpi/2.2.1", {"GET", "HEAD"}),
        (LIST, {"GET", "HEAD"}),
        (f"{LIST}/NL/TNM", {"GET", "HEAD"}),
        (CREDENTIALS, {"GET", "HEAD", "POST", "PUT", "DELETE"}),
    ],
)
def test_a_wrong_method_is_told_which_ones_there_are(hub: Hub, path: str, allowed: set[str]) -> None:
    for slash in ("", "/"):
        for method in ("PATCH", "OPTIONS", "TRACE", "INVENTED"):
            response = hub.call(method, path + slash)
            assert response.status_code == 405
            assert set(response.headers["Allow"].split(", ")) == allowed


def test_a_slash_at_the_end_makes_no_difference_to_any_method(hub: Hub, make_peer: Callable[..., Peer]) -> None:
    peer, token = make_peer(), hub.invite("NL", "TNM", "CPO")
    for method in ("POST", "PUT"):
        response = hub.call(method, f"{CREDENTIALS}/", token, json=peer.credentials(("CPO", "NL", "TNM")))
        assert response.json is not None
        token = response.json["data"]["token"]
    answers = [hub.call("GET", path, token) for path in (f"{CREDENTIALS}/", f"{LIST}/", f"{LIST}/?limit=1", "/ocpi/2.2.1/")]
    answers.append(hub.call("DELETE", f"{CREDENTIALS}/", token))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert not any("Location" in answer.headers for answer in answers)


@pytest.mark.parametrize("path", ["/ocpi/versions", "/ocpi/2.2.1", LIST, CREDENTIALS, "/ocpi/nothing", "/ocpi/bug"])
def test_head_is_get_without_the_body(hub: Hub, make_peer: Callable[..., Peer], path: str) -> None:
    token = hub.register(make_peer(), ("CPO", "NL", "TNM"))
    get, head = hub.call("GET", path, token), hub.call("HEAD", path, token)
    assert (head.status_code, head.data) == (get.status_code, b"")
    assert set(head.headers.keys()) == set(get.headers.keys())
    assert has_ids(head) == [True, True]


def test_a_body_of_exactly_1_mib_is_read(hub: Hub, token: str) -> None:
    assert hub.call("POST", CREDENTIALS, token, data=b"{" + b" " * (MAX_BODY - 1)).status_code == 400
    response = hub.call("POST", CREDENTIALS, token, data=b"{}" + b" " * (MAX_BODY - 2))
    assert response.json is not None
    assert (response.status_code, response.json["status_code"]) == (200, 2001)


def pieces(size: int) -> Iterator[bytes]:
    """Sent as it comes, chunked."""
    for start in range(0, size, 65536):
        yield b" " * min(65536, size - start)


@pytest.mark.parametrize(("size", "http_status"), [(MAX_BODY, 400), (MAX_BODY + 1, 413), (MAX_BODY + 65536, 413)])
def test_a_chunked_body_has_the_same_limit_over_a_real_socket(live_hub: LiveHub, size: int, http_status: int) -> None:
    token = live_hub.invite("NL", "TNM", "CPO")
    response = live_hub.request("POST", CREDENTIALS, token, data=pieces(size), headers={"X-Request-ID": "r-1"})
    assert (response.status_code, response.headers["X-Request-ID"]) == (http_status, "r-1")
    assert response.json()["status_code"] == (2001 if http_status == 400 else 2000)


def test_who_announces_too_large_a_body_and_breaks_it_off_is_answered(live_hub: LiveHub) -> None:
    token = live_hub.invite("NL", "TNM", "CPO")
    head = f"POST {CREDENTIALS} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {token}\r\nContent-Length: {MAX_BODY + 2}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(live_hub.url.rpartition(":")[2])), 10) as sock:
        sock.sendall(head.encode())
        sock.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert b'"status_code":2000' in answer


def test_the_ids_come_back_over_a_real_socket_as_they_were_sent(live_hub: LiveHub) -> None:
    sent = {"X-Request-ID": "a,b;c=d ü".encode("latin-1"), "X-Correlation-ID": b"{}"}
    response = live_hub.request("GET", "/ocpi/versions", headers=sent)
    assert response.status_code == 401
    assert {name: response.headers[name].encode("latin-1") for name in IDS} == sent


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "identity, gzip"])
def test_a_compressed_body_is_415_that_says_what_would_be_taken(hub: Hub, token: str, encoding: str) -> None:
    compressed = gzip.compress(b"{}")
    response = hub.call("POST", CREDENTIALS, token, data=compressed, headers={"Content-Encoding": encoding})
    assert (response.status_code, response.headers["Accept-Encoding"]) == (415, "identity")
    assert response.json is not None
    assert response.json["status_message"] == f"Content-Encoding={encoding!r}: must be identity, so not compressed"


def test_a_body_that_is_said_not_to_be_compressed_is_read(hub: Hub, token: str) -> None:
    response = hub.call("POST", CREDENTIALS, token, data=b"{}", headers={"Content-Encoding": "identity"})
    assert (response.status_code, response.json and response.json["status_code"]) == (200, 2001)
