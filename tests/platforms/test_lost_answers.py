"""An answer to credentials that is lost costs nothing: whoever asked asks again (OCPI 2.2.1 credentials, POST and PUT)."""

from collections.abc import Callable
from typing import Any

import pytest

from hubinfo.database import write
from hubinfo.models import AlternativeToken, Platform
from hubinfo.platforms import connections
from tests.support.apps import MakeApp
from tests.support.commands import error_of
from tests.support.field import FieldHub
from tests.support.heard import ask
from tests.support.hub_peer import token_of
from tests.support.instances import Instances
from tests.support.live import Hub
from tests.support.peers import Handler, Peer

pytestmark = pytest.mark.both_databases("which of several tokens is good is found and changed in transactions")
PATH, LIST = "/ocpi/2.2.1/credentials", "/ocpi/2.2.1/hubclientinfo"
CPO = ("CPO", "NL", "TNM")


def exchange(hub: Hub, method: str, presented: str, peer: Peer, **options: Any) -> str:
    """Token C, as the answer has it."""
    answer = hub.call(method, PATH, presented, json=peer.credentials(CPO, **options)).json
    assert answer is not None
    assert answer["status_code"] == 1000, answer
    found: str = answer["data"]["token"]
    return found


def works(hub: Hub, token: str, path: str = LIST) -> bool:
    return hub.call("GET", path, token).status_code == 200


def test_a_post_whose_answer_was_lost_may_be_made_again(hub: Hub, peer: Peer) -> None:
    token_a = hub.invite("NL", "TNM", "CPO")
    lost = exchange(hub, "POST", token_a, peer)
    token_c = exchange(hub, "POST", token_a, peer, token="another-token-b-of-the-peer")
    assert works(hub, token_c)
    assert [works(hub, token) for token in (token_a, lost)] == [False, False]
    assert not works(hub, token_a, "/ocpi/versions"), "it is dead once C is presented"
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED"}


def test_until_then_token_a_is_good_for_what_it_was_good_for(hub: Hub, peer: Peer) -> None:
    token_a = hub.invite("NL", "TNM", "CPO")
    exchange(hub, "POST", token_a, peer)
    assert works(hub, token_a, "/ocpi/versions")
    assert [hub.call("GET", path, token_a).status_code for path in (LIST, PATH)] == [401, 401]
    assert hub.call("PUT", PATH, token_a, json=peer.credentials(CPO)).status_code == 405
    assert hub.call("DELETE", PATH, token_a).status_code == 405
    assert ask(hub.app, token_a).status_code == 401, "nor does it let a message pass"


def test_a_put_whose_answer_was_lost_leaves_the_old_token_good(hub: Hub, peer: Peer) -> None:
    old = hub.register(peer, CPO)
    assert works(hub, old)
    lost = exchange(hub, "PUT", old, peer)
    assert works(hub, old)
    assert ask(hub.app, old).status_code == 204
    new = exchange(hub, "PUT", old, peer)
    assert works(hub, old)
    assert works(hub, new)
    assert [works(hub, token) for token in (old, lost)] == [False, False]
    assert ask(hub.app, old).status_code == 401


def test_however_often_it_is_lost(hub: Hub, peer: Peer) -> None:
    old = hub.register(peer, CPO)
    assert works(hub, old)
    tokens = [exchange(hub, "PUT", old, peer) for _ in range(4)]
    assert [works(hub, token) for token in tokens[:3]] == [False] * 3
    assert works(hub, tokens[3])
    assert not works(hub, old)


@pytest.mark.parametrize("path", ["/api/heard", LIST])
def test_that_the_old_token_is_used_and_written_down_does_not_pass_for_use_of_the_new_one(hub: Hub, peer: Peer, path: str) -> None:
    old = hub.register(peer, CPO)
    assert works(hub, old)
    new = exchange(hub, "PUT", old, peer)
    for _ in range(2):
        assert hub.call("GET", path, old).status_code in (200, 204)
        with hub.app.app_context():
            connections().heard.write(connections().parties)
    assert works(hub, new)
    assert not works(hub, old)


def test_unregistering_ends_them_all(hub: Hub, peer: Peer) -> None:
    old = hub.register(peer, CPO)
    assert works(hub, old)
    exchange(hub, "PUT", old, peer)
    assert hub.call("DELETE", PATH, old).status_code == 200
    assert not works(hub, old, "/ocpi/versions")


def test_a_new_invitation_ends_the_old_one(hub: Hub, peer: Peer) -> None:
    token = hub.register(peer, CPO)
    assert works(hub, token)
    assert hub.call("DELETE", PATH, token).status_code == 200
    anew = hub.invite("NL", "TNM", "CPO")
    assert not works(hub, token, "/ocpi/versions")
    assert works(hub, anew, "/ocpi/versions")


def close_after(handle: Callable[[Handler], None]) -> Callable[[Handler], None]:
    """The request is carried out, and the connection breaks before its answer."""

    def lose(handler: Handler) -> None:
        handler.wfile, kept = open("/dev/null", "wb"), handler.wfile  # noqa: SIM115, PTH123
        handle(handler)
        handler.wfile.close()
        handler.wfile = kept
        handler.close_connection = True

    return lose


def test_a_hub_that_took_our_put_may_present_the_token_it_was_sent(instances: Instances) -> None:
    """Of another make: it knows our new token, and we its old one, which it keeps good as we would."""
    party, hub = instances.make("NL-TNM", "CPO"), FieldHub()
    party.run("register", hub.versions_url, hub.token_a)
    before, kept = hub.token_b, hub.token_c
    hub.behave("PUT", "/ocpi/2.2.1/credentials", close_after(hub._behave_well))
    assert "may have taken them all the same" in error_of(party.app, "register", hub.versions_url)
    hub.behave("PUT", "/ocpi/2.2.1/credentials", None)
    new, hub.token_b = hub.token_b, before
    assert hub.push("BE-BEC", "EMSP", "OFFLINE").status_code in (200, 201), "it may not have taken them"
    hub.token_b = new
    assert hub.push("BE-BEC", "EMSP", "CONNECTED", "2026-01-03T00:00:00Z").status_code in (200, 201), "it has"
    hub.token_b = before
    assert hub.push("BE-BEC", "EMSP", "OFFLINE", "2026-01-04T00:00:00Z").status_code == 401
    hub.token_c = kept
    party.run("register", hub.versions_url)
    assert hub.push("BE-BEC", "EMSP", "OFFLINE", "2026-01-05T00:00:00Z").status_code in (200, 201)
    hub.stop()


def test_a_hub_that_did_not_take_our_put_goes_on_with_the_old_token(make_app: MakeApp, party: Hub) -> None:
    with party.app.app_context(), write() as session:
        platform = session.query(Platform).one()
        session.add(AlternativeToken(token_hash="0" * 64, platform_id=platform.id, kind="offered"))
    receiver = "/ocpi/2.2.1/receiver/hubclientinfo/NL/TNM"
    assert party.call("GET", receiver, token_of("DE-HUB")).status_code == 404
