"""What an operator does about a party: asked first, done once, recorded, said."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from hubinfo.database import db
from hubinfo.models import Platform
from tests.support.board import Board, Page, actions, statuses
from tests.support.hubs import connect
from tests.support.live import Hub
from tests.support.peers import Peer

STEPS = ["probe", "suspend", "resume", "tell-again", "invite"]
PARTY = "/parties/NL/TNM"


@pytest.fixture
def board(hub: Hub) -> Board:
    """Of a hub with a party in two roles."""
    connect(hub.app, ("CPO", "NL", "TNM"), ("EMSP", "NL", "TNM"))
    return Board(hub.app)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_asks_first_and_does_nothing_yet(board: Board, step: str) -> None:
    before = statuses(board.app)
    page = board.get(f"{PARTY}/{step}")
    assert page.one("h1").text.endswith("?")
    assert "NL-TNM" in page.one("h1").text
    assert page.link("Cancel") == PARTY
    assert (statuses(board.app), actions(board.app)) == (before, [])


def test_suspend_and_resume(board: Board) -> None:
    page = board.do(f"{PARTY}/suspend", role="")
    assert page.said == "NL-TNM is SUSPENDED as CPO, SUSPENDED as EMSP."
    assert statuses(board.app) == {"NL-TNM CPO": "SUSPENDED", "NL-TNM EMSP": "SUSPENDED"}
    page = board.do(f"{PARTY}/resume", role="")
    assert page.said == "NL-TNM is OFFLINE as CPO, OFFLINE as EMSP."
    assert actions(board.app) == [("board", "suspend", "NL-TNM"), ("board", "resume", "NL-TNM")]


def test_one_of_several_roles(board: Board) -> None:
    page = board.get(f"{PARTY}/suspend")
    assert [each.text for each in page.every("option")] == ["all roles", "CPO", "EMSP"]
    assert board.do(f"{PARTY}/suspend", role="EMSP").said == "NL-TNM is SUSPENDED as EMSP."
    assert statuses(board.app) == {"NL-TNM CPO": "CONNECTED", "NL-TNM EMSP": "SUSPENDED"}


def test_a_role_that_it_has_not(board: Board) -> None:
    assert board.post(f"{PARTY}/suspend", role="NSP").status_code == 400
    assert "SUSPENDED" not in statuses(board.app).values()


def test_who_has_one_role_need_not_pick(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    board = Board(hub.app)
    assert board.get(f"{PARTY}/suspend").every("select") == []
    assert board.do(f"{PARTY}/suspend").said == "NL-TNM is SUSPENDED as CPO."


def test_it_is_said_once(board: Board) -> None:
    assert board.do(f"{PARTY}/suspend").said is not None
    assert board.get(PARTY).said is None


def test_the_live_part_does_not_swallow_what_is_said(board: Board) -> None:
    location = board.post(f"{PARTY}/suspend").headers["Location"]
    assert board.client.get(f"{location}?live=1").status_code == 200
    assert board.get(location).said is not None


def test_what_is_said_cannot_be_made_up(board: Board) -> None:
    board.client.set_cookie("hubinfo_said", "eyJtZXNzYWdlIjoieCJ9.x.y")
    assert board.get(PARTY).said is None


def test_probe(hub: Hub, make_peer: Callable[..., Peer]) -> None:
    peer = make_peer()
    hub.register(peer, ("CPO", "NL", "TNM"))
    board = Board(hub.app)
    page = board.do(f"{PARTY}/probe")
    assert page.said is not None
    assert page.said.startswith("NL-TNM answered in 0.")
    assert page.said.endswith("Status: CONNECTED.")
    peer.stop()
    assert board.do(f"{PARTY}/probe").alert.startswith("NL-TNM did not answer as it should: ")
    peer.start_again()
    assert [what for source, what, _ in actions(hub.app) if source == "board"] == ["probe", "probe"]


def test_tell_everything_again(board: Board) -> None:
    connect(board.app, ("EMSP", "BE", "XYZ"))
    with board.app.app_context():
        name = db.session.scalars(select(Platform.name).order_by(Platform.id)).first()
    assert board.do(f"{PARTY}/tell-again").said == f"{name} will be told everything again, beginning now."
    assert board.get("/?text=TNM").column("Behind") == ["1", "1"]
    assert actions(board.app) == [("board", "tell again", "NL-TNM")]


@pytest.mark.parametrize(
    ("step", "reason"),
    [("probe", "has not registered"), ("tell-again", "has not registered")],
)
def test_what_cannot_be_done_says_why(hub: Hub, step: str, reason: str) -> None:
    hub.invite("NL", "TNM", "CPO")
    board, before = Board(hub.app), len(actions(hub.app))
    response = board.post(f"{PARTY}/{step}")
    assert response.status_code == 409
    assert reason in Page(response).alert
    assert len(actions(hub.app)) == before


def test_invite_again(hub: Hub) -> None:
    first = hub.invite("NL", "TNM", "CPO")
    board = Board(hub.app)
    response = board.post(f"{PARTY}/invite")
    token = Page(response).one("dd", id="token").text
    assert token != first
    assert hub.call("GET", "/ocpi/versions", token).status_code == 200
    assert hub.call("GET", "/ocpi/versions", first).status_code == 401
    assert actions(hub.app)[-1] == ("board", "invite", "NL-TNM")


def test_inviting_again_who_is_connected_is_refused(board: Board) -> None:
    response = board.post(f"{PARTY}/invite")
    assert response.status_code == 409
    assert "is connected already" in Page(response).alert


@pytest.mark.parametrize("path", [f"{PARTY}/explode", "/parties/NL/XXX/suspend"])
def test_a_step_or_a_party_that_is_not_there(board: Board, path: str) -> None:
    board.get(path, 404)
    token = board.get("/invite").form_token
    assert board.client.post(path, data={"form_token": token}).status_code == 404
