"""Who may register as whom: REGISTRATION, MAX_ROLES, and parties that are added to a platform."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from hubinfo.database import write
from hubinfo.models import Platform
from hubinfo.platforms.vault import digest
from tests.support.apps import MakeApp
from tests.support.commands import error_of, json_of, text_of
from tests.support.hub_peer import HubPeer
from tests.support.live import Hub
from tests.support.peers import Handler, Peer

PATH = "/ocpi/2.2.1/credentials"
CPO, BMW = ("CPO", "NL", "TNM"), ("EMSP", "DE", "BMW")
MakePeer = Callable[..., Peer]
Role = tuple[str, str, str]


@pytest.fixture
def peer(make_peer: MakePeer) -> Peer:
    return make_peer()


def send(hub: Hub, method: str, token: str, credentials: Any) -> tuple[int, str]:
    """The status code and the message."""
    response = hub.call(method, PATH, token, json=credentials)
    assert response.status_code == 200
    said = response.json or {}
    return said["status_code"], said.get("status_message") or ""


def begin(hub: Hub, peer: Peer, method: str) -> str:
    """A token with which this method can be sent, for the party NL-TNM."""
    return hub.register(peer, CPO) if method == "PUT" else hub.invite("NL", "TNM", "CPO")


ON_BOTH_METHODS = pytest.mark.parametrize("method", ["POST", "PUT"])


@ON_BOTH_METHODS
@pytest.mark.parametrize("brought", [(BMW,), (CPO, BMW), (CPO, ("EMSP", "NL", "TNM"), BMW)], ids=["alone", "second", "third"])
def test_a_party_that_was_not_invited_is_refused_saying_what_the_operator_has_to_do(
    hub: Hub, peer: Peer, method: str, brought: tuple[Role, ...]
) -> None:
    token = begin(hub, peer, method)
    before, asked = (hub.run("parties"), hub.run("platforms")), len(peer.received)
    status_code, message = send(hub, method, token, peer.credentials(*brought))
    assert status_code == 2001
    assert message.startswith(
        f"roles[{len(brought) - 1}]=EMSP DE-BMW: must be a role of a party that was invited for platform NL-TNM"
    )
    assert (hub.run("parties"), hub.run("platforms"), len(peer.received)) == (*before, asked)
    assert text_of(hub.app, *message.partition("flask hubinfo ")[2].split())
    assert send(hub, method, token, peer.credentials(*brought))[0] == 1000
    assert hub.statuses()["DE-BMW", "EMSP"] == "CONNECTED"


@pytest.mark.both_databases("the parties of a platform are asked for by SQL")
@ON_BOTH_METHODS
def test_any_role_of_an_invited_party_is_accepted(hub: Hub, peer: Peer, method: str) -> None:
    token = begin(hub, peer, method)
    assert send(hub, method, token, peer.credentials(*((role, "nl", "tnm") for role in ("CPO", "NSP", "HUB"))))[0] == 1000
    assert hub.statuses() == {("NL-TNM", role): "CONNECTED" for role in ("CPO", "NSP", "HUB")}


@ON_BOTH_METHODS
def test_where_registration_is_open_a_party_that_nobody_holds_is_accepted(
    make_app: MakeApp, make_peer: MakePeer, method: str
) -> None:
    hub, peer = Hub(make_app(registration="open")), make_peer()
    token = begin(hub, peer, method)
    hub.invite("BE", "BEC", "CPO")
    assert send(hub, method, token, peer.credentials(CPO, ("CPO", "BE", "BEC")))[0] == 2001
    assert send(hub, method, token, peer.credentials(CPO, BMW))[0] == 1000


def test_what_was_registered_while_it_was_open_stays(make_app: MakeApp, peer: Peer) -> None:
    token = Hub(make_app(registration="open")).register(peer, CPO)
    renewed = Hub(make_app(registration="open")).call("PUT", PATH, token, json=peer.credentials(CPO, BMW)).json
    assert renewed is not None
    assert send(Hub(make_app()), "PUT", renewed["data"]["token"], peer.credentials(CPO, BMW))[0] == 1000


@ON_BOTH_METHODS
@pytest.mark.parametrize("registration", ["open", "invited"])
def test_more_roles_than_allowed_are_refused(make_app: MakeApp, make_peer: MakePeer, method: str, registration: str) -> None:
    hub, peer = Hub(make_app(registration=registration, max_roles=3)), make_peer()
    token = begin(hub, peer, method)
    brought = [(role, "NL", "TNM") for role in ("CPO", "EMSP", "NSP", "NAP")]
    before = hub.run("parties")
    assert send(hub, method, token, peer.credentials(*brought)) == (
        2001,
        "roles=[…]: must have at most 3 entries, MAX_ROLES here, not 4",
    )
    assert hub.run("parties") == before
    assert send(hub, method, token, peer.credentials(*brought[:3]))[0] == 1000


def test_the_default_is_a_hundred_roles(make_app: MakeApp, make_peer: MakePeer) -> None:
    hub, peer = Hub(make_app(registration="open")), make_peer()
    many = [("CPO", "NL", f"{number:03}") for number in range(101)]
    token = hub.invite("NL", "000", "CPO")
    assert send(hub, "POST", token, peer.credentials(*many))[0] == 2001
    assert send(hub, "POST", token, peer.credentials(*many[:100]))[0] == 1000


def test_a_party_whose_invitation_was_taken_back_meanwhile_is_refused(hub: Hub, peer: Peer) -> None:
    token = hub.invite_platform(CPO, BMW)

    def take_back(handler: Handler) -> None:
        hub.invite("DE", "BMW", "EMSP")
        peer._behave_well(handler)

    peer.behave("GET", "/2.2.1", take_back)
    assert send(hub, "POST", token, peer.credentials(CPO, BMW))[0] == 2001
    assert set(hub.statuses().values()) == {"PLANNED"}


# Adding a party to a platform


@pytest.mark.parametrize("registered", [True, False], ids=["connected", "invited"])
def test_a_party_is_added_to_a_platform_without_a_token(hub: Hub, peer: Peer, registered: bool) -> None:
    token = begin(hub, peer, "PUT" if registered else "POST")
    made = json_of(hub.app, "invite", "de", "bmw", "--role", "EMSP", "--platform", "nl-tnm")
    assert (made["token"], made["platform"], made["country_code"]) == (None, "NL-TNM", "DE")
    assert hub.statuses()["DE-BMW", "EMSP"] == "PLANNED"
    assert hub.call("GET", "/ocpi/versions", token).status_code == 200
    [platform] = hub.run("platforms")
    assert platform["status"] == ("CONNECTED" if registered else "PLANNED")


def test_the_text_says_for_which_platform(hub: Hub) -> None:
    hub.invite("NL", "TNM", "CPO")
    said = text_of(hub.app, "invite", "DE", "BMW", "--role", "EMSP", "--platform", "NL-TNM")
    assert said.startswith("DE-BMW is PLANNED as EMSP, for platform NL-TNM")


@pytest.mark.parametrize(("registration", "said"), [("invited", "--platform NL-TNM"), ("open", "REGISTRATION=open")])
def test_an_invitation_says_which_policy_is_in_force(make_app: MakeApp, registration: str, said: str) -> None:
    assert said in text_of(make_app(registration=registration), "invite", "NL", "TNM", "--role", "CPO")


@pytest.mark.both_databases("a platform is deleted to which rows referred")
def test_an_invitation_of_its_own_moves_with_its_party_and_is_void(hub: Hub, make_peer: MakePeer) -> None:
    own = hub.invite("DE", "BMW", "EMSP")
    token = hub.register(make_peer(), CPO)
    hub.run("invite", "DE", "BMW", "--role", "EMSP", "--platform", "NL-TNM")
    assert hub.call("GET", "/ocpi/versions", own).status_code == 401
    assert [row["platform"] for row in hub.run("platforms")] == ["NL-TNM"]
    peer = make_peer()
    assert send(hub, "PUT", token, peer.credentials(CPO, BMW))[0] == 1000


def test_adding_twice_may_add_a_role(hub: Hub, peer: Peer) -> None:
    hub.register(peer, CPO)
    for role in ("EMSP", "NSP"):
        hub.run("invite", "DE", "BMW", "--role", role, "--platform", "NL-TNM")
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("DE-BMW", "EMSP"): "PLANNED", ("DE-BMW", "NSP"): "PLANNED"}


def test_who_is_connected_is_not_added_to_another(hub: Hub, make_peer: MakePeer) -> None:
    hub.register(make_peer(), CPO)
    hub.register(make_peer(), BMW)
    said = error_of(hub.app, "invite", "DE", "BMW", "--role", "EMSP", "--platform", "NL-TNM")
    assert said.startswith("DE-BMW is connected already, by platform DE-BMW (CONNECTED)")


def test_a_platform_that_does_not_exist_or_has_no_token_is_refused(hub: Hub, peer: Peer) -> None:
    add = ("invite", "DE", "BMW", "--role", "EMSP", "--platform", "NL-TNM")
    assert error_of(hub.app, *add).startswith("no connection named NL-TNM")
    token = hub.register(peer, CPO)
    assert hub.call("DELETE", PATH, token).status_code == 200
    said = error_of(hub.app, *add)
    assert said.startswith("platform NL-TNM is not connected, and no token A waits for it")
    assert text_of(hub.app, *said.partition("flask hubinfo ")[2].split())
    assert json_of(hub.app, *add[:-2], "--platform", "NL-TNM")["platform"] == "NL-TNM"


# The other direction: we register with a platform that our operator has chosen


def said_by_hub(peer: Peer, version: str, listed: int) -> dict[str, Any]:
    """A hub's credentials; in 2.3.0 with so many parties that are reachable through it."""
    if version != "2.3.0":
        return peer.credentials(("HUB", "DE", "HUB"))
    roles = [("OTHER", "DE", "HUB"), *(("CPO", "NL", f"{number:03}") for number in range(listed))]
    return peer.credentials(*roles) | {"hub_party_id": "DEHUB"}


