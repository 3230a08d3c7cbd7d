"""Availability over any period: the page, the file, the picture."""

import csv
import io
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import delete, select

from hubinfo import clock
from hubinfo.database import write
from hubinfo.models import ClientInfo, History
from tests.support.apps import MakeApp
from tests.support.board import Board
from tests.support.hub_peer import connect_hub
from tests.support.hubs import connect
from tests.support.live import Hub

SVG = "{http://www.w3.org/2000/svg}"


def lived(app: Flask, party: str, *lives: tuple[float, str]) -> None:
    """Give a party a past: (how many days ago it became, what)."""
    now, ends = clock.now(), [days for days, _ in lives[1:]] + [0]
    with app.app_context(), write() as session:
        row = session.scalars(select(ClientInfo).where(ClientInfo.party == party)).one()
        session.execute(delete(History).where(History.client_info_id == row.id))
        totals = {"up_ms": 0, "down_ms": 0, "changes": 1}
        for (days, status), end in zip(lives, ends, strict=True):
            at = now - timedelta(days=days)
            session.add(History(client_info_id=row.id, at=at, event="heard", status=status, **totals))
            row.status, row.status_since, row.last_updated = status, at, at
            row.up_ms, row.down_ms, row.changes = totals["up_ms"], totals["down_ms"], totals["changes"]
            lasted = {"CONNECTED": "up_ms", "OFFLINE": "down_ms"}.get(status)
            totals |= {"changes": totals["changes"] + 1}
            if lasted:
                totals[lasted] += round((days - end) * 86_400_000)


@pytest.fixture
def board(hub: Hub) -> Board:
    """NL-TNM was offline from four to two days ago; BE-XYZ has been connected for 40 days but for the time it was suspended."""
    connect(hub.app, ("CPO", "NL", "TNM"))
    connect(hub.app, ("EMSP", "BE", "XYZ"))
    lived(hub.app, "NL-TNM", (40, "CONNECTED"), (4, "OFFLINE"), (2, "CONNECTED"))
    lived(hub.app, "BE-XYZ", (40, "CONNECTED"), (3, "SUSPENDED"), (1, "CONNECTED"))
    return Board(hub.app)


def shares(board: Board, query: str = "") -> dict[str, str]:
    page = board.get(f"/availability{query}")
    return dict(zip(page.column("Party"), page.column("Availability"), strict=True))


@pytest.mark.parametrize(
    ("query", "tnm", "xyz"),
    [
        ("", "93.33 %", "100 %"),
        ("?days=", "93.33 %", "100 %"),
        ("?days=1", "100 %", "100 %"),
        ("?days=7", "71.42 %", "100 %"),
        ("?days=nonsense", "93.33 %", "100 %"),
    ],
)
def test_the_share_of_a_period(board: Board, query: str, tnm: str, xyz: str) -> None:
    assert shares(board, query) == {"BE-XYZ": xyz, "NL-TNM": tnm}


def test_of_all_together(board: Board) -> None:
    page = board.get("/availability?days=7")
    values = dict(zip([each.text for each in page.every("dt")], [each.text for each in page.every("dd")], strict=True))
    assert values == {"All parties together": "83.33 %", "CONNECTED": "10 d", "OFFLINE": "2 d"}


def test_one_party(board: Board) -> None:
    assert list(shares(board, "?party=nl-tnm")) == ["NL-TNM"]
    assert "No party is like that." in board.get("/availability?party=XX-NON").text


def day(days_ago: int) -> str:
    return (clock.now() - timedelta(days=days_ago)).strftime("%Y-%m-%d")


def test_days_are_whole_and_the_last_one_counts(board: Board) -> None:
    page = board.get(f"/availability?date_from={day(3)}&date_to={day(3)}&days=1")
    [heading] = [each.text for each in page.every("h2")]
    assert heading.count("00:00:00 UTC") == 2
    assert shares(board, f"?date_from={day(3)}&date_to={day(3)}")["NL-TNM"] == "0 %"
    assert page.one("input", id="date_from").attributes["value"] == day(3)


@pytest.mark.parametrize(
    "query", ["date_from=nonsense", "date_to=2026-13-01", "date_from=2020-02-02&date_to=2020-01-01", "date_from=9999-01-01"]
)
def test_a_period_that_is_none(board: Board, query: str) -> None:
    page = board.get(f"/availability?{query}", 422)
    assert page.alert
    assert page.rows == []
    for path in ("/availability.csv", "/availability/NL/TNM.svg"):
        board.get(f"{path}?{query}", 400)


def test_as_a_file(board: Board) -> None:
    link = board.get("/availability?days=7&party=NL-TNM").link("All of it as CSV")
    response = board.client.get(link)
    assert response.mimetype == "text/csv"
    assert response.headers["Content-Disposition"] == "attachment; filename=availability.csv"
    [row] = csv.DictReader(io.StringIO(response.text))
    assert (row["country_code"], row["party_id"], row["changes"]) == ("NL", "TNM", "2")
    assert float(row["availability"]) == pytest.approx(5 / 7, abs=1e-6)


