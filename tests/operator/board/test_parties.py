"""The table of parties: counts, filters, order, pages."""

import pytest
from flask import Flask
from sqlalchemy import update

from hubinfo import clock
from hubinfo.database import write
from hubinfo.models import Platform
from tests.support.board import Board, Element, connect_many, rename, suspend_in_secret
from tests.support.hubs import connect
from tests.support.live import Hub
from tests.support.statements import counted


@pytest.fixture
def four(hub: Hub) -> Board:
    """Three that are connected, of which one is suspended, and one that is planned."""
    connect(hub.app, ("CPO", "NL", "TNM"))
    connect(hub.app, ("EMSP", "DE", "ABC"), ("CPO", "DE", "ABC"))
    connect(hub.app, ("EMSP", "BE", "XYZ"), receiver=False, version="2.3.0")
    hub.invite("FR", "PLN", "EMSP")
    rename(hub.app, "NL-TNM", "Zonnestroom & Co")
    suspend_in_secret(hub.app, "BE-XYZ")
    return Board(hub.app)


def counts(page_of: Board, path: str = "/") -> list[str]:
    return [each.text for each in page_of.get(path).every("a", class_="count")]


def test_a_row_tells_all_there_is_to_see_at_a_glance(four: Board) -> None:
    page = four.get("/?text=zonne")
    [row] = page.rows
    assert row[:4] == ["NL-TNM", "Zonnestroom & Co", "CPO", "CONNECTED"]
    assert row[4:6] == ["just now", "just now"]
    assert row[8].startswith("P")
    assert row[9] == "2.2.1"
    assert row[10] == "4", "the two of DE-ABC, BE-XYZ and FR-PLN"
    [drawn] = page.every("td", class_="bar")
    assert "24 hours" in drawn.text
    assert page.link("NL-TNM") == "/parties/NL/TNM"


def test_a_suspended_party_says_why(four: Board) -> None:
    assert four.get("/?status=SUSPENDED").column("Status") == ["SUSPENDED by an operator".replace(" by", "by")]


def test_who_cannot_be_told_has_no_receiver(four: Board) -> None:
    assert four.get("/?text=BE-XYZ").column("Behind") == ["no receiver"]


def test_counts_are_links_that_filter_and_take_it_back(four: Board) -> None:
    page = four.get("/")
    assert counts(four) == ["3 CONNECTED", "0 OFFLINE", "1 PLANNED", "1 SUSPENDED"]
    filtered = four.get(page.link("1 PLANNED"))
    assert filtered.column("Party") == ["FR-PLN"]
    assert filtered.one("a", id="count-planned").attributes["aria-current"] == "true"
    assert filtered.link("1 PLANNED") == "/"
    assert counts(four, "/?status=PLANNED") == counts(four), "of all, whatever is shown"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["BE-XYZ", "DE-ABC", "DE-ABC", "FR-PLN", "NL-TNM"]),
        ("?text=%20abc%20", ["DE-ABC", "DE-ABC"]),
        ("?text=ZONNESTROOM+%26", ["NL-TNM"]),
        ("?status=CONNECTED&role=CPO", ["DE-ABC", "NL-TNM"]),
        ("?country=DE&role=EMSP", ["DE-ABC"]),
        ("?status=&role=&country=&text=", ["BE-XYZ", "DE-ABC", "DE-ABC", "FR-PLN", "NL-TNM"]),
        ("?status=NONSENSE&sort=nonsense&order=nonsense&page=nonsense", ["BE-XYZ", "DE-ABC", "DE-ABC", "FR-PLN", "NL-TNM"]),
    ],
)
def test_filters(four: Board, query: str, expected: list[str]) -> None:
    assert four.get(f"/{query}").column("Party") == expected


def test_a_filter_keeps_what_was_filled_in(four: Board) -> None:
    page = four.get("/?text=zonne&status=CONNECTED&sort=name&order=desc")
    assert page.one("input", id="text").attributes["value"] == "zonne"
    selected = [each.text for each in page.every("option") if "selected" in each.attributes]
    assert selected == ["CONNECTED", "Name"]
    assert page.one("input", name="order").attributes["value"] == "desc"
    assert page.link("Show all") == "/?sort=name&order=desc"


