"""Registering an instance with a platform of another make."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from tests.support.commands import error_of, json_of
from tests.support.field import FieldHub, FieldPlatform
from tests.support.instances import Instance

MakeHub = Callable[..., FieldHub]
MakePlatform = Callable[..., Any]


def register(party: Instance, hub: FieldPlatform, *options: str) -> Any:
    return json_of(party.app, "register", hub.versions_url, hub.token_a, *options)


def http_status(party: Instance, token: str, path: str = "/ocpi/versions", method: str = "GET") -> int:
    return party.request(method, path, token, json={} if method == "PUT" else None).status_code


def refused(app: Flask, *arguments: str) -> str:
    """The one line; fails the test when anything is stored."""
    said = error_of(app, "register", *arguments)
    assert [json_of(app, stored) for stored in ("platforms", "parties", "known")] == [[], [], []]
    return said


def refused_by(hub: FieldPlatform, party: Instance) -> str:
    return refused(party.app, hub.versions_url, hub.token_a)
