"""Envelope, HTTP and OCPI codes, message ids, the Token header (OCPI 2.2.1 transport)."""

import base64
import socket
from collections.abc import Callable

import pytest
from flask import Flask

from hubinfo.ocpi.authorization import TokenForm, header, presented
from tests.support.apps import MakeApp
from tests.support.live import Hub, LiveHub
from tests.support.peers import Peer

LIST = "/ocpi/2.2.1/hubclientinfo"


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("method", "path", "http_status"),
    [
        ("GET", "/ocpi/versions", 401),
        ("GET", "/ocpi/9.9", 401),
        ("GET", "/ocpi/2.2.1/nothing", 404),
        ("GET", "/ocpi", 404),
        ("GET", "/ocpi//versions", 404),
        ("POST", "/ocpi/versions", 405),
        ("OPTIONS", "/ocpi/versions", 405),
        ("PUT", LIST, 405),
        ("DELETE", LIST + "/NL/TNM", 405),
        ("PATCH", "/ocpi/2.2.1/credentials", 405),
    ],
)
def test_every_ocpi_answer_is_an_envelope(hub: Hub, method: str, path: str, http_status: int) -> None:
    response = hub.call(method, path)
    assert response.status_code == http_status
    assert response.json is not None
    assert set(response.json) == {"status_code", "status_message", "timestamp"}
    assert 2000 <= response.json["status_code"] < 3000
    assert response.headers["X-Request-ID"]
    assert response.headers["X-Correlation-ID"]


@pytest.mark.parametrize("path", ["/nothing", "/ocpiversions"])
def test_other_urls_keep_flasks_own_errors(hub: Hub, path: str) -> None:
    response = hub.call("GET", path)
    assert response.status_code == 404
    assert response.content_type.startswith("text/html")
    assert "X-Request-ID" not in response.headers


def test_message_ids_are_repeated(hub: Hub) -> None:
    response = hub.call("GET", "/ocpi/versions", headers={"X-Request-ID": "r-1", "X-Correlation-ID": "c-1"})
    assert (response.headers["X-Request-ID"], response.headers["X-Correlation-ID"]) == ("r-1", "c-1")


def test_a_405_says_which_methods_there_are(hub: Hub) -> None:
    assert set(hub.call("PUT", LIST).headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_trailing_slashes_are_accepted_without_redirect(hub: Hub) -> None:
    token = hub.invite("NL", "TNM", "CPO")
    assert [hub.call("GET", path, token).status_code for path in ("/ocpi/versions", "/ocpi/versions/", "/ocpi/2.2/")] == [200] * 3


def test_a_bug_is_an_envelope_with_3000_and_no_traceback(make_own_app: MakeApp) -> None:
    app = make_own_app()
    app.add_url_rule("/ocpi/bug", "bug", view_func=lambda: 1 / 0)  # type: ignore[arg-type]
    app.add_url_rule("/bug", "other bug", view_func=lambda: 1 / 0)  # type: ignore[arg-type]
    response = Hub(app).call("GET", "/ocpi/bug")
    assert response.status_code == 500
    assert response.json is not None
    assert response.json["status_code"] == 3000
    assert b"Traceback" not in response.data
    assert Hub(app).call("GET", "/bug").content_type.startswith("text/html")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a": 1,}', b"NaN", b'{"token": Infinity}', b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "cut off", "trailing comma", "NaN", "Infinity", "not UTF-8", "bottomless"],
)
def test_what_is_not_json_is_400(hub: Hub, body: bytes) -> None:
    response = hub.call("POST", "/ocpi/2.2.1/credentials", hub.invite("NL", "TNM", "CPO"), data=body)
    assert response.status_code == 400
    assert response.json is not None
    assert "JSON" in response.json["status_message"]


def test_without_a_token_the_body_is_not_looked_at(hub: Hub) -> None:
    assert hub.call("POST", "/ocpi/2.2.1/credentials", data=b"{").status_code == 401


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 10 * 1024 * 1024])
def test_a_body_over_1_mib_is_413_also_over_a_real_socket(live_hub: LiveHub, size: int) -> None:
    token = live_hub.invite("NL", "TNM", "CPO")
    response = live_hub.request("POST", "/ocpi/2.2.1/credentials", token, data=b"x" * size)
    assert response.status_code == 413
    assert response.json()["status_code"] == 2000


def test_a_chunked_body_over_1_mib_is_413(live_hub: LiveHub) -> None:
    token = live_hub.invite("NL", "TNM", "CPO")
    response = live_hub.request("POST", "/ocpi/2.2.1/credentials", token, data=iter([b"x" * 65536] * 20))
    assert response.status_code == 413


@pytest.mark.parametrize(
    "form", [str, base64_of, lambda token: base64_of(token + "\n"), lambda token: base64_of(token).rstrip("=")]
)
def test_the_token_header_in_every_form_met_in_the_field(hub: Hub, form: Callable[[str], str]) -> None:
    """Raw, base64, base64 of the token and a newline as the documents' sample shows, base64 without padding."""
    assert hub.call("GET", "/ocpi/versions", form(hub.invite("NL", "TNM", "CPO"))).status_code == 200


def test_a_doubled_header_over_a_real_socket_is_401(live_hub: LiveHub) -> None:
    token = live_hub.invite("NL", "TNM", "CPO")
    address = ("127.0.0.1", int(live_hub.url.rpartition(":")[2]))
    with socket.create_connection(address, 10) as sock:
        line = f"Authorization: Token {token}\r\n"
        sock.sendall(f"GET /ocpi/versions HTTP/1.1\r\nHost: x\r\n{line}{line}Connection: close\r\n\r\n".encode())
        assert b" 401 " in sock.recv(100)


def test_the_documents_sample_decodes_to_a_token_without_its_newline() -> None:
    sample = "Token ZWJmM2IzOTktNzc5Zi00NDk3LTliOWQtYWM2YWQzY2M0NGQyCg=="
    assert presented(sample)[0] == "ebf3b399-779f-4497-9b9d-ac6ad3cc44d2"
    assert header("abc", TokenForm.RAW) == "Token abc"
    assert presented(header("abc", TokenForm.BASE64)) == ["abc", "YWJj"]


def test_ocpi_urls_stay_when_the_app_is_no_hub(make_app: MakeApp) -> None:
    app: Flask = make_app(roles="CPO")
    assert Hub(app).call("GET", LIST).status_code == 404
    token = Hub(app).invite("NL", "HUC", "HUB")
    details = Hub(app).call("GET", "/ocpi/2.2.1", token).json
    assert details is not None
    assert [endpoint["identifier"] for endpoint in details["data"]["endpoints"]] == ["credentials", "hubclientinfo"]
    assert details["data"]["endpoints"][1]["role"] == "RECEIVER"


@pytest.mark.both_databases("PostgreSQL stores no NUL")
def test_a_name_with_nul_or_half_a_surrogate_is_2001(hub: Hub, make_peer: Callable[..., Peer]) -> None:
    token, sent = hub.invite("NL", "TNM", "CPO"), make_peer().credentials(("CPO", "NL", "TNM"))
    for name in ("a\x00b", "\ud800"):
        sent["roles"][0]["business_details"]["name"] = name
        response = hub.call("POST", "/ocpi/2.2.1/credentials", token, json=sent)
        assert response.json is not None
        assert response.json["status_code"] == 2001
