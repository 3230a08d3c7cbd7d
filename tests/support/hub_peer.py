"""A hub that this project did not write: on loopback, with a list in pages, as good or bad as a test asks."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask

from hubinfo import clock
from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.models import Platform
from hubinfo.platforms import connections, handshake
from hubinfo.platforms.vault import digest
from tests.support.hubs import connect
from tests.support.peers import Handler, Peer

TOLD_AT = "2026-01-01T00:00:00Z"
LIST = "hubclientinfo"


def client_info(party: str = "NL-TNM", role: str = "CPO", status: str = "CONNECTED", **others: Any) -> dict[str, Any]:
    """As a hub tells it; a member that is None is left out."""
    country_code, _, party_id = party.partition("-")
    told = {"country_code": country_code, "party_id": party_id, "role": role, "status": status, "last_updated": TOLD_AT}
    return {name: value for name, value in (told | others).items() if value is not None}


class HubPeer(Peer):
    """A hub: change its attributes, or say what happens `before_page`."""

    def __init__(self, party: str = "DE-HUB", **options: Any) -> None:
        self.party = party
        self.listed: list[Any] = []
        self.page_limit = 100
        self.heeds_limit = self.heeds_offset = self.sends_link = self.sends_count = True
        self.before_page: Callable[[int], object] = lambda number: None
        super().__init__(**options)

    @property
    def list_url(self) -> str:
        return f"{self.base}/{self.versions[0]}/{LIST}"

    def endpoints(self, version: str) -> list[dict[str, str]]:
        sender = {"identifier": LIST, "role": "SENDER", "url": f"{self.base}/{version}/{LIST}"}
        return [*super().endpoints(version), sender]

    def _behave_well(self, handler: Handler) -> None:
        path = urlsplit(handler.path).path
        if handler.command == "GET" and path.endswith(f"/{LIST}"):
            self._list(handler)
        elif path.endswith("/credentials"):
            self._credentials(handler)
        else:
            super()._behave_well(handler)

    def _list(self, handler: Handler) -> None:
        query = {name: int(values[0]) for name, values in parse_qs(urlsplit(handler.path).query).items()}
        self.before_page(self.pages)
        offset = query.get("offset", 0) if self.heeds_offset else 0
        limit = min(query.get("limit", self.page_limit), self.page_limit) if self.heeds_limit else len(self.listed) or 1
        headers = {"X-Limit": str(self.page_limit)}
        if self.sends_count:
            headers["X-Total-Count"] = str(len(self.listed))
        if self.sends_link and offset + limit < len(self.listed):
            headers["Link"] = f'<{self.list_url}?offset={offset + limit}&limit={limit}>; rel="next"'
        handler.answer(self.listed[offset : offset + limit], headers=headers)

    def _credentials(self, handler: Handler) -> None:
        """Registers whoever comes, and calls nobody back."""
        handler.answer(None if handler.command == "DELETE" else self.credentials(("HUB", self.party[:2], self.party[3:])))

    @property
    def pages(self) -> int:
        """How many pages have been asked for."""
        return len(self.queries)

    @property
    def queries(self) -> list[dict[str, list[str]]]:
        """The query of each page asked for."""
        asked = [urlsplit(seen.path) for seen in list(self.received) if seen.method == "GET"]
        return [parse_qs(url.query) for url in asked if url.path.endswith(f"/{LIST}")]


def connect_hub(app: Flask, party: str = "DE-HUB", *, peer: HubPeer | None = None, version: str = "2.2.1") -> int:
    """A hub with which we are registered, the peer or one that nobody serves; it presents `token_of(party)`. Its id."""
    country_code, _, party_id = party.partition("-")
    platform_id = connect(app, ("HUB", country_code, party_id), version=version)
    base = peer.base if peer else f"http://{party}.test"
    with app.app_context(), write() as session:
        platform = session.get_one(Platform, platform_id)
        platform.name, platform.token_hash = party, digest(token_of(party))
        platform.token_out = connections().vault.encrypt(f"our-token-at-{party}")
        platform.versions_url, platform.receiver_url = f"{base}/versions", f"{base}/{version}/receiver"
        platform.sender_url = f"{base}/{version}/{LIST}"
    return platform_id


def token_of(party: str) -> str:
    """What a hub made by `connect_hub` presents to us."""
    return f"token-of-{party}"


def set_status(app: Flask, platform_id: int, status: str) -> None:
    """The connection to a hub becomes this, as for any platform."""
    with app.app_context(), write() as session:
        platform = session.get_one(Platform, platform_id)
        if status == "OFFLINE":
            presence.probes_failed({platform_id: "gone"})
        elif status == "SUSPENDED":
            presence.suspended(platform.client_infos)
        elif status == "unregistered":
            handshake.forget(platform)
        elif status == "CONNECTED":
            presence.heard({platform_id: clock.now()})
