"""Ending a connection: asked first, refused where the other side cannot be asked, unless that is wanted."""

from collections.abc import Callable

import pytest

from tests.support.apps import MakeApp
from tests.support.board import Board, Page, actions, statuses
from tests.support.hub_peer import HubPeer, connect_hub
from tests.support.hubs import connect
from tests.support.live import Hub

PATH = "/parties/NL/TNM/unregister/NL-TNM"


@pytest.fixture
def peer(hub: Hub, make_hub_peer: Callable[..., HubPeer]) -> HubPeer:
    """Registered with the hub; it takes a DELETE of its credentials."""
    made = make_hub_peer()
    hub.register(made, ("CPO", "NL", "TNM"))
    return made


def recorded(hub: Hub) -> list[tuple[str, str, str | None]]:
    return [each for each in actions(hub.app) if each[0] == "board"]


@pytest.mark.usefixtures("peer")
def test_it_is_asked_first_and_then_done(hub: Hub) -> None:
    board = Board(hub.app)
    path = board.get("/parties/NL/TNM").link("Disconnect NL-TNM")
    assert path == PATH
    asked = board.get(path)
    assert asked.one("h1").text == "Disconnect NL-TNM?"
    assert "All its parties become SUSPENDED" in asked.text
    assert asked.link("Cancel") == "/parties/NL/TNM"
    assert (statuses(hub.app), recorded(hub)) == ({"NL-TNM CPO": "CONNECTED"}, [])
    page = board.do(path)
    assert page.said == "NL-TNM is disconnected. The credentials of both sides no longer work."
    assert statuses(hub.app) == {"NL-TNM CPO": "SUSPENDED"}
    assert recorded(hub) == [("board", "unregister", "NL-TNM")]
    assert "Disconnect" not in page.text
    assert page.link("Invite again") == "/parties/NL/TNM/invite"


def test_who_cannot_be_asked_is_kept_unless_that_is_wanted(hub: Hub, peer: HubPeer) -> None:
    board = Board(hub.app)
    peer.stop()
    response = board.post(PATH)
    page = Page(response)
    assert response.status_code == 409
    assert peer.base in page.alert
    assert "tick the box below" in page.text
    assert page.one("input", id="force").attributes["type"] == "checkbox"
    assert (statuses(hub.app), recorded(hub)) == ({"NL-TNM CPO": "CONNECTED"}, [])
    assert board.do(PATH, force="yes").said is not None
    peer.start_again()
    assert statuses(hub.app) == {"NL-TNM CPO": "SUSPENDED"}
    assert recorded(hub) == [("board", "unregister", "NL-TNM")]


def test_a_party_leaves_its_hub(make_app: MakeApp, make_hub_peer: Callable[..., HubPeer]) -> None:
    peer = make_hub_peer("DE-HUB")
    app = make_app(roles="CPO", country_code="NL", party_id="OUR")
    connect_hub(app, "DE-HUB", peer=peer)
    board = Board(app)
    asked = board.get("/parties/DE/HUB/unregister/DE-HUB")
    assert "What it told stays listed here as stale." in asked.text
    assert (
        board.do("/parties/DE/HUB/unregister/DE-HUB").said
        == "DE-HUB is disconnected. The credentials of both sides no longer work."
    )
    assert [seen.method for seen in peer.received][-1] == "DELETE"


def test_a_connection_that_is_not_there(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    connect(hub.app, ("EMSP", "BE", "XYZ"))
    hub.invite("FR", "NEW", "CPO")
    board = Board(hub.app)
    [path] = [each.attributes["href"] for each in board.get("/parties/NL/TNM").every("a") if each.id == "disconnect-1"]
    name = path.rpartition("/")[2]
    for wrong in ("/parties/NL/TNM/unregister/NOBODY", f"/parties/BE/XYZ/unregister/{name}", "/parties/FR/NEW/unregister/FR-NEW"):
        board.get(wrong, 404)