def test_nobody_like_that(four: Board) -> None:
    page = four.get("/?text=nobody")
    assert page.rows == []
    assert "No party is like that." in page.text


def test_the_first_step_when_there_is_nobody(hub: Hub) -> None:
    page = Board(hub.app).get("/")
    assert "Invite your first party" in [each.text for each in page.every("h2")]
    assert page.link("Invite a party") == "/invite"


def test_headings_sort_and_turn_round(four: Board) -> None:
    page = four.get("/?role=EMSP")
    assert page.column("Party") == ["BE-XYZ", "DE-ABC", "FR-PLN"]
    assert sorted_by(page.all) == {"Party ▲": "ascending"}
    page = four.get(page.link("Party ▲"))
    assert page.column("Party") == ["FR-PLN", "DE-ABC", "BE-XYZ"]
    assert sorted_by(page.all) == {"Party ▼": "descending"}
    page = four.get(page.link("Status"))
    assert page.column("Status")[0] == "CONNECTED"
    assert sorted_by(page.all) == {"Status ▲": "ascending"}


def sorted_by(elements: list[Element]) -> dict[str, str]:
    found = [each for each in elements if "aria-sort" in each.attributes]
    return {each.text: each.attributes["aria-sort"] for each in found}


def test_every_heading_can_be_sorted_by(four: Board) -> None:
    page = four.get("/")
    links = [each.attributes["href"] for each in page.every("a") if (each.id or "").startswith("sort-")]
    assert len(links) == 11
    for href in links:
        assert len(four.get(href).rows) == 5


def test_a_long_list_comes_in_pages(hub: Hub) -> None:
    connect_many(hub.app, 120)
    board = Board(hub.app)
    page = board.get("/?sort=party")
    assert (page.column("Party")[0], len(page.rows)) == ("NL-000", 50)
    assert "1–50 of 120 parties and roles" in page.text  # noqa: RUF001
    page = board.get(board.get(page.link("On →")).link("On →"))
    assert (page.column("Party")[0], len(page.rows)) == ("NL-02S", 20)
    assert "101–120 of 120 parties and roles" in page.text  # noqa: RUF001
    assert [each.text for each in page.every("a") if each.text == "On →"] == []
    assert len(board.get(page.link("← Back")).rows) == 50
    assert board.get("/?page=999").column("Party") == page.column("Party")
    assert board.get("/?page=0").column("Party")[0] == "NL-000"
    assert "page" not in board.get("/?page=3").link("Status"), "sorted anew from the first page on"


def test_no_query_for_each_row(app: Flask) -> None:
    connect_many(app, 5)
    board = Board(app)
    with counted(app) as few:
        board.get("/")
    connect_many_more(app)
    with counted(app) as many:
        board.get("/")
    assert len(many) == len(few)


def connect_many_more(app: Flask) -> None:
    for number in range(40):
        connect(app, ("CPO", "DE", f"{number:03}"))


def test_two_thousand_rows_are_one_page(app: Flask) -> None:
    """How long that takes is in bench/board.py."""
    connect_many(app, 2000)
    assert "of 2000 parties and roles" in Board(app).get("/?sort=availability_30d").text


def test_times_are_for_people_and_programs(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    with hub.app.app_context(), write() as session:
        session.execute(update(Platform).values(last_heard_at=clock.parse("2020-02-03T04:05:06Z")))
    [time_element] = [each for each in Board(hub.app).get("/").every("time") if each.attributes["datetime"].startswith("2020")]
    assert time_element.attributes == {"datetime": "2020-02-03T04:05:06.000Z", "title": "3 Feb 2020 04:05:06 UTC"}
    assert time_element.text.endswith(" d ago")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=planned", ["FR-PLN"]),
        ("role=cpo", ["DE-ABC", "NL-TNM"]),
        ("country=fr", ["FR-PLN"]),
        ("status=Suspended", ["BE-XYZ"]),
    ],
)
def test_filters_take_any_case_and_show_what_they_took(four: Board, query: str, expected: list[str]) -> None:
    page = four.get(f"/?{query}")
    assert page.column("Party") == expected
    picked = [each.text for each in page.every("option") if "selected" in each.attributes]
    assert query.partition("=")[2].upper() in picked
