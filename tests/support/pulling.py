"""A party that pulls from a hub on loopback, and what came of it."""

from typing import Any

from flask import Flask

from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.ocpi.client import Answer, Outcome, PeerError
from hubinfo.platforms import connections
from hubinfo.receiver.pull import Pull
from hubinfo.receiver.sync import Sync, hubs
from tests.support.hub_peer import HubPeer, client_info, connect_hub
from tests.support.hubs import AnsweringClient, SetClock, stored
from tests.support.live import Hub
from tests.support.receivers import put

ALL = ["A00", "A01", "A02", "A03", "A04"]


def parties(*numbers: int) -> list[dict[str, Any]]:
    """`NL-A00` and so on, as a hub lists them."""
    return [client_info(f"NL-A{number:02}") for number in numbers]


def two_on_a_page(hub_peer: HubPeer) -> HubPeer:
    """It lists five parties."""
    hub_peer.listed, hub_peer.page_limit = parties(*range(5)), 2
    return hub_peer


def told_before(app: Flask, hub_peer: HubPeer) -> Hub:
    """Registered with the hub, which has told it of NL-OLD and NL-A00."""
    connect_hub(app, peer=hub_peer)
    party = Hub(app)
    for told in ("NL-OLD", "NL-A00"):
        assert put(party, client_info(told), told.replace("-", "/")).status_code == 201
    return party


def pull(party: Hub) -> Pull:
    """A full pull from the one hub, now."""
    with party.app.app_context():
        shared = connections()
        [made] = Sync(party.app, shared.client, shared.vault, current_settings()).pull(hubs(db.session()))
    return made


def numbers(party: Hub, *, valid: bool = True) -> list[str]:
    """The parties that are valid, or not."""
    return sorted(row["party_id"] for row in party.run("known") if row["valid"] == valid)


class Pulls:
    """A party that pulls from hubs nobody serves, at a time that a test sets."""

    def __init__(self, app: Flask, hubs: int = 1) -> None:
        self.app, self.clock = app, SetClock()
        self.broken: set[int] = set()
        self.client = AnsweringClient(self._answer)
        with app.app_context():
            self.sync = Sync(app, self.client, connections().vault, current_settings(), now=self.clock)  # type: ignore[arg-type]
        self.ids = [connect_hub(app, f"DE-H{number:02}") for number in range(hubs)]

    def _answer(self, request: Any) -> Outcome:
        return BROKEN if request.platform_id in self.broken else NOTHING

    def after(self, seconds: float) -> list[int]:
        """Whom a run after so much time asks."""
        self.clock.pass_seconds(seconds)
        self.client.requests.clear()
        with self.app.app_context():
            is_due = self.sync.due()
        self.sync.run()
        assert is_due == bool(self.client.requests)
        return [request.platform_id for request in self.client.requests]

    def wait(self, platform_id: int) -> float:
        """Until the next pull."""
        return float((stored(self.app, platform_id)["next_sync_at"] - self.clock.time).total_seconds())


BROKEN = PeerError("HTTP 500", http_status=500)


NOTHING = Answer(200, 1000, [], 0.001)
