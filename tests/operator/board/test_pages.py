"""What holds for every page of the board: built right, readable by everybody, nothing that runs, nothing unescaped."""

import re
from collections import Counter
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.models import Activity, Known, Platform, Refusal
from hubinfo.operator import actions
from tests.support.apps import MakeApp
from tests.support.board import Board, Page, rename
from tests.support.hub_peer import connect_hub
from tests.support.hubs import connect
from tests.support.live import Hub

EVIL = "<script>alert('1')</script>\"'&amp;"
OF_HUB = [
    "/",
    "/?text=nobody",
    "/?status=OFFLINE&sort=name&order=desc",
    "/parties/NL/TNM",
    "/parties/NL/TNM/probe",
    "/parties/NL/TNM/suspend",
    "/parties/NL/TNM/resume",
    "/parties/NL/TNM/tell-again",
    "/parties/NL/TNM/invite",
    "/parties/NL/TNM/history",
    "/parties/NL/TNM/unregister/FIRST",
    "/parties/DE/PLN",
    "/invite",
    "/view-as",
    "/view-as?platform=FIRST&version=2.3.0",
    "/activity",
    "/activity?party=NL-TNM&kind=push",
    "/actions",
    "/availability",
    "/availability?date_from=2020-01-01&date_to=2030-01-01&party=NL-TNM",
    "/tokens",
    "/tokens/revoke?name=billing",
    "/nothing-here",
]
OF_PARTY = [
    "/known",
    "/known?text=nobody",
    "/known/sync",
    "/known/sync?hub=DE-HUB",
    "/register",
    "/parties/DE/HUB",
    "/parties/DE/HUB/history",
    "/parties/DE/HUB/unregister/DE-HUB",
    "/activity",
    "/invite",
]


def evil_hub(app: Flask) -> Flask:
    """Everything that is stored and may be shown is an attack."""
    first = connect(app, ("CPO", "NL", "TNM"), ("EMSP", "NL", "TNM"))
    connect(app, ("EMSP", "BE", "XYZ"))
    with app.app_context():
        actions.invite("api: " + EVIL, "DE", "PLN", ["CPO"], EVIL)
        actions.make_api_token("command", "billing")
        actions.make_api_token("command", EVIL)
        with write() as session:
            platform = session.get_one(Platform, first)
            platform.name = "FIRST"
            platform.versions_url = f"https://x.example/{EVIL}"
            platform.probe_reason = platform.push_reason = EVIL
            platform.failed_probes = 2
            platform.endpoints = [{"identifier": EVIL, "role": "SENDER", "url": EVIL}]
            infos = platform.client_infos
            session.add(Refusal(platform_id=first, client_info_id=infos[0].id, at=clock.now(), reason=EVIL))
            for kind, told in (("push", "CONNECTED"), ("probe", None)):
                told_of = infos[0].id if told else None
                values = {"at": clock.now(), "platform_id": first, "client_info_id": told_of, "told": told, "reason": EVIL}
                session.add(Activity(kind=kind, outcome="failed", seconds=0.5, **values))
    rename(app, "NL-TNM", EVIL)
    return app


def evil_party(app: Flask) -> Flask:
    connect_hub(app, "DE-HUB")
    with app.app_context(), write() as session:
        hub = session.scalars(select(Platform)).one()
        hub.sync_reason = EVIL
        told = {"country_code": "NL", "party_id": "TNM", "party": "NL-TNM", "status": "CONNECTED"}
        at = {"last_updated": clock.now(), "received_at": clock.now()}
        for role, valid in (("CPO", True), ("EMSP", False)):
            session.add(Known(platform_id=hub.id, role=role, valid=valid, **told, **at))
    rename(app, "DE-HUB", EVIL)
    return app


@pytest.fixture
def board_at(make_app: MakeApp) -> Callable[[str], Page]:
    """A page of a hub or of a party, by its path."""
    boards: dict[bool, Board] = {}

    def get(path: str) -> Page:
        is_party = path in OF_PARTY
        if is_party not in boards:
            roles = {"roles": "CPO,EMSP", "country_code": "NL", "party_id": "OUR"} if is_party else {}
            made = make_app(name=EVIL, **roles)
            boards[is_party] = Board(evil_party(made) if is_party else evil_hub(made))
        return boards[is_party].get(path, 404 if path == "/nothing-here" else 200)

    return get


