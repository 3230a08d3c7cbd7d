"""The Receiver of a party, called as a hub calls it."""

from typing import Any

from werkzeug.test import TestResponse

from tests.support.hub_peer import token_of
from tests.support.live import Hub

PATH = "/ocpi/{version}/receiver/hubclientinfo/{party}"
HUB = "DE-HUB"
OLDER, NEWER = "2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00.001Z"


def call(party: Hub, method: str, about: str = "NL/TNM", *, hub: str = HUB, version: str = "2.2.1", **options: Any) -> TestResponse:
    return party.call(method, PATH.format(version=version, party=about), token_of(hub), **options)


def put(party: Hub, told: Any, about: str = "NL/TNM", **options: Any) -> TestResponse:
    return call(party, "PUT", about, json=told, **options)


def get(party: Hub, about: str = "NL/TNM", **options: Any) -> Any:
    """The `data` of a GET; None when there is no such party."""
    response = call(party, "GET", about, **options)
    assert response.json is not None
    assert (response.status_code, response.json["status_code"]) in ((200, 1000), (404, 2000))
    return response.json.get("data")


def codes(response: TestResponse) -> tuple[int, int]:
    assert response.json is not None
    return response.status_code, response.json["status_code"]


def message(response: TestResponse) -> str:
    assert response.json is not None
    return str(response.json["status_message"])
