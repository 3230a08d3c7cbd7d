"""Tokens for programs, made and revoked on the board."""

import pytest

from hubinfo.operator import access
from tests.support.board import Board, Page, actions
from tests.support.live import Hub


def works(hub: Hub, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    return hub.app.test_client().get("/api/parties", headers=headers).status_code == 200


def test_a_token_is_made_shown_once_used_and_revoked(hub: Hub) -> None:
    board = Board(hub.app)
    assert "There is none yet." in board.get("/tokens").text
    response = board.post("/tokens", name="billing")
    token = Page(response).one("dd", id="token").text
    assert response.headers["Cache-Control"] == "no-store"
    [row] = board.get("/tokens").rows
    assert (row[0], row[2]) == ("billing", "never")
    assert works(hub, token)
    page = board.get("/tokens")
    assert page.rows[0][2].endswith("just now")
    assert token not in page.source
    asked = board.get(page.link("Revoke billing"))
    assert asked.one("h1").text == "Revoke the token billing?"
    assert works(hub, token), "not before it is confirmed"
    assert (
        board.do("/tokens/revoke", form="/tokens/revoke?name=billing", name="billing").said == "The token billing no longer works."
    )
    assert not works(hub, token)
    assert [entry for entry in actions(hub.app) if entry[0] == "board"] == [
        ("board", "make API token", "billing"),
        ("board", "revoke API token", "billing"),
    ]


def test_a_token_of_the_same_name_replaces_the_first(hub: Hub) -> None:
    board = Board(hub.app)
    first, second = (Page(board.post("/tokens", name="billing")).one("dd", id="token").text for _ in range(2))
    assert (works(hub, first), works(hub, second)) == (False, True)
    assert len(board.get("/tokens").rows) == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\x07b"])
def test_a_name_that_cannot_be_kept(hub: Hub, name: str) -> None:
    response = Board(hub.app).post("/tokens", name=name)
    page = Page(response)
    assert response.status_code == 422
    assert "must have 1 to 64 printable characters" in page.alert
    assert "name-wrong" in page.one("input", id="name").attributes["aria-describedby"].split()
    with hub.app.app_context():
        assert access.api_tokens() == []


@pytest.mark.parametrize("name", ["a/b?c=d&e", "<b>", "100 %", "Söhne"])
def test_any_name_can_be_revoked(hub: Hub, name: str) -> None:
    board = Board(hub.app)
    board.post("/tokens", name=name)
    link = board.get("/tokens").link(f"Revoke {name}")
    board.do("/tokens/revoke", form=link, name=name)
    assert board.get("/tokens").rows == []


def test_a_token_that_is_not_there(hub: Hub) -> None:
    board = Board(hub.app)
    assert "There is no token" in board.get("/tokens/revoke?name=nobody", 404).text
    assert "no API token named nobody" in board.do("/tokens/revoke", form="/tokens", name="nobody").alert
