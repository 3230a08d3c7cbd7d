"""`invite --version`: peers whose enum of versions is closed are shown only what they know."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.apps import MakeApp
from tests.support.board import Board, Page
from tests.support.commands import error_of, json_of, text_of
from tests.support.live import Hub
from tests.support.peers import Peer

MakePeer = Callable[..., Peer]
INVITE = ("invite", "NL", "TNM", "--role", "CPO")
CPO = ("CPO", "NL", "TNM")
ALL = ["2.2", "2.2.1", "2.3.0"]


def shown(hub: Hub, token: str) -> list[str]:
    """The versions that are listed for the holder of this token."""
    response = hub.call("GET", "/ocpi/versions", token).json
    assert response is not None
    return [entry["version"] for entry in response["data"]]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [([], ALL), (["2.2.1"], ["2.2.1"]), (["2.2.1", "2.2", "2.2.1"], ["2.2", "2.2.1"]), (ALL, ALL)],
    ids=["all", "one", "two", "each"],
)
def test_the_list_is_limited_with_token_a_and_with_token_c(
    hub: Hub, make_peer: MakePeer, versions: list[str], expected: list[str]
) -> None:
    token_a = json_of(hub.app, *INVITE, *(item for version in versions for item in ("--version", version)))["token"]
    assert shown(hub, token_a) == expected
    response = hub.call("POST", "/ocpi/2.2.1/credentials", token_a, json=make_peer().credentials(CPO)).json
    assert response is not None
    assert shown(hub, response["data"]["token"]) == expected


def test_only_that_platform_is_concerned(hub: Hub) -> None:
    hub.run(*INVITE, "--version", "2.2")
    assert shown(hub, hub.invite("BE", "BEC", "CPO")) == ALL


def test_a_new_invitation_says_anew_which(hub: Hub) -> None:
    hub.run(*INVITE, "--version", "2.2")
    assert shown(hub, hub.run(*INVITE)["token"]) == ALL


def test_adding_a_party_to_a_platform_leaves_them_or_says_them_anew(hub: Hub) -> None:
    token = hub.run(*INVITE, "--version", "2.2")["token"]
    add = ("invite", "BE", "BEC", "--role", "CPO", "--platform", "NL-TNM")
    hub.run(*add)
    assert shown(hub, token) == ["2.2"]
    hub.run(*add, "--version", "2.2.1")
    assert shown(hub, token) == ["2.2.1"]


def test_what_is_no_longer_offered_is_not_shown(make_app: MakeApp) -> None:
    token = Hub(make_app()).run(*INVITE, "--version", "2.2", "--version", "2.2.1")["token"]
    assert shown(Hub(make_app(versions="2.2.1,2.3.0")), token) == ["2.2.1"]


def test_a_version_that_is_not_offered_is_refused_and_nobody_is_planned(make_app: MakeApp) -> None:
    hub = Hub(make_app(versions="2.2.1"))
    assert error_of(hub.app, *INVITE, "--version", "2.3.0").startswith("version='2.3.0': must be one that is offered, 2.2.1")
    assert "2.4" in error_of(hub.app, *INVITE, "--version", "2.4", exit_code=2)
    assert hub.run("parties") == []


def test_the_text_says_so(hub: Hub) -> None:
    assert "is shown OCPI 2.2.1 only" in text_of(hub.app, *INVITE, "--version", "2.2.1")
    assert "is shown OCPI" not in text_of(hub.app, *INVITE)


@pytest.mark.parametrize(("given", "expected"), [("", ALL), ("2.2.1", ["2.2.1"]), ("2.2.1, 2.2", ["2.2", "2.2.1"])])
def test_the_boards_form_has_it_too(hub: Hub, given: str, expected: list[str]) -> None:
    form: dict[str, Any] = {"country_code": "NL", "party_id": "TNM", "role": ["CPO"], "version": given}
    page = Page(Board(hub.app).post("/invite", **form))
    assert shown(hub, page.one("dd", id="token").text) == expected
    assert f"Versions offered: {', '.join(expected)}" in page.one("textarea", id="letter").text


def test_the_boards_form_says_what_is_offered(hub: Hub) -> None:
    response = Board(hub.app).post("/invite", country_code="NL", party_id="TNM", role=["CPO"], version="2.2.1, 2.4")
    assert response.status_code == 422
    assert Page(response).one("p", id="version-wrong").text == "Only what is offered: 2.2, 2.2.1, 2.3.0."
    assert hub.run("parties") == []


def test_the_boards_form_adds_a_party_to_a_platform(hub: Hub) -> None:
    token = hub.invite("NL", "TNM", "CPO")
    board = Board(hub.app)
    form: dict[str, Any] = {"country_code": "de", "party_id": "bmw", "role": ["EMSP"]}
    response = board.post("/invite", **form, platform="nl-tnm")
    assert response.status_code == 303
    assert "for platform NL-TNM" in board.get(response.headers["Location"]).source
    assert hub.statuses()["DE-BMW", "EMSP"] == "PLANNED"
    assert shown(hub, token) == ALL
    assert "no connection named XX-NIX" in Page(board.post("/invite", **form, platform="XX-NIX")).alert
