"""Who may use `/api`, how guessing is slowed down, and what the request has to look like."""

import gzip
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from hubinfo.operator import guesses
from tests.support.api import JSON, Api, basic
from tests.support.live import LiveHub

TOKENS = "/api/tokens"
PUBLIC = {"/api/openapi.json", "/api/docs", "/api/docs.css"}


def ask(api: Api, authorization: str | None, path: str = TOKENS, method: str = "GET", **headers: str) -> TestResponse:
    return api.send(method, path, headers={"Authorization": authorization, **headers})


def test_strangers_get_401_whatever_they_ask_for(api: Api) -> None:
    paths = [*api.spec["paths"], "/api", "/api/", "/api/nope", "/api/reachable", "/api//parties", "/api/parties/"]
    asked = [path for path in paths if path.startswith("/api") and path not in PUBLIC]
    for path, method in itertools.product(asked, ("GET", "POST", "PUT", "DELETE")):
        response = api.app.test_client().open(path.replace("{", "").replace("}", ""), method=method)
        assert response.status_code == 401, f"{method} {path}"
        ways = ["Token"] if (method, path) == ("GET", "/api/heard") else ['Bearer realm="hubinfo"', 'Basic realm="hubinfo"']
        assert response.headers.getlist("WWW-Authenticate") == ways


def test_the_description_is_open_to_everybody(api: Api) -> None:
    for path in PUBLIC:
        assert ask(api, None, path).status_code == 200
        assert ask(api, basic("wrong"), path).status_code == 200


def test_what_is_not_there_is_404_and_a_wrong_method_405_as_json(api: Api) -> None:
    for path in ("/api", "/api/", "/api/nope", "/api//parties", "/api/parties/NL"):
        assert api.error("GET", path, 404).startswith(f"GET {path}")
    response = api.send("PATCH", TOKENS)
    assert (response.status_code, response.mimetype) == (405, JSON)
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert api.send("OPTIONS", TOKENS).status_code == 405


def test_a_path_that_only_begins_like_it_is_not_ours(api: Api) -> None:
    assert "error" not in (api.app.test_client().get("/apiary").get_json(silent=True) or {})


def test_guessing_the_password_is_slowed_down(api: Api) -> None:
    answers = [ask(api, basic("wrong")).status_code for _ in range(guesses.FREE + 1)]
    assert answers == [401] * guesses.FREE + [429]
    response = ask(api, basic("operator"))
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= guesses.LONGEST_WAIT_SECONDS
    assert response.json is not None
    assert "wait" in response.json["error"]


def test_a_bearer_token_is_not_affected_and_a_wrong_one_is_no_guess(api: Api) -> None:
    for _ in range(guesses.FREE + 1):
        ask(api, basic("wrong"))
    assert api.get(TOKENS)
    guesses.of(api.app).forget()
    for _ in range(guesses.FREE + 1):
        assert ask(api, "Bearer wrong").status_code == 401
    assert ask(api, basic("operator")).status_code == 200


def test_the_password_makes_earlier_wrong_ones_forgotten(api: Api) -> None:
    for _ in range(3):
        answers = [ask(api, basic("wrong")).status_code for _ in range(guesses.FREE - 1)]
        assert [*answers, ask(api, basic("operator")).status_code] == [401] * (guesses.FREE - 1) + [200]


def test_what_the_operator_does_is_recorded_as_the_operator_s(api: Api) -> None:
    api.send("POST", TOKENS, headers={"Authorization": basic("operator")}, json={"name": "x"})
    assert api.get("/api/actions")[0]["source"] == "api: operator"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", "nonsense", "", "http://["])
def test_a_page_of_another_site_cannot_act_with_a_password_the_browser_knows(api: Api, origin: str) -> None:
    response = ask(api, basic("operator"), "/api/parties/NL/TNM/suspend", "POST", Origin=origin)
    assert (response.status_code, response.mimetype) == (403, JSON)


