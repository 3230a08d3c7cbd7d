"""Connections: who is allowed to talk to us and how we talk to them."""

from dataclasses import dataclass, field

from flask import Flask, current_app

from hubinfo.ocpi.client import Client
from hubinfo.platforms.directory import Directory
from hubinfo.platforms.heard import Heard
from hubinfo.platforms.limits import Registrations
from hubinfo.platforms.parties import Parties
from hubinfo.platforms.vault import Vault


@dataclass(frozen=True)
class Connections:
    """What the rooms above and the views share, one per app."""

    client: Client
    vault: Vault
    parties: Parties
    heard: Heard
    directory: Directory = field(default_factory=Directory)
    registrations: Registrations = field(default_factory=Registrations)


def init_app(app: Flask) -> None:
    """Serve versions, version details and credentials."""
    from hubinfo.platforms import access, views

    access.init_app(app)
    views.init_app(app)


def equip(app: Flask, connections: Connections) -> None:
    """Let the app use these connections from here on."""
    app.extensions["hubinfo.connections"] = connections
    connections.directory.connect(app)


def connections() -> Connections:
    """The connections of the app whose context is active."""
    found = current_app.extensions["hubinfo.connections"]
    assert isinstance(found, Connections)
    return found
