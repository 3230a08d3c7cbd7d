"""What every answer of the board carries, what every form needs, and what strangers see."""

import re
import shutil
from pathlib import Path

import pytest
from flask import Flask

from hubinfo import create_app
from hubinfo.database import db
from hubinfo.operator.board import sessions
from tests.support.apps import MakeApp
from tests.support.board import Board, Page, actions, connect_many, statuses
from tests.support.hubs import connect
from tests.support.live import Hub

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ANSWERS = [
    "/",
    "/sign-in",
    "/?live=1",
    "/nothing-here",
    "/availability.csv",
    "/availability/NL/TNM.svg",
    "/parties/NL/XXX",
    "/invite",
]


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_carries_the_headers(app: Flask, path: str, signed_in: bool) -> None:
    connect(app, ("CPO", "NL", "TNM"))
    headers = Board(app, signed_in=signed_in).client.get(path).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["board.css", "board.js", "htmx.min.js", "favicon.svg"])
def test_what_is_the_same_for_everybody_is_kept_and_asked_for_again(app: Flask, name: str) -> None:
    client = app.test_client()
    with client.get(f"/board/{name}") as response:
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    with client.get(f"/board/{name}", headers={"If-None-Match": response.headers["ETag"]}) as again:
        assert (again.status_code, again.data) == (304, b"")


def test_htmx_is_shipped_with_its_licence(app: Flask) -> None:
    with app.test_client().get("/board/htmx.LICENSE.txt") as response:
        assert b"Zero-Clause BSD" in response.data


def posts(app: Flask) -> list[str]:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("board.") and "POST" in (rule.methods or ())]
    filled = [rule.rule.replace("<country_code>", "NL").replace("<party_id>", "TNM") for rule in rules]
    steps = ("probe", "suspend", "resume", "tell-again", "invite")
    return [path.replace("<step>", step) for path in filled for step in (steps if "<step>" in path else ("",))]


