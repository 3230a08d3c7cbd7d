"""A party that pulls from a hub on loopback, and what came of it."""

from typing import Any

from flask import Flask

from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.platforms import connections
from hubinfo.receiver.pull import Pull
from hubinfo.receiver.sync import Sync, hubs
from tests.support.hub_peer import HubPeer, client_info, connect_hub
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
