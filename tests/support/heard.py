"""Who asks /api/heard, and whose messages it is asked about."""

from datetime import timedelta
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from hubinfo import clock
from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.models import Platform
from hubinfo.platforms import connections, handshake
from hubinfo.platforms.directory import Directory
from hubinfo.platforms.vault import digest
from tests.support.hubs import connect
from tests.support.live import Hub

TOKEN = "the-token-c-of-a-platform"


CPO, EMSP = ("CPO", "NL", "TNM"), ("EMSP", "BE", "BEC")


def connected(app: Flask, *roles: tuple[str, str, str], token: str = TOKEN) -> int:
    """A registered platform that presents this token; its id."""
    platform_id = connect(app, *roles)
    with app.app_context(), write() as session:
        session.get_one(Platform, platform_id).token_hash = digest(token)
    return platform_id


def ask(app: Flask, token: str | None = TOKEN, method: str = "GET", **headers: str) -> TestResponse:
    """As a proxy does."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        sent["Authorization"] = f"Token {token}"
    return app.test_client().open("/api/heard", method=method, headers=sent)


def named(response: TestResponse) -> list[str | None]:
    """Platform, party and role, as the headers name them."""
    return [response.headers.get(f"X-Hubinfo-{name}") for name in ("Platform", "Country-Code", "Party-Id", "Role")]


def directory_of(app: Flask) -> Directory:
    with app.app_context():
        return connections().directory


def set_offline(app: Flask, platform_id: int) -> None:
    with app.app_context(), write():
        presence.probes_failed({platform_id: "gone"})


def unregister(app: Flask, platform_id: int) -> None:
    with app.app_context(), write() as session:
        handshake.forget(session.get_one(Platform, platform_id))


def suspend(app: Flask, _platform_id: int) -> None:
    Hub(app).run("suspend", "NL", "TNM")


def is_watched(app: Flask) -> bool:
    return directory_of(app).is_watched


def heard_long_ago(app: Flask, *roles: tuple[str, str, str]) -> int:
    """A platform that was heard an hour ago; its id."""
    platform_id = connect(app, *roles)
    change(app, platform_id, last_heard_at=clock.now() - timedelta(hours=1))
    return platform_id


def change(app: Flask, platform_id: int, **values: Any) -> None:
    with app.app_context(), write() as session:
        platform = session.get_one(Platform, platform_id)
        for name, value in values.items():
            setattr(platform, name, value)
