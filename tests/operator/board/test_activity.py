"""What was done lately: pushes and probes, and what operators did."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo import clock
from hubinfo.database import write
from hubinfo.models import Action, Activity, ClientInfo
from tests.support.board import Board, suspend_in_secret
from tests.support.hubs import connect
from tests.support.live import Hub

both_databases = pytest.mark.both_databases("its queries")


def note(app: Flask, platform_id: int, count: int, **values: object) -> None:
    """So many, a second apart, the last one now."""
    with app.app_context(), write() as session:
        infos = {row.party: row.id for row in session.scalars(select(ClientInfo))}
        about = infos.get(str(values.pop("about", "")))
        for number in range(count):
            at = clock.now() - timedelta(seconds=count - 1 - number)
            session.add(Activity(at=at, platform_id=platform_id, client_info_id=about, seconds=number / 1000, **values))


@pytest.fixture
def board(hub: Hub) -> Board:
    """Of a hub that probed and told two platforms."""
    first, second = connect(hub.app, ("CPO", "NL", "TNM")), connect(hub.app, ("EMSP", "BE", "XYZ"))
    note(hub.app, first, 1, kind="probe", outcome="failed", reason="timed out")
    note(hub.app, first, 1, kind="push", outcome="ok", told="OFFLINE", about="BE-XYZ")
    note(hub.app, second, 1, kind="push", outcome="refused", told="CONNECTED", about="NL-TNM", reason="OCPI 2001")
    return Board(hub.app)


@both_databases
def test_the_newest_come_first_with_outcome_and_duration(board: Board) -> None:
    rows = [[row[1], *row[3:]] for row in board.get("/activity").rows]
    assert rows == [
        ["push", "NL-TNM CPO", "CONNECTED", "refused", "0 ms", "OCPI 2001"],
        ["push", "BE-XYZ EMSP", "OFFLINE", "ok", "0 ms", "–"],  # noqa: RUF001
        ["probe", "–", "–", "failed", "0 ms", "timed out"],  # noqa: RUF001
    ]


@both_databases
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("party=NL-TNM", ["push", "probe"]),
        ("party=nl+tnm", ["push", "probe"]),
        ("party=BE-XYZ", ["push"]),
        ("kind=probe", ["probe"]),
        ("party=BE-XYZ&kind=probe", []),
        ("party=&kind=&before=x", ["push", "push", "probe"]),
        ("party=nobody", []),
    ],
)
def test_filters(board: Board, query: str, expected: list[str]) -> None:
    page = board.get(f"/activity?{query}")
    assert page.column("Kind") == expected
    assert ("Nothing like that." in page.text) is (expected == [])


@both_databases
def test_older_ones_a_page_at_a_time(hub: Hub) -> None:
    note(hub.app, connect(hub.app, ("CPO", "NL", "TNM")), 120, kind="probe", outcome="ok")
    board = Board(hub.app)
    page = board.get("/activity?kind=probe")
    assert (len(page.rows), page.column("Took")[0]) == (50, "119 ms")
    page = board.get(page.link("Older →"))
    assert (len(page.rows), page.column("Took")[0]) == (50, "69 ms")
    page = board.get(page.link("Older →"))
    assert (len(page.rows), page.column("Took")[0], page.column("Took")[-1]) == (20, "19 ms", "0 ms")
    assert "Older →" not in page.text
    assert page.link("← Newest") == "/activity?kind=probe"


@both_databases
@pytest.mark.parametrize(("count", "has_older"), [(49, False), (50, False), (51, True)])
def test_older_ones_are_offered_where_there_are_any(hub: Hub, count: int, has_older: bool) -> None:
    note(hub.app, connect(hub.app, ("CPO", "NL", "TNM")), count, kind="probe", outcome="ok")
    assert ("Older →" in Board(hub.app).get("/activity?kind=probe").text) is has_older


def test_nothing_yet(hub: Hub) -> None:
    board = Board(hub.app)
    assert "Nothing yet" in board.get("/activity").text
    assert "Nothing yet" in board.get("/actions").text


@both_databases
def test_what_operators_did_with_time_and_source(board: Board) -> None:
    suspend_in_secret(board.app, "NL-TNM")
    board.do("/parties/NL/TNM/resume")
    page = board.get(board.get("/activity").link("Recorded actions"))
    assert [row[1:] for row in page.rows] == [
        ["resume", "NL-TNM", "–", "board"],  # noqa: RUF001
        ["suspend", "NL-TNM", "–", "command"],  # noqa: RUF001
    ]
    assert len(page.every("time")) == 2
    assert board.get("/actions?party=be-xyz").rows == []
    assert len(board.get("/actions?party=nl-tnm").rows) == 2


@both_databases
def test_older_actions(hub: Hub) -> None:
    with hub.app.app_context(), write() as session:
        for number in range(60):
            session.add(Action(at=clock.now(), source="command", what=f"thing {number}", about=None, details=None))
    board = Board(hub.app)
    page = board.get("/actions")
    assert (len(page.rows), page.column("What")[0]) == (50, "thing 59")
    assert board.get(page.link("Older →")).column("What") == [f"thing {number}" for number in range(9, -1, -1)]