def test_nothing_is_done_without_the_token_of_a_form(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    other = Board(hub.app).get("/invite").form_token
    board, before = Board(hub.app), statuses(hub.app)
    found = posts(hub.app)
    assert len(found) > 8
    for path in found:
        for token in (None, "", "x" * 64, "\u20ac", other):
            response = board.client.post(path, data={} if token is None else {"form_token": token})
            assert response.status_code == 400, (path, token)
            assert "This page was open too long; go back" in response.text
    assert (statuses(hub.app), actions(hub.app)) == (before, [])
    assert board.get("/").one("h1").text == "Parties", "still signed in"


def test_a_form_of_a_session_that_is_over_leads_to_the_sign_in(app: Flask) -> None:
    board = Board(app)
    token = board.get("/invite").form_token
    board.client.delete_cookie(sessions.COOKIE)
    response = board.client.post("/invite", data={"form_token": token}, headers={"Referer": "http://localhost/invite"})
    assert (response.status_code, response.headers["Location"]) == (303, "/sign-in?next=/invite")


@pytest.mark.parametrize(
    ("referer", "location"),
    [
        ("http://localhost/activity?kind=push", "/sign-in?next=/activity?kind%3Dpush"),
        ("https://proxy.example/parties/NL/TNM", "/sign-in?next=/parties/NL/TNM"),
        ("http://localhost/sign-in?next=/tokens", "/sign-in"),
        ("http://localhost/api/parties", "/sign-in"),
        ("http://localhost/nothing-here", "/sign-in"),
        ("http://localhost//evil.example", "/sign-in"),
        ("http://[", "/sign-in"),
        (None, "/sign-in"),
    ],
)
def test_signing_in_leads_back_to_the_page_of_a_form_and_not_to_what_takes_it(
    app: Flask, referer: str | None, location: str
) -> None:
    response = app.test_client().post("/sign-out", headers={"Referer": referer} if referer else {})
    assert (response.status_code, response.headers["Location"]) == (303, location)
    form = Page(app.test_client().get(location))
    wanted = form.one("input", name="next").attributes["value"]
    assert Board(app).client.get(wanted).status_code in (200, 404)


def test_a_browser_without_cookies_is_told_so(make_app: MakeApp) -> None:
    app = make_app(public_url="https://hub.example")
    token = Page(app.test_client().get("/sign-in", base_url="http://hub.example")).form_token
    fields = {"form_token": token, "password": "operator"}
    response = app.test_client().post("/sign-in", base_url="http://hub.example", data=fields)
    assert response.status_code == 400
    for word in ("cookies", "PUBLIC_URL", "TLS"):
        assert word in Page(response).text


def test_the_sign_in_form_needs_its_token_too(app: Flask) -> None:
    board, other = Board(app, signed_in=False), Board(app, signed_in=False)
    for token in ("", other.get("/sign-in").form_token):
        assert board.client.post("/sign-in", data={"form_token": token, "password": "operator"}).status_code == 400


def test_two_sign_in_forms_side_by_side_both_work(app: Flask) -> None:
    board = Board(app, signed_in=False)
    first, second = board.get("/sign-in").form_token, board.get("/sign-in").form_token
    assert first == second


def test_forms_outlive_a_key_that_is_rotated(app: Flask, make_app: MakeApp) -> None:
    with app.app_context():
        token = sessions.form_token("an id")
    with make_app(secret_key="a-newer-key-of-ours,0123456789abcdef").app_context():
        assert sessions.form_token("an id") != token
        assert sessions.is_form_token("an id", token)
        assert not sessions.is_form_token("another id", token)


@pytest.mark.parametrize("path", ["/nothing-here", "/parties", "/board/nothing-here", "/board/../door.py"])
def test_strangers_learn_nothing_from_a_path_that_is_not_there(make_app: MakeApp, path: str) -> None:
    app = make_app(name="Our secret hub")
    response = app.test_client().get(path)
    assert response.status_code == 404
    page = Page(response)
    assert page.text == "Not Found Not Found There is no such page."
    assert "secret" not in page.source.lower()


def test_the_operator_is_told_in_the_frame(app: Flask) -> None:
    page = Board(app).get("/nothing-here", 404)
    assert page.one("h1").text == "Not Found"
    assert page.link("Activity") == "/activity"


def test_a_method_that_is_not_served_is_a_page_too(app: Flask) -> None:
    response = Board(app).client.delete("/activity")
    assert (response.status_code, Page(response).one("h1").text) == (405, "Method Not Allowed")
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize(
    "path", ["/parties/N%00/TNM", "/activity?party=%00", "/?text=%00", "/view-as?platform=%00", "/tokens/revoke?name=%00"]
)
def test_a_character_that_no_database_takes_is_no_fault_of_ours(app: Flask, path: str) -> None:
    assert Board(app).client.get(path).status_code == 400


@pytest.mark.parametrize("path", ["/invite", "/tokens", "/parties/NL/TNM/suspend"])
def test_nor_in_a_form(app: Flask, path: str) -> None:
    connect(app, ("CPO", "NL", "TNM"))
    fields = {"country_code": "NL", "party_id": "ABC", "role": "CPO", "name": "a\0b"}
    assert Board(app).post(path, **fields).status_code == 400


ODD = [
    "party=%F0%9F%98%80",
    "party=%ff%fe",
    "before=99999999999999999999",
    "before=-1",
    "before=999999999999999999",
    "kind=%E2%82%AC",
]


@pytest.mark.parametrize("page", ["/activity", "/actions", "/", "/availability", "/view-as", "/parties/NL/TNM"])
def test_any_query_is_answered(app: Flask, page: str) -> None:
    connect(app, ("CPO", "NL", "TNM"))
    board = Board(app)
    for query in ODD:
        board.get(f"{page}?{query}&page=1000000000&text=%ff&days=nan&sort=%F0%9F%98%80")


STEERING = ["endpoint=x", "_method=POST", "_external=1", "_anchor=x", "_scheme=ftp", "values=x", "self=x", "name=x"]


@pytest.mark.parametrize("query", STEERING)
@pytest.mark.parametrize(
    "path", ["/?", "/activity?before=1&", "/actions?before=1&", "/availability?", "/parties/NL/000/history?before=1&"]
)
def test_no_parameter_of_a_request_steers_the_links_of_its_page(app: Flask, path: str, query: str) -> None:
    connect_many(app, 60)
    page = Board(app).get(f"{path}{query}")
    links = [each.attributes["href"] for each in page.every("a") if query in each.attributes["href"]]
    assert links, "it is kept from page to page"
    assert all(link.startswith((path.partition("?")[0] + "?", "?")) and "#" not in link for link in links)


def test_other_rooms_answer_errors_in_their_own_way(app: Flask) -> None:
    board = Board(app)
    assert board.client.get("/ocpi/nothing").json is not None
    assert "<nav" not in board.client.get("/api/nothing-here").text


def test_a_fault_of_ours_shows_no_trace_of_it(make_own_app: MakeApp) -> None:
    app = make_own_app()
    app.add_url_rule("/broken", view_func=lambda: str(1 / 0))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    response = Board(app).client.get("/broken")
    assert response.status_code == 500
    assert "division" not in response.text
    assert re.search(r"<h1>Internal Server Error</h1>", response.text)


def test_no_key_is_made_before_somebody_asks(sqlite_template: Path, tmp_path: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "test.sqlite3")
    settings = {"database_url": f"sqlite:///{tmp_path / 'test.sqlite3'}", "operator_password": "operator"}
    app, key = create_app(settings, instance_path=tmp_path), tmp_path / "secret.key"
    assert not key.exists()
    assert Board(app).get("/").one("h1").text == "Parties"
    assert key.exists()
    with app.app_context():
        db.engine.dispose()
