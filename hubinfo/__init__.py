"""hubinfo: OCPI HubClientInfo for a roaming hub and the parties connected to it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from hubinfo.settings import Settings

__version__ = "0.1.0"


def create_app(
    overrides: Mapping[str, object] | None = None, *, production: bool = False, instance_path: Path | None = None
) -> Flask:
    """Put the parts together; starts nothing, opens nothing.

    `overrides` are settings by lower-case name that win over file and environment. Raises SettingsError.
    """
    from hubinfo import config, database, hub, operator, platforms, receiver, schema, web
    from hubinfo.ocpi.dialect import HUB

    folder = Path(os.environ.get("HUBINFO_INSTANCE_PATH") or instance_path or "instance").absolute()
    settings = config.load(folder, production=production, overrides=overrides)
    app = Flask("hubinfo", instance_path=str(folder))
    database.init_app(app, settings.database_url)
    schema.init_app(app)
    web.init_app(app)
    platforms.init_app(app)
    if HUB in settings.roles:
        hub.init_app(app)
    if set(settings.roles) - {HUB}:
        receiver.init_app(app)
    operator.init_app(app)
    equip(app, settings)
    return app


def equip(app: Flask, settings: "Settings") -> None:
    """Give the app its settings and all that it keeps in memory, in place of what it had.

    Its routes and its database stay, so the settings may differ in anything but `database_url`, and in `roles` as far as they
    decide whether the app is a hub, a party or both.
    """
    from hubinfo import logs, operator, platforms
    from hubinfo.hub import presence
    from hubinfo.ocpi.client import Client
    from hubinfo.ocpi.guard import Guard
    from hubinfo.platforms.heard import Heard
    from hubinfo.platforms.keys import keys_of
    from hubinfo.platforms.vault import Vault

    app.instance_path = str(settings.instance_path)
    app.extensions["hubinfo.settings"] = settings
    logs.init_app(app, settings.log_format)
    client = Client(
        Guard(settings.allow_private_networks, settings.allow_http),
        timeout_seconds=settings.request_timeout_seconds,
        concurrency=settings.push_concurrency,
        certificates=settings.certificates,
        strict=settings.strict,
        agent=f"hubinfo/{__version__} (OCPI {', '.join(settings.versions)})",
    )
    vault = Vault(lambda: keys_of(settings))
    platforms.equip(app, platforms.Connections(client, vault, presence, Heard()))
    operator.equip(app)