@pytest.mark.parametrize("version", ["2.2", "2.2.1", "2.3.0"])
def test_a_hub_that_we_register_with_needs_no_invitation_and_may_renew(
    make_app: MakeApp, make_hub_peer: Callable[..., HubPeer], version: str
) -> None:
    party, peer = Hub(make_app(roles="CPO", country_code="NL", party_id="OUR", max_roles=2)), make_hub_peer(version=version)
    peer.behave("POST", f"/{version}/credentials", lambda handler: handler.answer(said_by_hub(peer, version, 40)))
    peer.behave("PUT", f"/{version}/credentials", lambda handler: handler.answer(said_by_hub(peer, version, 41)))
    for arguments in (("token-a",), ()):
        party.run("register", peer.versions_url, *arguments)
        assert party.statuses() == {("DE-HUB", "HUB"): "CONNECTED"}
    with party.app.app_context(), write() as session:
        session.scalars(select(Platform)).one().token_hash = digest("token-b-of-ours")
    renewed = party.call("PUT", f"/ocpi/{version}/credentials", "token-b-of-ours", json=said_by_hub(peer, version, 42))
    assert renewed.json is not None
    assert renewed.json["status_code"] == 1000
    assert party.statuses() == {("DE-HUB", "HUB"): "CONNECTED"}


