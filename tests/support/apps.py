"""Apps that are used again: to route seventy URLs takes longer than most tests do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

from hubinfo import config, create_app, equip
from hubinfo.database import db
from hubinfo.ocpi.dialect import HUB
from hubinfo.worker import Worker
from tests.support.databases import SETTINGS

MakeApp = Callable[..., Flask]
_Routed = tuple[str, bool, bool]
"""What an app keeps for life: its database, and whether it is a hub, a party or both."""


def own_app(instance: Path, **overrides: object) -> Flask:
    """An app that no other test gets."""
    return create_app({**SETTINGS, **overrides}, instance_path=instance)


class Apps:
    """The apps of a test process that no test uses at the moment, by what they keep for life."""

    def __init__(self) -> None:
        self._idle: dict[_Routed, list[Flask]] = {}
        self._config: dict[Flask, dict[str, Any]] = {}

    def take(self, instance: Path, **overrides: object) -> Flask:
        """An app with these settings, by lower-case name, as if it had just been made."""
        settings = config.load(instance, overrides={**SETTINGS, **overrides})
        idle = self._idle.get(_routed(settings))
        if not idle:
            made = own_app(instance, **overrides)
            self._config[made] = dict(made.config)
            return made
        app = idle.pop()
        equip(app, settings)
        app.config.clear()
        app.config.update(self._config[app])
        return app

    def give_back(self, app: Flask) -> None:
        """Let other tests have it."""
        close(app)
        app.extensions.pop("hubinfo.worker", None)
        self._idle.setdefault(_routed(app.extensions["hubinfo.settings"]), []).append(app)


def close(app: Flask) -> None:
    """Close its connections to the database."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def _routed(settings: config.Settings) -> _Routed:
    return settings.database_url, HUB in settings.roles, bool(set(settings.roles) - {HUB})


def lead(worker: Worker) -> None:
    """Start it, and wait until it holds the lease."""
    worker.start()
    while worker.alive and not worker.leads:
        worker._thread.join(0.02)
