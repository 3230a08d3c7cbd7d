"""PUT credentials makes everything due at once, and what was under way before does not take it back."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.models import ClientInfo, Platform, Refusal
from hubinfo.ocpi.client import Outcome, PeerError
from hubinfo.platforms import connections
from tests.support.hubs import OK, connect, stored
from tests.support.live import Hub
from tests.support.peers import Peer
from tests.support.rounds import GONE, Watch, push_with

pytestmark = pytest.mark.both_databases("what a batch may write depends on what another transaction has written")
CPO, EMSP = ("CPO", "NL", "TNM"), ("EMSP", "BE", "BEC")


def renew(app: Flask, platform_id: int) -> None:
    """As PUT credentials does, in another process."""
    with app.app_context(), write() as session:
        platform = session.get_one(Platform, platform_id)
        platform.token_out = connections().vault.encrypt("another-token-b")
        platform.failed_pushes, platform.push_reason, platform.next_push_at = 0, None, None


def test_what_waited_waits_no_longer(hub: Hub, peer: Peer) -> None:
    token = hub.register(peer, CPO)
    connect(hub.app, EMSP, receiver=False)
    later = clock.now() + timedelta(hours=1)
    with hub.app.app_context(), write() as session:
        platform, row = session.get_one(Platform, 1), session.query(ClientInfo).filter_by(party_id="BEC").one()
        platform.failed_pushes, platform.push_reason, platform.next_push_at = 7, "HTTP 429", later
        platform.failed_probes, platform.next_probe_at, platform.probe_reason = 1, later, "timed out"
        session.add(Refusal(platform_id=1, client_info_id=row.id, at=later, reason="HTTP 500", attempts=5, next_at=later))
    assert hub.call("PUT", "/ocpi/2.2.1/credentials", token, json=peer.credentials(CPO)).status_code == 200
    found = stored(hub.app, 1)
    assert [found[name] for name in ("failed_pushes", "push_reason", "next_push_at")] == [0, None, None]
    assert [found[name] for name in ("failed_probes", "probe_reason", "next_probe_at")] == [0, None, None]
    with hub.app.app_context():
        [next_at] = db.session.scalars(db.select(Refusal.next_at))
    assert next_at <= clock.now()


@pytest.mark.parametrize("error", [PeerError("HTTP 429", http_status=429, retry_after_seconds=3600), GONE, PeerError("HTTP 401")])
def test_a_push_that_fails_after_it_does_not_bring_the_wait_back(app: Flask, error: PeerError) -> None:
    receiver, seen = connect(app, CPO), list[str]()
    connect(app, EMSP, receiver=False)

    def answer(put: Any) -> Outcome:
        seen.append(put.token)
        if len(seen) > 1:
            return OK
        renew(app, receiver)
        pushing.want()
        return error

    pushing, _ = push_with(app, answer)
    pushing.run()
    pushing.run()
    assert stored(app, receiver)["next_push_at"] is None
    assert stored(app, receiver)["failed_pushes"] == 0
    assert seen[1:] == ["another-token-b"], "it is told at once, with the new token"


def test_a_probe_that_fails_after_it_is_no_failed_probe(app: Flask) -> None:
    watch = Watch(app, 1)

    def answer(_request: Any) -> Outcome:
        renew(app, watch.ids[0])
        return GONE

    watch.client.answer = answer
    assert watch.pass_seconds(301) == watch.ids
    assert stored(app, watch.ids[0])["failed_probes"] == 0