def test_a_hub_that_we_register_with_says_itself_who_it_is(make_app: MakeApp, make_hub_peer: Callable[..., HubPeer]) -> None:
    """Its operator has been chosen by ours; but it cannot become another later on, without ours."""
    party, peer = Hub(make_app(roles="CPO", country_code="NL", party_id="OUR")), make_hub_peer()
    both = peer.credentials(("HUB", "DE", "HUB"), ("NSP", "DE", "NET"))
    peer.behave("POST", "/2.2.1/credentials", lambda handler: handler.answer(both))
    party.run("register", peer.versions_url, "token-a")
    assert set(party.statuses().values()) == {"CONNECTED"}
    with party.app.app_context(), write() as session:
        session.scalars(select(Platform)).one().token_hash = digest("token-b-of-ours")
    assert send(party, "PUT", "token-b-of-ours", peer.credentials(("HUB", "FR", "HUB")))[0] == 2001


def test_a_hub_that_registers_with_a_party_has_to_be_invited(make_app: MakeApp, peer: Peer) -> None:
    party = Hub(make_app(roles="CPO", country_code="NL", party_id="OUR"))
    token = party.invite("DE", "HUB", "HUB")
    assert send(party, "POST", token, peer.credentials(("HUB", "FR", "HUB")))[0] == 2001
    assert send(party, "POST", token, peer.credentials(("HUB", "DE", "HUB")))[0] == 1000
