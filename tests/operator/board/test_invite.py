"""Inviting from the board."""

from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from hubinfo.database import write
from hubinfo.models import Platform
from hubinfo.ocpi.dialect import ROLES
from hubinfo.platforms import handshake
from tests.support.apps import MakeApp
from tests.support.board import Board, Page, actions, statuses, suspend_in_secret
from tests.support.hubs import connect
from tests.support.live import Hub

GOOD: dict[str, Any] = {"country_code": "NL", "party_id": "TNM", "role": ["CPO", "EMSP"], "name": "Zonnestroom & Co"}


def test_the_token_is_shown_once_with_what_to_send(hub: Hub) -> None:
    board = Board(hub.app)
    response = board.post("/invite", **GOOD)
    page = Page(response)
    assert (response.status_code, page.one("h1").text) == (200, "NL-TNM is invited")
    assert response.headers["Cache-Control"] == "no-store"
    token, url = page.one("dd", id="token").text, page.one("dd", id="versions-url").text
    assert hub.call("GET", "/ocpi/versions", token).status_code == 200
    letter = page.one("textarea", id="letter")
    assert "readonly" in letter.attributes
    assert token in letter.text
    assert url in letter.text
    assert "Invited roles: CPO, EMSP" in letter.text
    assert statuses(hub.app) == {"NL-TNM CPO": "PLANNED", "NL-TNM EMSP": "PLANNED"}
    assert actions(hub.app) == [("board", "invite", "NL-TNM")]
    assert board.get("/").column("Name") == ["Zonnestroom & Co"] * 2
    assert token not in board.get("/parties/NL/TNM").source


def test_a_link_never_has_the_token(make_app: MakeApp) -> None:
    page = Page(Board(make_app(name="Hub & Söhne?")).post("/invite", **GOOD))
    token = page.one("dd", id="token").text
    links = [each.attributes["href"] for each in page.every("a")]
    assert not [link for link in links if token in link]
    [mail] = [link for link in links if link.startswith("mailto:")]
    assert unquote(mail) == "mailto:?subject=Hub & Söhne?: connecting NL-TNM by OCPI"
    assert mail.isascii()
    assert "&" not in mail.partition("=")[2]


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"country_code": "N1"}, "country_code", "Two letters, e.g. NL."),
        ({"country_code": ""}, "country_code", "Two letters, e.g. NL."),
        ({"party_id": "T-M"}, "party_id", "One to three letters or digits, e.g. TNM."),
        ({"party_id": "TNMX"}, "party_id", "One to three letters or digits, e.g. TNM."),
        ({"name": "x" * 101}, "name", "At most 100 characters."),
        ({"name": "a\x1b[31mb"}, "name", "Only characters that can be seen: no line ends or control characters."),
        ({"name": "a\x85b"}, "name", "Only characters that can be seen: no line ends or control characters."),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(hub: Hub, given: dict[str, str], field: str, message: str) -> None:
    response = Board(hub.app).post("/invite", **(GOOD | given))
    page = Page(response)
    assert response.status_code == 422
    assert page.alert.startswith("Nothing was done yet")
    wrong = page.one("input", id=field)
    assert wrong.attributes["aria-invalid"] == "true"
    described = wrong.attributes["aria-describedby"].split()
    assert message in [each.text for each in page.every("p") if each.id in described]
    assert [each.id for each in page.every("input") if "aria-invalid" in each.attributes] == [field]
    kept = {**GOOD, **given}
    for name in ("country_code", "party_id", "name"):
        assert page.one("input", id=name).attributes["value"] == kept[name]
    assert [each.attributes["value"] for each in page.every("input", type="checkbox") if "checked" in each.attributes] == GOOD[
        "role"
    ]
    assert (statuses(hub.app), actions(hub.app)) == ({}, [])


@pytest.mark.parametrize("roles", [[], ["KING"]])
def test_no_role(hub: Hub, roles: list[str]) -> None:
    page = Page(Board(hub.app).post("/invite", **(GOOD | {"role": roles})))
    assert page.one("fieldset").attributes["aria-describedby"] == "roles-wrong"
    assert page.one("p", id="roles-wrong").text == "Pick at least one role."
    assert statuses(hub.app) == {}


def test_every_role_can_be_picked(hub: Hub) -> None:
    page = Board(hub.app).get("/invite")
    assert [each.attributes["value"] for each in page.every("input", type="checkbox")] == list(ROLES)


def test_who_is_connected_cannot_be_invited(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    response = Board(hub.app).post("/invite", **GOOD)
    assert response.status_code == 409
    assert "NL-TNM is connected already" in Page(response).alert
    assert Page(response).one("input", id="name").attributes["value"] == GOOD["name"]


def test_looking_at_the_form_invites_nobody(hub: Hub) -> None:
    Board(hub.app).get("/invite?country_code=NL&party_id=TNM&role=CPO")
    assert statuses(hub.app) == {}


def test_a_name_of_two_lines_is_refused(hub: Hub) -> None:
    page = Page(Board(hub.app).post("/invite", **(GOOD | {"name": "a\nb"})))
    assert page.one("p", id="name-wrong").text.startswith("Only characters that can be seen")
    assert statuses(hub.app) == {}


def test_a_refusal_that_names_a_command_leads_to_its_page(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    suspend_in_secret(hub.app, "NL-TNM")
    with hub.app.app_context(), write() as session:
        handshake.forget(session.scalars(select(Platform)).one())
    page = Page(Board(hub.app).post("/invite", **GOOD))
    assert "flask hubinfo resume NL TNM" in page.alert
    assert page.link("Resume NL-TNM") == "/parties/NL/TNM/resume"
