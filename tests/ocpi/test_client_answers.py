"""What an HTTP answer comes to: an Answer, or a PeerError that says whether the platform refused for good."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from hubinfo.ocpi import verdict
from hubinfo.ocpi.authorization import TokenForm, header
from hubinfo.ocpi.client import MAX_ANSWER, MAX_REASON, PeerError
from tests.support.clients import fails, get
from tests.support.peers import Handler, Peer

ANSWERS: dict[str, tuple[Callable[[Handler], None], str, bool]] = {
    "HTML": (lambda h: h.raw(b"<html>", content_type="text/html"), "HTTP 200, but the answer is not OCPI: <html>", False),
    "no envelope": (lambda h: h.raw(b"[]"), "HTTP 200, but the answer is not OCPI: []", False),
    "status_code as word": (
        lambda h: h.raw(b'{"status_code": "ok"}'),
        'HTTP 200, but the answer is not OCPI: {"status_code": "ok"}',
        False,
    ),
    "status_code true": (
        lambda h: h.raw(b'{"status_code": true}'),
        'HTTP 200, but the answer is not OCPI: {"status_code": true}',
        False,
    ),
    "NaN": (
        lambda h: h.raw(b'{"status_code": 1000, "data": NaN}'),
        'HTTP 200, but the answer is not OCPI: {"status_code": 1000, "data": NaN}',
        False,
    ),
    "bottomless": (lambda h: h.raw(b"[" * 100_000), f"HTTP 200, but the answer is not OCPI: {'[' * 200}", False),
    "2001": (lambda h: h.answer(status_code=2001), "HTTP 200, OCPI 2001", True),
    "3000": (lambda h: h.answer(status_code=3000), "HTTP 200, OCPI 3000", False),
    "4001": (lambda h: h.answer(status_code=4001), "HTTP 200, OCPI 4001", False),
    "400": (lambda h: h.raw(b"", http_status=400), "HTTP 400", True),
    "401": (lambda h: h.answer(http_status=401, status_code=2002), "HTTP 401, OCPI 2002", False),
    "404": (lambda h: h.raw(b"", http_status=404), "HTTP 404", True),
    "408": (lambda h: h.raw(b"", http_status=408), "HTTP 408", False),
    "429": (lambda h: h.raw(b"", http_status=429), "HTTP 429", False),
    "500": (lambda h: h.raw(b"", http_status=500), "HTTP 500", False),
    "compressed": (
        lambda h: h.raw(gzip.compress(b" " * 10_000_000), headers={"Content-Encoding": "gzip"}),
        "answer is compressed, which was not asked for",
        False,
    ),
    "10 MiB": (lambda h: h.raw(b" " * 10 * 1024 * 1024), "answer is larger than 1 MiB", False),
}


@pytest.mark.parametrize(("behaviour", "reason", "permanent"), ANSWERS.values(), ids=list(ANSWERS))
def test_an_answer_with(make_peer: Callable[..., Peer], behaviour: Callable[[Handler], None], reason: str, permanent: bool) -> None:
    peer = make_peer()
    peer.behave("GET", "/", behaviour)
    error = fails(peer.base)
    assert (error.reason, error.permanent) == (reason, permanent)


def test_an_answer_may_be_as_large_as_the_limit_and_not_a_byte_larger(make_peer: Callable[..., Peer]) -> None:
    peer, largest = make_peer(), b'{"status_code": 1000, "data": 7}'.ljust(MAX_ANSWER)
    peer.behave("GET", "/", lambda handler: handler.raw(largest))
    assert get(peer.base).data == 7
    peer.behave("GET", "/", lambda handler: handler.raw(largest + b" "))
    assert fails(peer.base).reason == "answer is larger than 1 MiB"


@pytest.mark.parametrize(
    ("http_status", "status_code"),
    [(200, 2001), (200, 2002), (200, 3000), (200, 4001), (401, 2000), (404, 2003), (500, 3000), (302, 1000)],
)
def test_a_refusal_carries_both_codes(make_peer: Callable[..., Peer], http_status: int, status_code: int) -> None:
    """OCPI 2.2.1 transport, Response format; status_codes."""
    peer = make_peer()
    peer.behave("GET", "/", lambda handler: handler.answer(http_status=http_status, status_code=status_code))
    error = fails(peer.base)
    assert (error.http_status, error.status_code) == (http_status, status_code)


@pytest.mark.parametrize("http_status", [200, 302, 401, 500])
def test_an_answer_that_is_not_ocpi_has_no_status_code(make_peer: Callable[..., Peer], http_status: int) -> None:
    peer = make_peer()
    peer.behave("GET", "/", lambda handler: handler.raw(b"<html>", http_status=http_status))
    error = fails(peer.base)
    assert (error.http_status, error.status_code) == (http_status, None)


def test_the_headers_of_an_answer_are_found_in_any_case(make_peer: Callable[..., Peer]) -> None:
    """RFC 9110 5.1: field names are case-insensitive; OCPI 2.2.1 transport, Pagination, is in headers."""
    peer = make_peer()
    peer.behave("GET", "/", lambda handler: handler.answer([], headers={"x-total-count": "7", "LINK": "<a>; rel=next"}))
    headers = get(peer.base).headers
    assert (headers["X-Total-Count"], headers.get("link"), headers.get("X-Limit")) == ("7", "<a>; rel=next", None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(make_peer: Callable[..., Peer], status: int) -> None:
    """requests would turn a redirected PUT into a GET that is answered with 200."""
    peer = make_peer()
    peer.behave("PUT", "/", lambda handler: handler.answer(http_status=status, headers={"Location": peer.versions_url}))
    error = fails(peer.base, method="PUT", body=b"{}")
    assert not error.permanent
    assert "redirects are not followed" in error.reason
    assert [request.method for request in peer.received] == ["PUT"]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("0", 0), ("999999", 3600), ("soon", None), ("-5", None), ("", None)],
)
def test_retry_after_in_seconds(make_peer: Callable[..., Peer], value: str, seconds: float | None) -> None:
    peer = make_peer()
    peer.behave("GET", "/", lambda handler: handler.raw(b"", http_status=429, headers={"Retry-After": value}))
    assert fails(peer.base).retry_after_seconds == seconds


def test_retry_after_as_a_date(make_peer: Callable[..., Peer]) -> None:
    peer, at = make_peer(), format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    peer.behave("GET", "/", lambda handler: handler.raw(b"", http_status=503, headers={"Retry-After": at}))
    seconds = fails(peer.base).retry_after_seconds
    assert seconds is not None
    assert 50 < seconds <= 100


def test_a_peer_that_repeats_our_token_does_not_get_it_into_the_reason(make_peer: Callable[..., Peer]) -> None:
    peer = make_peer()
    shown = header("the-token", TokenForm.BASE64).removeprefix("Token ")
    body = f'{{"status_code": 2002, "status_message": "unknown the-token {shown} \\n{"x" * 500}"}}'.encode()
    peer.behave("GET", "/", lambda handler: handler.raw(body))
    error = fails(peer.base)
    assert shown.rstrip("=") not in error.reason
    assert error.reason.isprintable()
    assert len(error.reason) <= 200


@pytest.mark.parametrize(
    "reason", ["x" * 5000, "host " + "a" * 180 + ".example " * 20, "\ud800\x00 name" + "é" * 400], ids=range(3)
)
def test_a_reason_is_cut_to_what_the_database_takes_where_it_is_made(reason: str) -> None:
    error = PeerError(reason)
    assert len(error.reason) == MAX_REASON == 255
    assert str(error) == error.reason
    assert error.reason.isprintable()


@pytest.mark.parametrize("code", ['"1000"', "1000.0", "1e3", "1000"])
def test_a_status_code_is_read_as_peers_write_it_unless_strict(code: str) -> None:
    body = f'{{"status_code": {code}}}'.encode()
    assert verdict.envelope_of(body) == {"status_code": 1000}
    assert (verdict.envelope_of(body, strict=True) is None) == (code != "1000")


@pytest.mark.parametrize("code", ['"1000 "', '"1e3"', "1000.5", "true", "null", '"\uff11000"', "[1000]", "1e999"])
def test_what_is_no_status_code(code: str) -> None:
    assert verdict.envelope_of(f'{{"status_code": {code}}}'.encode()) is None


@pytest.mark.parametrize("http_status", [400, 422, 500])
def test_what_a_peer_says_outside_an_envelope_is_in_the_reason(make_peer: Callable[..., Peer], http_status: int) -> None:
    peer = make_peer()
    said = b'{"detail":[{"loc":["body","website"],\n"msg":"Field required \x00"}]}'
    peer.behave("GET", "/", lambda handler: handler.raw(said, http_status=http_status))
    assert fails(peer.base).reason == f'HTTP {http_status}: {{"detail":[{{"loc":["body","website"], "msg":"Field required "}}]}}'


def test_no_token_is_in_it_neither_the_one_presented_nor_one_sent(make_peer: Callable[..., Peer]) -> None:
    peer, shown = make_peer(), header("the-token", TokenForm.BASE64)
    said = f'{{"input": {{"token": "another-one"}}, "x": "{shown} the-token token-b"}}'.encode()
    peer.behave("POST", "/", lambda handler: handler.raw(said, http_status=422))
    reason = fails(peer.base, method="POST", body=b'{"token": "token-b"}').reason
    assert reason == 'HTTP 422: {"input": {"token": "(token)"}, "x": "Token (token) (token) (token)"}'


@pytest.mark.parametrize("http_status", [200, 201, 204])
def test_a_2xx_without_body_to_a_put_is_an_acceptance_and_to_a_get_is_not(make_peer: Callable[..., Peer], http_status: int) -> None:
    peer = make_peer()
    for method in ("GET", "PUT"):
        peer.behave(method, "/", lambda handler: handler.raw(b"", http_status=http_status))
    assert get(peer.base, method="PUT", body=b"{}").status_code == 1000
    assert "not OCPI" in fails(peer.base).reason
