"""The board shows the list exactly as a platform gets it."""

import json
from collections.abc import Callable

import pytest

from tests.support.board import Board
from tests.support.hubs import connect
from tests.support.live import Hub
from tests.support.peers import Peer


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
def test_it_is_what_the_platform_gets(hub: Hub, make_peer: Callable[..., Peer], version: str) -> None:
    token = hub.register(make_peer(version=version), ("CPO", "NL", "TNM"), version=version)
    connect(hub.app, ("EMSP", "BE", "XYZ"), ("CPO", "BE", "XYZ"))
    connect(hub.app, ("HUB", "DE", "HUB"))
    got = hub.call("GET", f"/ocpi/{version}/hubclientinfo", token).json
    assert got is not None
    page = Board(hub.app).get("/view-as?platform=NL-TNM")
    assert json.loads(page.one("pre").text) == got["data"]
    assert page.rows == [list(each.values()) for each in got["data"]]
    assert f"OCPI {version}" in page.one("h2").text
    assert "TNM" not in page.column("party_id"), "never its own rows"


def test_in_another_version(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"))
    connect(hub.app, ("HUB", "DE", "HUB"))
    board = Board(hub.app)
    [_, name, _] = [each.text for each in board.get("/view-as").every("option")][:3]
    assert board.get(f"/view-as?platform={name}&version=2.2.1").column("role") == ["HUB"]
    page = board.get(f"/view-as?platform={name}&version=2.3.0")
    assert page.column("role") == ["OTHER"]
    assert [each.text for each in page.every("option") if "selected" in each.attributes] == [name, "2.3.0"]


def test_nobody_to_see(hub: Hub) -> None:
    token = hub.invite("NL", "TNM", "CPO")
    assert token
    assert "It sees nobody." in Board(hub.app).get("/view-as?platform=NL-TNM").text


def test_no_platform(hub: Hub) -> None:
    board = Board(hub.app)
    assert "There is no platform yet." in board.get("/view-as").text
    assert "There is no platform XX-NON here." in board.get("/view-as?platform=XX-NON", 404).text


def test_a_long_list_comes_in_pages(hub: Hub) -> None:
    for number in range(60):
        connect(hub.app, ("CPO", "NL", f"{number:03}"))
    token = hub.invite("BE", "XYZ", "EMSP")
    assert token
    board = Board(hub.app)
    page = board.get("/view-as?platform=BE-XYZ")
    assert len(page.rows) == 50
    assert "1–50 of 60 objects" in page.text  # noqa: RUF001
    page = board.get(page.link("On →"))
    assert len(page.rows) == len(json.loads(page.one("pre").text)) == 10
