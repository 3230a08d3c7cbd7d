"""What happens to credentials while the other side is being called back (OCPI 2.2.1 credentials)."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask

from tests.support.apps import MakeApp
from tests.support.live import Hub, LiveHub
from tests.support.peers import Handler, Peer
from tests.support.statements import Listener

pytestmark = pytest.mark.both_databases("locks and concurrent commits")

PATH = "/ocpi/2.2.1/credentials"
CPO = ("CPO", "NL", "TNM")
MakePeer = Callable[..., Peer]
Outcome = tuple[int, int]


def side_by_side(hubs: Sequence[Hub], *sent: tuple[str, str, Peer]) -> list[Outcome]:
    """Send (method, token, peer), hold all of them in the last call back until every one is there; their outcomes, sorted.

    Each to an app of its own, as if it were another process of one hub.
    """
    all_in, outcomes = threading.Barrier(len(sent), timeout=20), list[Outcome]()

    def wait_for_the_others(handler: Handler) -> None:
        all_in.wait()
        handler.peer._behave_well(handler)

    def send(hub: Hub, method: str, token: str, peer: Peer) -> None:
        response = hub.call(method, PATH, token, json=peer.credentials(CPO))
        assert response.json is not None
        outcomes.append((response.status_code, response.json["status_code"]))

    for _, _, peer in sent:
        peer.behave("GET", "/2.2.1", wait_for_the_others)
    threads = [threading.Thread(target=send, args=(hub, *one)) for hub, one in zip(hubs, sent, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_of_five_posts_with_one_token_a_one_registers(hub: Hub, make_app: MakeApp, peer: Peer) -> None:
    token, hubs = hub.invite("NL", "TNM", "CPO"), [Hub(make_app()) for _ in range(5)]
    outcomes = side_by_side(hubs, *[("POST", token, peer)] * 5)
    assert outcomes == [(200, 1000)] + [(401, 2000)] * 4
    assert [row["status"] for row in hub.run("platforms")] == ["CONNECTED"]


def test_of_two_puts_with_one_token_one_wins(hub: Hub, make_app: MakeApp, peer: Peer) -> None:
    token = hub.register(peer, CPO)
    assert side_by_side([hub, Hub(make_app())], *[("PUT", token, peer)] * 2) == [(200, 1000), (401, 2000)]


def test_of_two_platforms_that_bring_the_same_new_role_one_gets_it(
    make_live_hub: Callable[..., LiveHub], make_peer: MakePeer
) -> None:
    live_hub = make_live_hub(registration="open")
    tokens = live_hub.invite("BE", "BEC", "EMSP"), live_hub.invite("DE", "DEC", "EMSP")
    outcomes = side_by_side([live_hub] * 2, *[("POST", token, make_peer()) for token in tokens])
    assert outcomes == [(200, 1000), (200, 2001)]
    assert sorted(row["status"] for row in live_hub.run("platforms")) == ["CONNECTED", "PLANNED"]


def test_an_invitation_renewed_meanwhile_ends_the_handshake_under_the_old_one(hub: Hub, peer: Peer) -> None:
    """The command writes while the peer is being called: the write lock is not held then."""
    token_a, renewed = hub.invite("NL", "TNM", "CPO"), list[str]()

    def invite_again(handler: Handler) -> None:
        renewed.append(hub.invite("NL", "TNM", "CPO"))
        peer._behave_well(handler)

    peer.behave("GET", "/2.2.1", invite_again)
    assert hub.call("POST", PATH, token_a, json=peer.credentials(CPO)).status_code == 401
    assert hub.statuses() == {("NL-TNM", "CPO"): "PLANNED"}
    assert hub.call("GET", "/ocpi/versions", renewed[0]).status_code == 200


def test_a_platform_unregistered_meanwhile_stays_so(hub: Hub, peer: Peer) -> None:
    token = hub.register(peer, CPO)

    def unregister(handler: Handler) -> None:
        hub.call("DELETE", PATH, token)
        peer._behave_well(handler)

    peer.behave("GET", "/2.2.1", unregister)
    assert hub.call("PUT", PATH, token, json=peer.credentials(CPO)).status_code == 401
    assert hub.statuses() == {("NL-TNM", "CPO"): "SUSPENDED"}


def test_a_delete_that_a_put_has_overtaken_ends_nothing(
    hub: Hub, peer: Peer, make_app: MakeApp, listen: Callable[[Flask, Listener], None]
) -> None:
    """Another process renews the credentials after the caller of DELETE has been recognised and before it is forgotten."""
    token, other, renewed = hub.register(peer, CPO), Hub(make_app()), list[str]()
    assert hub.call("GET", PATH, token).status_code == 200  # so that it is known to have its token

    def renew_first(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(("BEGIN IMMEDIATE", "SELECT pg_advisory")):
            renewed.append(other.call("PUT", PATH, token, json=peer.credentials(CPO)).json["data"]["token"])  # type: ignore[index]

    listen(hub.app, renew_first)
    assert hub.call("DELETE", PATH, token).status_code == 401
    assert hub.call("GET", PATH, renewed[0]).status_code == 200
    assert other.statuses() == {("NL-TNM", "CPO"): "CONNECTED"}


def test_token_a_and_the_old_token_c_go_on_working_during_the_handshake(hub: Hub, peer: Peer) -> None:
    codes = list[int]()

    def try_the_token(handler: Handler) -> None:
        codes.append(hub.call("GET", "/ocpi/versions", token).status_code)
        peer._behave_well(handler)

    peer.behave("GET", "/2.2.1", try_the_token)
    token = hub.invite("NL", "TNM", "CPO")
    first = hub.call("POST", PATH, token, json=peer.credentials(CPO)).json
    assert first is not None
    token = first["data"]["token"]
    assert hub.call("PUT", PATH, token, json=peer.credentials(CPO)).status_code == 200
    assert codes == [200, 200]
