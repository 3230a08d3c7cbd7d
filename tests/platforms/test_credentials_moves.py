"""Parties that leave one platform for another, and invitations of platforms that were here before."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.models import Platform
from tests.support.hubs import connect
from tests.support.live import Hub
from tests.support.peers import Peer
from tests.support.statements import listening

pytestmark = pytest.mark.both_databases("rows move between platforms under unique constraints")

PATH = "/ocpi/2.2.1/credentials"
CPO, NSP = ("CPO", "NL", "TNM"), ("NSP", "BE", "BEC")
MakePeer = Callable[..., Peer]


def call(hub: Hub, method: str, token: str, credentials: Any = None) -> dict[str, Any]:
    response = hub.call(method, PATH, token, json=credentials)
    assert response.status_code == 200
    return dict(response.json or {})


def unregistered_pair(hub: Hub, peer: Peer) -> None:
    assert call(hub, "DELETE", hub.register(peer, CPO, NSP))["status_code"] == 1000
    assert set(hub.statuses().values()) == {"SUSPENDED"}


def platform_of(hub: Hub, party_id: str) -> str:
    return next(str(row["platform"]) for row in hub.run("parties") if row["party_id"] == party_id)


def test_a_role_that_its_platform_dropped_may_be_registered_by_another(hub: Hub, make_peer: MakePeer) -> None:
    old = make_peer()
    token = hub.register(old, CPO, NSP)
    assert call(hub, "PUT", token, old.credentials(CPO))["status_code"] == 1000
    hub.register(make_peer(), ("EMSP", "BE", "BEC"), NSP)
    assert hub.statuses()["BE-BEC", "NSP"] == "CONNECTED"
    assert platform_of(hub, "BEC") == "BE-BEC"


def test_a_party_that_its_platform_dropped_may_be_invited(hub: Hub, make_peer: MakePeer) -> None:
    old, new = make_peer(), make_peer()
    token = hub.register(old, CPO, NSP)
    assert call(hub, "PUT", token, old.credentials(CPO))["status_code"] == 1000
    token_a = hub.invite("BE", "BEC", "NSP")
    assert call(hub, "POST", token_a, new.credentials(NSP))["status_code"] == 1000
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("BE-BEC", "NSP"): "CONNECTED"}
    assert {platform_of(hub, "TNM"), platform_of(hub, "BEC")} == {"NL-TNM", "BE-BEC"}


def test_one_invitation_brings_a_whole_platform_back(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    unregistered_pair(hub, peer)
    token_a = hub.invite("BE", "BEC", "NSP")
    assert call(hub, "POST", token_a, peer.credentials(CPO, NSP))["status_code"] == 1000
    assert set(hub.statuses().values()) == {"CONNECTED"}
    assert [row["platform"] for row in hub.run("platforms")] == ["NL-TNM"]


def test_each_party_of_an_unregistered_platform_may_have_an_invitation_of_its_own(hub: Hub, make_peer: MakePeer) -> None:
    unregistered_pair(hub, make_peer())
    first, second = hub.invite("NL", "TNM", "CPO"), hub.invite("BE", "BEC", "NSP")
    assert call(hub, "POST", first, make_peer().credentials(CPO))["status_code"] == 1000
    assert call(hub, "POST", second, make_peer().credentials(NSP))["status_code"] == 1000
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("BE-BEC", "NSP"): "CONNECTED"}


def test_a_role_of_a_platform_that_is_invited_again_is_not_free(hub: Hub, make_peer: MakePeer) -> None:
    unregistered_pair(hub, make_peer())
    hub.invite("NL", "TNM", "CPO")
    other = hub.invite("DE", "ABC", "EMSP")
    refused = call(hub, "POST", other, make_peer().credentials(("EMSP", "DE", "ABC"), CPO))
    assert refused["status_code"] == 2001
    assert "roles[1]=CPO NL-TNM" in refused["status_message"]


def test_a_role_planned_for_a_registered_platform_is_not_free(hub: Hub, make_peer: MakePeer) -> None:
    token = hub.invite("NL", "TNM", "CPO", "EMSP")
    assert call(hub, "POST", token, make_peer().credentials(CPO))["status_code"] == 1000
    other = hub.invite("DE", "ABC", "EMSP")
    refused = call(hub, "POST", other, make_peer().credentials(("EMSP", "NL", "TNM")))
    assert refused["status_code"] == 2001


def test_a_platform_back_from_suspension_owes_itself_a_get(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    token = hub.register(peer, CPO)
    hub.run("suspend", "NL", "TNM")
    hub.invite("DE", "ABC", "EMSP")
    assert call(hub, "PUT", token, peer.credentials(CPO, ("EMSP", "NL", "TNM")))["status_code"] == 1000
    [back] = [row for row in hub.run("platforms") if row["platform"] == "NL-TNM"]
    assert (back["status"], back["behind"]) == ("CONNECTED", 0)


def test_a_message_that_is_answered_404_or_405_is_a_message(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    token = hub.register(peer, CPO)
    for method, path, http_status in (("GET", "/ocpi/2.2.1/nothing/here", 404), ("PATCH", "/ocpi/versions", 405)):
        with hub.app.app_context(), write():
            presence.probes_failed(dict.fromkeys(db.session.scalars(select(Platform.id)), "gone"))
        assert hub.statuses() == {("NL-TNM", "CPO"): "OFFLINE"}
        assert hub.call(method, path, token).status_code == http_status
        assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED"}


def queries(hub: Hub, do: Callable[[], object]) -> int:
    """How many statements the database is sent, new rows apart: SQLite takes those one by one."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    with listening(hub.app, note):
        do()
    return sum(not statement.startswith("INSERT") for statement in seen)


def test_registering_many_roles_takes_no_query_per_role(hub: Hub) -> None:
    def register(count: int) -> None:
        connect(hub.app, *(("CPO", "NL", f"{count:02}{number:01X}") for number in range(count)))

    assert queries(hub, lambda: register(15)) == queries(hub, lambda: register(3))


def test_hearing_many_offline_platforms_takes_no_query_per_platform(hub: Hub) -> None:
    ids = [connect(hub.app, ("CPO", "NL", f"A{number:02}")) for number in range(20)]

    def drop_and_hear(count: int) -> None:
        with hub.app.app_context(), write():
            presence.probes_failed(dict.fromkeys(ids[:count], "gone"))
        with hub.app.app_context(), write():
            presence.heard(dict.fromkeys(ids[:count], db.session.scalars(select(Platform.last_heard_at)).first()))  # type: ignore[arg-type]

    assert queries(hub, lambda: drop_and_hear(20)) == queries(hub, lambda: drop_and_hear(2))