def test_as_a_picture_that_stands_alone(board: Board) -> None:
    page = board.get("/availability?days=7&party=NL-TNM")
    [link] = [each.attributes["href"] for each in page.every("a") if each.text == "SVG"]
    response = board.client.get(link)
    assert response.mimetype == "image/svg+xml"
    root = ElementTree.fromstring(response.data)
    assert root.tag == f"{SVG}svg"
    text = root.findtext(f"{SVG}title") or ""
    assert text.startswith("NL-TNM CPO: ")
    [drawn] = [
        each for each in root.iter(f"{SVG}svg") if (each.findtext(f"{SVG}title") or "").startswith("NL-TNM CPO: OFFLINE once")
    ]
    bars = [each for each in drawn.iter(f"{SVG}rect") if "fill" in each.attrib]
    assert [(each.findtext(f"{SVG}title") or "").split()[0] for each in bars] == ["CONNECTED", "OFFLINE", "CONNECTED"]
    widths = [float(each.attrib["width"]) for each in bars]
    assert widths == pytest.approx([1000 * 3 / 7, 1000 * 2 / 7, 1000 * 2 / 7], rel=0.01)
    assert not [each for each in root.iter() if "style" in each.attrib]


def test_many_rows_come_in_pages_and_in_few_queries(hub: Hub) -> None:
    for number in range(60):
        connect(hub.app, ("CPO", "NL", f"{number:03}"))
    page = Board(hub.app).get("/availability")
    assert len(page.rows) == 50
    assert page.link("On →") == "/availability?page=2"


def test_the_period_is_kept_from_page_to_page(hub: Hub) -> None:
    for number in range(60):
        connect(hub.app, ("CPO", "NL", f"{number:03}"))
    board = Board(hub.app)
    page = board.get(board.get("/availability?days=7").link("On →"))
    assert len(page.rows) == 10
    selected = [each.text for each in page.every("option") if "selected" in each.attributes]
    assert selected == ["the last 7 days"]


def test_days_of_other_years_say_the_year(board: Board) -> None:
    [heading] = [each.text for each in board.get("/availability?date_from=2020-01-01&date_to=2020-01-31").every("h2")]
    assert heading == "1 Jan 2020 00:00:00 UTC – 1 Feb 2020 00:00:00 UTC"  # noqa: RUF001


def test_the_last_day_there_is(board: Board) -> None:
    message = "9999-12-31 is the last day there is, and a period ends with the day after"
    assert board.get("/availability?date_to=9999-12-31", 422).alert == message
    for path in ("/availability.csv", "/availability.svg", "/availability/NL/TNM.svg"):
        assert message in board.get(f"{path}?date_to=9999-12-31", 400).text


def test_the_last_line_of_the_file_is_the_hub_as_a_whole(board: Board) -> None:
    *parties, whole = csv.DictReader(io.StringIO(board.client.get("/availability.csv?days=7").text))
    assert [row["role"] for row in parties] == ["EMSP", "CPO"]
    assert (whole["country_code"], whole["party_id"], whole["role"], whole["platform"], whole["status"]) == (
        "XX",
        "HUB",
        "HUB",
        "",
        "",
    )
    assert float(whole["availability"]) == pytest.approx(10 / 12, abs=1e-6)
    for name in ("connected_seconds", "offline_seconds", "changes"):
        assert float(whole[name]) == pytest.approx(sum(float(row[name]) for row in parties)), name


def test_who_is_no_hub_has_no_line_of_one(make_app: MakeApp) -> None:
    app = make_app(roles="CPO", country_code="NL", party_id="OUR")
    connect_hub(app, "DE-HUB")
    [row] = csv.DictReader(io.StringIO(Board(app).client.get("/availability.csv").text))
    assert row["platform"] == "DE-HUB"


def test_the_hub_as_a_whole_as_a_picture(board: Board) -> None:
    page = board.get("/availability?days=7&party=NL-TNM")
    link = page.one("a", id="hub-svg").attributes["href"]
    assert link == "/availability.svg?days=7"
    response = board.client.get(link)
    assert response.mimetype == "image/svg+xml"
    root = ElementTree.fromstring(response.data)
    title = root.findtext(f"{SVG}title") or ""
    assert "all parties together, " in title
    assert "lowest 0 % (" in title, "BE-XYZ was SUSPENDED while NL-TNM was OFFLINE"
    assert title.endswith("100 % at the end")
    bars = [each for each in root.iter(f"{SVG}rect") if each.attrib.get("class") == "seg-connected"]
    heights = [float(each.attrib["height"]) / 200 for each in bars]
    assert len(heights) == 30
    assert (heights[0], heights[14], heights[18], heights[-1]) == pytest.approx((1, 0.5, 0.005, 1), abs=1e-3)
    assert [each.findtext(f"{SVG}title") for each in bars][14] is not None


def test_a_picture_of_nobody(app: Flask) -> None:
    response = Board(app).client.get("/availability.svg")
    assert "nobody was CONNECTED or OFFLINE" in (ElementTree.fromstring(response.data).findtext(f"{SVG}title") or "")
