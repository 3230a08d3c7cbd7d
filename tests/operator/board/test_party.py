"""The page of a party: all that is known of it."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.models import Activity, ClientInfo, History, Platform, Refusal
from tests.support.board import Board, Page, connect_many, suspend_in_secret
from tests.support.hubs import connect
from tests.support.live import Hub


@pytest.fixture
def page(hub: Hub) -> Page:
    """A party with two roles that has been told, has refused and is behind."""
    first = connect(hub.app, ("CPO", "NL", "TNM"), ("EMSP", "NL", "TNM"))
    connect(hub.app, ("EMSP", "BE", "XYZ"))
    fill(hub.app, first)
    return Board(hub.app).get("/parties/NL/TNM")


def fill(app: Flask, platform_id: int) -> None:
    with app.app_context(), write() as session:
        platform = session.get_one(Platform, platform_id)
        platform.token_made_at = clock.parse("2020-01-01T00:00:01Z")
        platform.token_used_at = clock.parse("2020-01-01T00:00:02Z")
        platform.token_out_made_at = clock.parse("2020-01-01T00:00:03Z")
        platform.token_out_used_at = clock.parse("2020-01-01T00:00:04Z")
        platform.endpoints = [{"identifier": "credentials", "role": "SENDER", "url": "http://peer.test/credentials"}]
        platform.push_reason, platform.failed_pushes = "HTTP 500", 3
        [other] = session.scalars(select(ClientInfo).where(ClientInfo.party == "BE-XYZ"))
        at, of = clock.now() - timedelta(hours=1), {"platform_id": platform_id}
        session.add(Refusal(client_info_id=other.id, at=at, reason="OCPI 2001: unknown", **of))
        session.add(Activity(at=at, kind="probe", outcome="failed", reason="connection refused", seconds=0.25, **of))
        session.add(Activity(at=at, kind="push", client_info_id=other.id, told="OFFLINE", outcome="ok", seconds=1.5, **of))


def facts(page: Page) -> dict[str, str]:
    """The values by their names; of several connections or roles the last."""
    return dict(zip([each.text for each in page.every("dt")], [each.text for each in page.every("dd")], strict=True))


def section(page: Page, title: str) -> list[list[str]]:
    """The rows below a heading."""
    [found] = [each for each in page.every("section") if each.text.startswith(title)]
    return [row for row in page.rows if all(cell in found.text for cell in row)]


def test_its_roles_with_a_timeline_of_a_day_and_a_month(page: Page) -> None:
    assert [each.text for each in page.every("h3")][:2] == ["CPO CONNECTED", "EMSP CONNECTED"]
    drawn = [each.text for each in page.every("title")[1:]]
    for role in ("CPO", "EMSP"):
        assert any(text.startswith(f"NL-TNM {role}, the last 24 hours") for text in drawn)
        assert any(text.startswith(f"NL-TNM {role}, the last 30 days") for text in drawn)


def test_its_connection_without_any_token(page: Page) -> None:
    found = facts(page)
    assert found["Registered"] == "yes"
    assert found["OCPI version"] == "2.2.1"
    assert found["Versions URL"].startswith("http://peer-")
    assert found["Token in its header"] == "base64"
    assert found["Its token made"].startswith("1 Jan 2020 00:00:01 UTC")
    assert found["Its token last used"].startswith("1 Jan 2020 00:00:02 UTC")
    assert found["Our token made"].startswith("1 Jan 2020 00:00:03 UTC")
    assert found["Our token last used"].startswith("1 Jan 2020 00:00:04 UTC")
    assert found["Failed pushes in a row"] == "3: HTTP 500"
    assert ["credentials", "SENDER", "http://peer.test/credentials"] in page.rows


def test_what_happened_to_it(page: Page) -> None:
    changes = [row for row in page.rows if row[2:4] == ["registered", "CONNECTED"]]
    assert {row[1] for row in changes} == {"CPO", "EMSP"}


def test_its_probes_with_their_duration(page: Page) -> None:
    [row] = section(page, "Probes")
    assert row[1:] == ["failed", "250 ms", "connection refused"]


def test_what_it_was_told(page: Page) -> None:
    [row] = section(page, "What it was told")
    assert row[1:] == ["BE-XYZ EMSP", "OFFLINE", "ok", "1.50 s", "–"]  # noqa: RUF001


def test_what_it_refused(page: Page) -> None:
    [row] = section(page, "Has not taken")
    assert (row[:2], row[3:]) == (["BE-XYZ", "EMSP"], ["never", "OCPI 2001: unknown"])


def test_what_it_has_not_been_told_and_why(page: Page) -> None:
    [row] = section(page, "Has not been told")
    assert row[:3] == ["BE-XYZ", "EMSP", "CONNECTED"]
    assert "HTTP 500" in page.text


@pytest.mark.parametrize("path", ["/parties/nl/tnm", "/parties/NL/TNM"])
def test_a_party_has_one_name_in_whatever_case(hub: Hub, path: str) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    assert Board(hub.app).get(path).one("h1").text.startswith("NL-TNM")


@pytest.mark.parametrize("path", ["/parties/NL/XXX", "/parties/NL/XXX/probe", "/availability/NL/XXX.svg"])
def test_nobody_by_that_name(hub: Hub, path: str) -> None:
    assert "There is no party NL-XXX here." in Board(hub.app).get(path, 404).text


def test_a_party_that_is_planned(hub: Hub) -> None:
    hub.invite("NL", "TNM", "CPO")
    page = Board(hub.app).get("/parties/NL/TNM")
    assert facts(page)["Registered"] == "no, invited"
    assert "Nothing yet." in page.text


def test_steps_that_make_no_sense_are_not_offered(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    board = Board(hub.app)
    assert steps(board) == ["Probe now", "Suspend", "Tell everything again", "View as this party"]
    assert cannot(board) == ["Invite again is not possible: it is registered."]
    suspend_in_secret(hub.app, "NL-TNM")
    assert steps(board) == ["Probe now", "Resume", "View as this party"]
    assert [line.partition(" is not")[0] for line in cannot(board)] == ["Tell everything again", "Invite again"]


def test_steps_for_who_has_not_registered(hub: Hub) -> None:
    hub.invite("NL", "TNM", "CPO")
    board = Board(hub.app)
    assert steps(board) == ["Suspend", "Invite again", "View as this party"]
    assert cannot(board) == [f"{title} is not possible: it has not registered." for title in ("Probe now", "Tell everything again")]


@pytest.mark.parametrize(
    ("receiver", "status", "reason"),
    [(False, "CONNECTED", "it has no Receiver for ClientInfo"), (True, "OFFLINE", "it is OFFLINE, and asks when it is back")],
)
def test_who_cannot_be_told_again(hub: Hub, receiver: bool, status: str, reason: str) -> None:
    first = connect(hub.app, ("CPO", "NL", "TNM"), receiver=receiver)
    with hub.app.app_context(), write() as session:
        session.get_one(Platform, first).status = status
    board = Board(hub.app)
    assert "Tell everything again" not in steps(board)
    assert f"Tell everything again is not possible: {reason}." in cannot(board)


def test_what_is_offered_is_not_refused_and_what_is_not_is(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    board = Board(hub.app)
    assert board.post("/parties/NL/TNM/tell-again").status_code == 303
    assert board.post("/parties/NL/TNM/invite").status_code == 409


def cannot(board: Board) -> list[str]:
    return [each.text for each in board.get("/parties/NL/TNM").every("li") if "is not possible" in each.text]


def steps(board: Board) -> list[str]:
    return [each.text for each in board.get("/parties/NL/TNM").every("a") if (each.id or "").startswith("step-")]


def test_a_long_history_is_cut(hub: Hub) -> None:
    first = connect(hub.app, ("CPO", "NL", "TNM"))
    with hub.app.app_context(), write() as session:
        for number in range(70):
            session.add(Activity(at=clock.now(), kind="probe", platform_id=first, outcome="ok", seconds=number / 1000))
    page = Board(hub.app).get("/parties/NL/TNM")
    assert len(section(page, "Probes")) == 50
    assert page.link("All pushes and probes") == "/activity?party=NL-TNM"
    with hub.app.app_context():
        assert db.session.scalar(select(Activity.id).order_by(Activity.id.desc())) == 70


def test_what_it_was_not_told_and_refused_is_cut_too(hub: Hub) -> None:
    first = connect(hub.app, ("CPO", "BE", "XYZ"))
    connect_many(hub.app, 120)
    with hub.app.app_context(), write() as session:
        for row in session.scalars(select(ClientInfo).where(ClientInfo.platform_id != first)):
            session.add(Refusal(platform_id=first, client_info_id=row.id, at=clock.now(), reason="no"))
    page = Board(hub.app).get("/parties/BE/XYZ")
    ids = [each.id or "" for each in page.every("a")]
    assert [sum(name.startswith(kind) for name in ids) for kind in ("not-told-", "refused-")] == [50, 50]
    assert page.text.count("And 70 more.") == 2


def changed(app: Flask, count: int) -> None:
    """So many changes more, numbered in their reasons."""
    with app.app_context(), write() as session:
        [row] = session.scalars(select(ClientInfo).where(ClientInfo.party == "NL-TNM"))
        for number in range(count):
            at, totals = clock.now() + timedelta(milliseconds=number), {"up_ms": 0, "down_ms": 0, "changes": number}
            session.add(History(client_info_id=row.id, at=at, event="heard", status="CONNECTED", reason=f"#{number}", **totals))


def test_all_of_a_long_history_a_page_at_a_time(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    board = Board(hub.app)
    assert "All of them are shown here." in board.get("/parties/NL/TNM").text
    changed(hub.app, 120)
    page = board.get("/parties/NL/TNM")
    assert "The latest 50 are shown here." in page.text
    path, shown = page.link("All changes"), []
    for size in (50, 50, 21):
        page = board.get(path)
        assert len(page.rows) == size
        shown += [row[-1] for row in page.rows if row[-1].startswith("#")]
        path = page.link("Older →") if size == 50 else page.link("← Newest")
    assert shown == [f"#{number}" for number in reversed(range(120))]
    assert path == "/parties/NL/TNM/history"
    assert board.get("/parties/NL/TNM/history?before=1").rows == []
    board.get("/parties/NL/XXX/history", 404)


def test_the_history_stays_fresh(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    board = Board(hub.app)
    etag = board.client.get("/parties/NL/TNM/history?live=1").headers["ETag"]
    suspend_in_secret(hub.app, "NL-TNM")
    assert board.get("/parties/NL/TNM/history?live=1", headers={"If-None-Match": etag}).column("Status")[0] == "SUSPENDED"