EVERY = [*OF_HUB, *OF_PARTY, "/sign-in"]


@pytest.mark.parametrize("path", EVERY)
def test_a_page_is_built_right(path: str, board_at: Callable[[str], Page], app: Flask) -> None:
    page = Board(app, signed_in=False).get(path) if path == "/sign-in" else board_at(path)
    assert page.one("h1").text
    assert page.every("title")[0].text
    assert page.one("html").attributes["lang"] == "en"
    assert page.one("main").id == "main"
    ids = Counter(each.id for each in page.all if each.id)
    assert [name for name, count in ids.items() if count > 1] == []
    labels = {each.attributes["for"] for each in page.every("label")}
    fields = [each for tag in ("input", "select", "textarea") for each in page.every(tag)]
    for each in fields:
        assert each.attributes.get("type") == "hidden" or "hidden" in each.attributes or each.id in labels, each
    for each in page.all:
        described = each.attributes.get("aria-describedby", "") + " " + each.attributes.get("aria-labelledby", "")
        assert set(described.split()) <= set(ids), each
    assert all(each.attributes.get("scope") in ("col", "row") for each in page.every("th"))
    assert all(each.text for each in [*page.every("a"), *page.every("button"), *page.every("th")])
    assert len(page.every("caption")) == len(page.every("table"))


@pytest.mark.parametrize("path", EVERY)
def test_nothing_in_a_page_runs_or_is_unescaped(path: str, board_at: Callable[[str], Page], app: Flask) -> None:
    page = Board(app, signed_in=False).get(path) if path == "/sign-in" else board_at(path)
    assert all(each.text == "" and each.attributes["src"].startswith("/board/") for each in page.every("script"))
    assert page.every("style") == []
    for each in page.all:
        assert "style" not in each.attributes, each
        assert not [name for name in each.attributes if name.startswith("on")], each
    outside = [each.attributes[name] for each in page.all for name in ("src", "href", "action") if name in each.attributes]
    assert [url for url in outside if re.match(r"[a-z]+:|//", url) and not url.startswith("mailto:")] == []
    assert "alert('1')</script>" not in page.source
    if path != "/sign-in":
        assert EVIL in page.every("title")[0].text


def test_what_others_send_is_shown_as_they_sent_it(board_at: Callable[[str], Page]) -> None:
    assert board_at("/parties/NL/TNM").text.count(EVIL) > 5
    assert EVIL in board_at("/").column("Name")


def test_tokens_are_in_no_page(hub: Hub) -> None:
    token = hub.invite("NL", "TNM", "CPO")
    board = Board(hub.app)
    made = Page(board.post("/tokens", name="billing")).one("dd", id="token").text
    with hub.app.app_context():
        hashes = [text for text in db.session.scalars(select(Platform.token_hash)) if text]
    for path in ("/", "/parties/NL/TNM", "/tokens", "/actions", "/activity", "/view-as?platform=NL-TNM"):
        source = board.get(path).source
        assert not [secret for secret in (token, made, *hashes) if secret in source], path


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ("HUB", ["Parties", "Activity", "Availability", "View as", "Invite", "API tokens"]),
        ("CPO", ["Hubs", "Activity", "Availability", "Invite", "API tokens"]),
        ("HUB,CPO", ["Parties", "Hubs", "Activity", "Availability", "View as", "Invite", "API tokens"]),
    ],
)
def test_the_navigation_shows_what_fits_the_roles(make_app: MakeApp, roles: str, expected: list[str]) -> None:
    page = Board(make_app(roles=roles, name="Voltaire", country_code="NL", party_id="VLT")).get("/activity")
    assert [each.text for each in page.every("a") if (each.id or "").startswith("to-")] == expected
    [here] = [
        each for each in page.every("a") if each.attributes.get("aria-current") == "page" and (each.id or "").startswith("to-")
    ]
    assert here.text == "Activity"
    assert page.every("p", class_="who")[0].text == f"Voltaire NL-VLT {roles.replace(',', ', ')}"


def test_pages_of_the_other_side_are_not_there(make_app: MakeApp) -> None:
    Board(make_app()).get("/known", 404)
    party = Board(make_app(roles="CPO"))
    party.get("/view-as", 404)
    assert party.client.get("/").headers["Location"] == "/known"