@pytest.mark.parametrize("origin", ["http://localhost", "http://127.0.0.1:5000"])
def test_a_page_of_this_platform_may(api: Api, origin: str) -> None:
    assert ask(api, basic("operator"), "/api/parties/NL/TNM/suspend", "POST", Origin=origin).status_code == 404


def test_no_cookie_opens_it(api: Api) -> None:
    client = api.app.test_client()
    for name in ("session", "hubinfo_session"):
        client.set_cookie(name, "x")
    assert client.get(TOKENS).status_code == 401


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", None, "json"])
def test_a_body_that_is_not_json_by_its_type_is_415(api: Api, content_type: str | None) -> None:
    said = api.error("POST", TOKENS, 415, data=b'{"name": "x"}', content_type=content_type)
    assert said.endswith("must be application/json")


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_may_be_said_in_any_way(api: Api, content_type: str) -> None:
    api.post(TOKENS, http_status=415)
    assert api.send("POST", TOKENS, data=b'{"name": "x"}', content_type=content_type).status_code == 201


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe\xfa", b'{"name": NaN}', b"[" * 100_000, b'"\\ud800', b"name=x", gzip.compress(b"{}", mtime=0)]
)
def test_a_body_that_is_not_json_is_400(api: Api, body: bytes) -> None:
    assert api.error("POST", TOKENS, 400, data=body, content_type=JSON).startswith("the body is not JSON")


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"x"', b"[{}]", b"1" * 5000])
def test_a_body_that_is_no_object_is_400(api: Api, body: bytes) -> None:
    assert api.error("POST", TOKENS, 400, data=body, content_type=JSON).endswith("must be an object")


def test_half_a_surrogate_pair_is_400(api: Api) -> None:
    assert api.error("POST", TOKENS, 400, data=b'{"name": "\\ud800"}', content_type=JSON).startswith("name=")


def test_a_body_beyond_1_mib_is_413(make_live_hub: Callable[..., LiveHub]) -> None:
    live = make_live_hub()
    headers = {"Authorization": f"Bearer {Api(live.app).token}", "Content-Type": JSON}
    for size in (1024 * 1024 + 1, 8 * 1024 * 1024):
        response = live.request("POST", TOKENS, headers=headers, data=b"x" * size)
        assert (response.status_code, list(response.json())) == (413, ["error"])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("stauts=OFFLINE", 'stauts="OFFLINE": is unknown; known are status, role, country_code'),
        ("role=CPO&role=EMSP", "role: must be given once, not 2 times"),
        ("limit=%00", "limit="),
        ("limit=" + "9" * 5000, "limit="),
        ("offset=-1", "offset="),
        ("limit=%D9%A1", "limit="),
        ("descending=1", 'descending="1": must be true or false'),
        ("text=%00", "text="),
        ("text=" + "x" * 101, "text="),
        ("country_code=N%C3%89", "country_code="),
        ("sort=token_hash", 'sort="token_hash": must be one of party, name'),
        ("%00=%00", '\x00="\\u0000": is unknown'),
    ],
)
def test_a_wrong_parameter_is_named_with_its_value_and_what_is_allowed(api: Api, query: str, said: str) -> None:
    assert api.error("GET", f"/api/parties?{query}", 400).startswith(said)


def test_where_there_are_no_parameters_one_is_unknown(api: Api) -> None:
    assert api.error("GET", f"{TOKENS}?limit=1", 400) == "limit: is unknown; there are no parameters here"


def test_a_fault_of_ours_is_500_as_json_and_logged(api: Api, caplog: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("ours")

    monkeypatch.setitem(api.app.view_functions, "api.list_tokens", fail)
    response = api.app.test_client().get(TOKENS, headers={"Authorization": f"Bearer {api.token}"})
    assert (response.status_code, response.json) == (500, {"error": "internal error; the log says more"})


def test_data_is_kept_by_nobody(api: Api) -> None:
    for path in ("/api/parties", "/api/availability.csv", "/api/nope"):
        assert api.send("GET", path).headers["Cache-Control"] == "no-store"
    assert ask(api, None).headers["Cache-Control"] == "no-store"
