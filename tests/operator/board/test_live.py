"""What stays fresh: sent once, and again only when it has changed."""

import re

import pytest
from flask import Flask
from sqlalchemy import update

from hubinfo import clock
from hubinfo.database import write
from hubinfo.models import Activity, Known, Platform
from hubinfo.operator.board import words
from tests.support.board import Board, Page, suspend_in_secret
from tests.support.hubs import connect
from tests.support.live import Hub
from tests.support.statements import counted

LIVE = ["/", "/?status=CONNECTED&text=tnm", "/parties/NL/TNM", "/activity", "/activity?party=NL-TNM", "/actions"]


def live_part(page: Page) -> tuple[str, str]:
    """Where the live part asks, and the mark that it has."""
    part = page.one("div", id="live")
    assert part.attributes["hx-trigger"] == "every 1s"
    assert part.attributes["hx-swap"] == "outerHTML"
    [mark] = re.findall(r'{"If-None-Match": "\\"(\w+)\\""}', part.attributes["hx-headers"])
    return part.attributes["hx-get"], f'"{mark}"'


@pytest.mark.parametrize("path", LIVE)
def test_what_has_not_changed_is_not_sent_again(hub: Hub, path: str) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    board = Board(hub.app)
    for _ in range(3):  # a minute, or a quarter of it, may pass between two requests
        url, mark = live_part(board.get(path))
        with counted(hub.app) as statements:
            response = board.client.get(url, headers={"If-None-Match": mark})
        if response.status_code == 304:
            break
    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == mark
    assert len(statements) <= 3, "asked every second by everybody who looks"


@pytest.mark.parametrize("path", LIVE)
def test_what_has_changed_is_sent_once(hub: Hub, path: str) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    board = Board(hub.app)
    url, mark = live_part(board.get(path))
    suspend_in_secret(hub.app, "NL-TNM")
    if "activity" in path:
        note_a_probe(hub.app)
    response = board.client.get(url, headers={"If-None-Match": mark})
    assert response.status_code == 200
    part = Page(response)
    assert len(part.every("div", id="live")) == 1
    assert part.every("main") == part.every("h1") == part.every("html") == []
    next_url, next_mark = live_part(part)
    assert next_url == url
    assert next_mark == response.headers["ETag"] != mark


def note_a_probe(app: Flask) -> None:
    with app.app_context(), write() as session:
        [platform_id] = session.scalars(update(Platform).values(failed_probes=1).returning(Platform.id))
        session.add(Activity(at=clock.now(), kind="probe", platform_id=platform_id, outcome="ok", seconds=0.1))


def test_the_part_is_what_the_page_has(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    board = Board(hub.app)
    for _ in range(3):
        page = board.get("/")
        url, mark = live_part(page)
        part = Page(board.client.get(url))
        if live_part(part)[1] == mark:
            break
    assert without_instants(part) in without_instants(page)


def without_instants(page: Page) -> str:
    """Bars end at the moment they are drawn."""
    return re.sub(r"[\d.:T-]+Z|[\d.]+", "", page.source).strip()


def test_links_in_the_part_lead_to_pages_not_to_parts(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    board = Board(hub.app)
    part = Page(board.client.get("/?sort=name&live=1"))
    assert [each.attributes["href"] for each in part.every("a") if "live" in each.attributes["href"]] == []
    assert part.link("Status") == "/?sort=status"


def test_another_filter_is_another_mark(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    board = Board(hub.app)
    _, mark = live_part(board.get("/?status=OFFLINE"))
    response = board.client.get("/?live=1", headers={"If-None-Match": mark})
    assert response.status_code == 200


def test_counts_are_there_to_be_read_out(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    page = Board(hub.app).get("/")
    assert page.one("p", class_="unseen", **{"data-summary": ""}).text == "1 CONNECTED, 0 OFFLINE, 0 PLANNED, 0 SUSPENDED"
    assert page.one("p", id="announced").attributes["role"] == "status"


def test_what_hubs_tell_is_live_too(party: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    minute = words.this_minute()
    monkeypatch.setattr(words, "this_minute", lambda: minute)  # the next one would be another page
    board = Board(party.app)
    url, mark = live_part(board.get("/known"))
    assert board.client.get(url, headers={"If-None-Match": mark}).status_code == 304
    with party.app.app_context(), write() as session:
        [hub_id] = session.scalars(update(Platform).values(failed_syncs=0).returning(Platform.id))
        at = {"last_updated": clock.now(), "received_at": clock.now()}
        session.add(
            Known(platform_id=hub_id, country_code="NL", party_id="TNM", party="NL-TNM", role="CPO", status="OFFLINE", **at)
        )
    response = board.client.get(url, headers={"If-None-Match": mark})
    assert (response.status_code, Page(response).column("Party")) == (200, ["NL-TNM"])
    _, mark = live_part(Page(response))
    with party.app.app_context(), write() as session:
        session.execute(update(Platform).values(status="OFFLINE"))
    assert board.client.get(url, headers={"If-None-Match": mark}).status_code == 200


def test_pages_that_nothing_changes_do_not_ask(hub: Hub) -> None:
    board = Board(hub.app)
    for path in ("/invite", "/availability", "/tokens", "/view-as"):
        assert "hx-get" not in board.get(path).source
