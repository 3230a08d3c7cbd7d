"""The party's side of the board: its hubs and what they said."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from hubinfo.database import db, write
from hubinfo.models import Platform
from hubinfo.operator import actions as steps
from hubinfo.platforms import handshake
from tests.support.apps import MakeApp
from tests.support.board import Board, Page, actions
from tests.support.hub_peer import HubPeer, client_info, connect_hub
from tests.support.live import Hub

both_databases = pytest.mark.both_databases("its queries")

LISTED = [client_info(), client_info("BE-XYZ", "EMSP", "OFFLINE"), client_info("DE-ABC", "CPO", "PLANNED")]


@pytest.fixture
def hub_peer(make_hub_peer: Callable[..., HubPeer]) -> HubPeer:
    peer = make_hub_peer("DE-HUB")
    peer.listed = list(LISTED)
    return peer


@pytest.fixture
def board(make_app: MakeApp, hub_peer: HubPeer) -> Board:
    """Of a CPO that is registered with this hub and has not pulled yet."""
    app = make_app(roles="CPO", country_code="NL", party_id="OUR")
    connect_hub(app, "DE-HUB")
    with app.app_context(), write() as session:
        session.execute(update(Platform).values(sender_url=hub_peer.list_url))
    return Board(app)


@both_databases
def test_sync_now_is_asked_first_and_then_done(board: Board) -> None:
    page = board.get("/known")
    assert page.column("Party") == []
    asked = board.get(page.link("Sync now from DE-HUB"))
    assert asked.one("h1").text == "Sync now from DE-HUB?"
    assert board.get("/known").column("Party") == []
    page = board.do("/known/sync", form="/known/sync?hub=DE-HUB", hub="DE-HUB")
    assert page.said == "DE-HUB lists 3; 3 changed, 0 no longer listed."
    assert page.column("Party") == ["NL-TNM", "BE-XYZ", "DE-ABC"]
    assert page.column("Status") == ["CONNECTED", "OFFLINE", "PLANNED"]
    assert page.column("Reachable") == ["yes", "no", "no"]
    assert page.column("Still holds") == ["yes", "yes", "yes"]
    assert actions(board.app) == [("board", "sync", "DE-HUB")]


@both_databases
def test_a_party_that_is_no_longer_listed(board: Board, hub_peer: HubPeer) -> None:
    board.do("/known/sync")
    hub_peer.listed = LISTED[1:]
    page = board.do("/known/sync")
    assert (page.column("Reachable")[0], page.column("Still holds")[0]) == ("no", "no longer listed")


@both_databases
def test_a_hub_that_is_silent_makes_its_word_stale(board: Board) -> None:
    board.do("/known/sync")
    with board.app.app_context(), write() as session:
        session.execute(update(Platform).values(status="OFFLINE"))
    page = board.get("/known")
    assert page.column("Still holds") == ["stale: the hub is silent"] * 3
    assert page.column("Reachable") == ["no"] * 3
    assert "nobody knows whether what it said still holds" in page.text


@both_databases
def test_a_pull_that_fails_says_why(board: Board, hub_peer: HubPeer) -> None:
    hub_peer.stop()
    page = board.do("/known/sync")
    hub_peer.start_again()
    assert page.alert.startswith("DE-HUB could not be pulled from: ")
    with board.app.app_context():
        reason = db.session.scalar(select(Platform.sync_reason))
    assert reason
    assert reason in [each.text for each in page.every("p", class_="reason")]


@both_databases
@pytest.mark.parametrize(
    ("text", "expected"),
    [("tnm", ["NL-TNM"]), ("offline", ["BE-XYZ"]), ("de-hub cpo", ["NL-TNM", "DE-ABC"]), ("nobody", [])],
)
def test_search(board: Board, text: str, expected: list[str]) -> None:
    board.do("/known/sync")
    page = board.get(f"/known?text={text.replace(' ', '+')}")
    assert page.column("Party") == expected
    assert page.one("input", id="text").attributes["value"] == text


@both_databases
def test_when_the_hub_was_pulled_from_and_will_be(board: Board) -> None:
    before = dict(
        zip([e.text for e in board.get("/known").every("dt")], [e.text for e in board.get("/known").every("dd")], strict=True)
    )
    assert (before["Lists"], before["Last full pull"], before["Next full pull"]) == ("0", "–", "now")  # noqa: RUF001
    page = board.do("/known/sync")
    after = dict(zip([each.text for each in page.every("dt")], [each.text for each in page.every("dd")], strict=True))
    assert after["Lists"] == "3"
    assert after["Last full pull"].endswith("just now")
    assert " in " in after["Next full pull"]


@both_databases
def test_a_hub_that_is_not_there(board: Board) -> None:
    assert "There is no hub" in board.get("/known/sync?hub=XX-NON", 404).text
    assert board.post("/known/sync", hub="XX-NON").status_code == 409


@both_databases
def test_the_first_step_of_a_party(make_app: MakeApp) -> None:
    page = Board(make_app(roles="CPO")).get("/known")
    assert "Register with your first hub" in [each.text for each in page.every("h2")]
    assert page.link("Register with a hub") == "/register"


@both_databases
def test_registering_that_fails_says_why_and_shows_no_token(make_app: MakeApp, hub_peer: HubPeer) -> None:
    app = make_app(roles="CPO", country_code="NL", party_id="OUR")
    hub_peer.stop()
    response = Board(app).post("/register", versions_url=hub_peer.versions_url, token_a="secret-token-a", version="")
    hub_peer.start_again()
    page = Page(response)
    assert response.status_code == 409
    assert hub_peer.versions_url in page.alert
    assert page.one("input", id="versions_url").attributes["value"] == hub_peer.versions_url
    assert "secret-token-a" not in page.source


@both_databases
def test_registering(make_app: MakeApp, hub_peer: HubPeer) -> None:
    app = make_app(roles="CPO", country_code="NL", party_id="OUR")
    board = Board(app)
    response = board.post("/register", versions_url=hub_peer.versions_url, token_a="token-a", version="2.2.1")
    assert response.status_code == 303, response.text
    page = board.get("/known")
    assert page.said == "Registered with DE-HUB over OCPI 2.2.1."
    assert page.link("DE-HUB") == "/parties/DE/HUB"
    assert actions(app) == [("board", "register", "DE-HUB")]


@both_databases
def test_a_hub_that_is_also_a_party_has_both_pages(make_app: MakeApp) -> None:
    board = Board(make_app(roles="HUB,CPO"))
    assert board.get("/").one("h1").text == "Parties"
    assert board.get("/known").one("h1").text == "What the hubs say"


@both_databases
def test_what_a_hub_is_for_the_party(party: Hub) -> None:
    page = Board(party.app).get("/parties/DE/HUB")
    assert page.one("h1").text.startswith("DE-HUB")
    offered = [each.text for each in page.every("a") if (each.id or "").startswith("step-")]
    assert offered == ["Probe now", "Suspend"]


@both_databases
def test_what_a_former_hub_told_and_the_hub_itself_are_still_shown(board: Board) -> None:
    board.do("/known/sync")
    with board.app.app_context(), write() as session:
        handshake.forget(session.scalars(select(Platform)).one())
    page = board.get("/known")
    assert page.column("Party") == ["NL-TNM", "BE-XYZ", "DE-ABC"]
    assert set(page.column("Still holds")) == {"stale: no longer registered with the hub"}
    assert "first hub" not in page.text
    assert page.link("DE-HUB") == "/parties/DE/HUB"
    assert page.column("Connection") == ["SUSPENDEDno longer registered"]
    assert board.get("/known?text=nobody").column("Party") == []


@both_databases
@pytest.mark.parametrize("roles", ["CPO", "HUB,CPO"])
def test_a_hub_that_was_invited_can_be_reached(make_app: MakeApp, roles: str) -> None:
    app = make_app(roles=roles, country_code="NL", party_id="OUR")
    with app.app_context():
        steps.invite("command", "DE", "HUB", ["HUB"], "The Hub")
    board = Board(app)
    page = board.get("/known")
    assert page.column("Name") == ["DE-HUB The Hub"]
    assert page.column("Connection") == ["PLANNED"]
    assert board.get(page.link("DE-HUB")).one("h1").text == "DE-HUB The Hub"


@both_databases
def test_a_new_connection_appears_without_reloading(board: Board) -> None:
    etag = board.client.get("/known?live=1").headers["ETag"]
    with board.app.app_context():
        steps.invite("command", "FR", "HUB", ["HUB"], None)
    assert board.get("/known?live=1", headers={"If-None-Match": etag}).column("Name") == ["FR-HUB"]


@both_databases
def test_syncing_without_a_hub_leads_to_registering(make_app: MakeApp) -> None:
    page = Page(Board(make_app(roles="CPO")).post("/known/sync"))
    assert "flask hubinfo register" in page.alert
    assert page.every("p", class_="ways")[0].text == "On the board: Register with a hub"
