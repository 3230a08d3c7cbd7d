"""Signing in on the board, and out; what keeps others from it."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from hubinfo.operator import guesses
from hubinfo.operator.board import sessions
from tests.support.apps import MakeApp
from tests.support.board import PASSWORD, Board, Page

OTHERS = ["//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "evil", "/a\nb", ""]


def cookies(response: TestResponse) -> dict[str, str]:
    """The Set-Cookie lines by name."""
    lines = response.headers.getlist("Set-Cookie")
    return {line.partition("=")[0]: line for line in lines}


def test_without_signing_in_every_page_leads_to_the_form(app: Flask) -> None:
    stranger = Board(app, signed_in=False)
    pages = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("board.")
        and "GET" in (rule.methods or ())
        and rule.endpoint not in ("board.sign_in", "board.static")
    ]
    assert len(pages) > 12
    for rule in pages:
        path = rule.rule.replace("<country_code>", "NL").replace("<party_id>", "TNM").replace("<step>", "probe")
        response = stranger.client.get(path)
        assert (response.status_code, response.headers["Location"].partition("?")[0]) == (303, "/sign-in"), path


def test_the_right_password_leads_where_one_wanted_to_go(app: Flask) -> None:
    board = Board(app, signed_in=False)
    wanted = board.client.get("/?status=OFFLINE&text=a+b").headers["Location"]
    form = board.get(wanted)
    [next_field] = form.every("input", name="next")
    response = board.sign_in(next=next_field.attributes["value"])
    assert (response.status_code, response.headers["Location"]) == (303, "/?status=OFFLINE&text=a+b")
    assert board.get("/").one("h1").text == "Parties"


@pytest.mark.parametrize("wanted", OTHERS)
def test_it_never_leads_to_another_site(app: Flask, wanted: str) -> None:
    board = Board(app, signed_in=False)
    assert board.sign_in(next=wanted).headers["Location"] == "/"
    assert board.client.get("/sign-in", query_string={"next": wanted}).headers["Location"] == "/"


@pytest.mark.parametrize(("public_url", "is_secure"), [("http://hub.example", False), ("https://hub.example", True)])
def test_the_cookie_is_kept_from_scripts_and_from_other_sites(make_app: MakeApp, public_url: str, is_secure: bool) -> None:
    board = Board(make_app(public_url=public_url), signed_in=False)
    form = board.client.get("/sign-in", base_url=public_url)
    fields = {"form_token": Page(form).form_token, "password": PASSWORD}
    cookie = cookies(board.client.post("/sign-in", base_url=public_url, data=fields))[sessions.COOKIE]
    parts = {part.strip() for part in cookie.split(";")[1:]}
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"} <= parts
    assert ("Secure" in parts) is is_secure
    assert not any(part.startswith("Domain") for part in parts)


def test_a_wrong_password_is_said_and_opens_nothing(app: Flask) -> None:
    board = Board(app, signed_in=False)
    response = board.sign_in("wrong", next="/activity")
    page = Page(response)
    assert (response.status_code, page.alert) == (403, "That is not the operator's password.")
    assert page.one("input", name="next").attributes["value"] == "/activity"
    assert page.one("input", id="password").attributes["aria-describedby"] == "message"
    assert "wrong" not in [each.attributes.get("value") for each in page.every("input")]
    assert sessions.COOKIE not in cookies(response)
    assert board.client.get("/").status_code == 303


@pytest.mark.parametrize("password", ["", "operator ", "Operator", "o\u0308perator", "x" * 5000])
def test_only_the_password_itself_is_right(app: Flask, password: str) -> None:
    assert Board(app, signed_in=False).sign_in(password).status_code == 403


def test_guessing_is_slowed_down_also_for_the_right_password(app: Flask) -> None:
    board = Board(app, signed_in=False)
    assert [board.sign_in("wrong").status_code for _ in range(5)] == [403] * 5
    response = board.sign_in()
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 4
    assert "Try again in" in Page(response).alert
    guesses.of(app).forget()
    assert board.sign_in().status_code == 303


def test_who_is_signed_in_does_not_notice_the_guessing_of_others(app: Flask) -> None:
    board, other = Board(app), Board(app, signed_in=False)
    for _ in range(6):
        other.sign_in("wrong")
    assert board.get("/").one("h1").text == "Parties"


def test_guessing_does_not_lock_out_a_browser_that_knew_the_password(app: Flask) -> None:
    board, other = Board(app), Board(app, signed_in=False)
    board.do("/sign-out", form="/")
    for _ in range(6):
        other.sign_in("wrong")
    assert other.sign_in().status_code == 429
    assert board.client.get("/").status_code == 303, "being known opens nothing"
    assert [board.sign_in("wrong").status_code for _ in range(6)] == [403] * 5 + [429], "nor may it guess on and on"
    guesses.of(app, known=True).forget()
    assert board.sign_in().status_code == 303


def test_signing_out_takes_a_form_and_ends_it(app: Flask) -> None:
    board = Board(app)
    assert board.client.get("/sign-out").status_code == 405
    said = board.do("/sign-out", form="/").said
    assert said == "You are signed out in this browser. To end every session everywhere, change the operator's password."
    assert board.client.get("/").status_code == 303
    assert board.get("/sign-in").said is None, "said once"


def test_whoever_is_signed_in_need_not_see_the_form(app: Flask) -> None:
    response = Board(app).client.get("/sign-in?next=/activity")
    assert (response.status_code, response.headers["Location"]) == (302, "/activity")


def carried_over(board: Board, app: Flask) -> int:
    """What `/` answers on another app to this browser."""
    cookie = board.client.get_cookie(sessions.COOKIE)
    assert cookie is not None
    other = app.test_client()
    other.set_cookie(cookie.key, cookie.value)
    return other.get("/").status_code


def test_another_password_signs_everybody_out(app: Flask, make_app: MakeApp) -> None:
    board = Board(app)
    assert carried_over(board, make_app()) == 200
    assert carried_over(board, make_app(operator_password="another")) == 303


def test_a_session_outlives_a_key_that_is_rotated_but_not_one_that_is_gone(app: Flask, make_app: MakeApp) -> None:
    board = Board(app)
    assert carried_over(board, make_app(secret_key="a-newer-key-of-ours,0123456789abcdef")) == 200
    assert carried_over(board, make_app(secret_key="a-newer-key-of-ours")) == 303


def test_a_session_ends_after_its_time(app: Flask) -> None:
    with app.app_context():
        text = sessions.signed("session", "an id")
        assert sessions.unsigned("session", text, sessions.LIFETIME_SECONDS) == "an id"
        assert sessions.unsigned("session", text, -1) is None


def test_what_is_signed_for_one_purpose_is_no_session(app: Flask) -> None:
    with app.app_context():
        text = sessions.signed("said", "an id")
    client = app.test_client()
    for value in (text, "", "x.y.z", text + "x"):
        client.set_cookie(sessions.COOKIE, value)
        assert client.get("/").status_code == 303


def test_the_part_that_refreshes_itself_reloads_the_page_once_the_session_is_over(app: Flask) -> None:
    response = app.test_client().get("/?live=1")
    assert (response.status_code, response.headers["HX-Refresh"], response.data) == (401, "true", b"")
