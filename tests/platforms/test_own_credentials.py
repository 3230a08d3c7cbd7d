"""What this platform says of itself is complete: peers with strict models want every field (OCPI 2.2.1 credentials)."""

from typing import Any

import pytest

from tests.support.apps import MakeApp
from tests.support.live import Hub
from tests.support.peers import Peer


def details(hub: Hub, peer: Peer) -> dict[str, Any]:
    """Of our first role, as the answer to POST credentials has it."""
    token = hub.register(peer, ("CPO", "NL", "TNM"))
    answer = hub.call("GET", "/ocpi/2.2.1/credentials", token).json
    assert answer is not None
    found: dict[str, Any] = answer["data"]["roles"][0]["business_details"]
    return found


def test_what_is_not_set_is_null(hub: Hub, peer: Peer) -> None:
    assert details(hub, peer) == {"name": "hubinfo", "website": None, "logo": None}


@pytest.mark.parametrize(("url", "kind"), [("https://x.example/logo.SVG", "svg"), ("https://x.example/logo", "png")])
def test_website_and_logo_are_those_of_the_settings(make_app: MakeApp, peer: Peer, url: str, kind: str) -> None:
    hub = Hub(make_app(website="https://x.example/about", logo_url=url))
    logo = {"url": url, "category": "OPERATOR", "type": kind}
    assert details(hub, peer) == {"name": "hubinfo", "website": "https://x.example/about", "logo": logo}
