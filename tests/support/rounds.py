"""A round of pushes or of still-alive checks, over what a test answers, and what requests came to."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import select

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.hub.keepalive import Keepalive
from hubinfo.hub.push import Push
from hubinfo.models import ClientInfo
from hubinfo.ocpi.client import Answer, Outcome, PeerError
from hubinfo.platforms import connections
from tests.support.hubs import OK, AnsweringClient, SetClock, connect, stored


def ok(seconds: float = 0.1) -> Outcome:
    return Answer(200, 1000, None, seconds)


def fault(reason: str, *, permanent: bool = False, seconds: float | None = 0.5) -> Outcome:
    error = PeerError(reason, permanent=permanent)
    error.seconds = seconds
    return error


def push(app: Flask, answer: Callable[[Any], Outcome], now: clock.Clock = clock.now) -> None:
    """Everybody is told what is to be told."""
    client: Any = AnsweringClient(answer)
    with app.app_context():
        Push(app, client, connections().vault, current_settings(), now=now).run()


def keepalive(app: Flask, answer: Callable[[Any], Outcome], now: clock.Clock = clock.now) -> None:
    """Everybody who is due is asked."""
    client: Any = AnsweringClient(answer)
    with app.app_context():
        Keepalive(app, client, connections().vault, current_settings(), now=now).run()


HANGS = PeerError("timed out after 10 s")


REFUSES = PeerError("HTTP 200, OCPI 2001: no", permanent=True)


def push_with(app: Flask, answer: Callable[[Any], Outcome], clock: SetClock | None = None) -> tuple[Push, AnsweringClient]:
    client = AnsweringClient(answer)
    with app.app_context():
        push = Push(app, client, connections().vault, current_settings(), now=clock or SetClock())  # type: ignore[arg-type]
    return push, client


GONE = PeerError("connection refused")


class Watch:
    """A keep-alive over platforms of which some are dead."""

    def __init__(self, app: Flask, platforms: int) -> None:
        self.app, self.clock = app, SetClock()
        self.dead: set[int] = set()
        self.client = AnsweringClient(self._answer)
        with app.app_context():
            shared, settings = connections(), current_settings()
            self.keepalive = Keepalive(app, self.client, shared.vault, settings, now=self.clock)  # type: ignore[arg-type]
        self.ids = [connect(app, ("CPO", "NL", f"A{number:02}")) for number in range(platforms)]
        self.hear(*self.ids)

    def _answer(self, request: Any) -> Outcome:
        return GONE if request.platform_id in self.dead else OK

    def hear(self, *platform_ids: int) -> None:
        with self.app.app_context(), write():
            presence.heard(dict.fromkeys(platform_ids, self.clock.time))

    def pass_seconds(self, seconds: float) -> list[int]:
        """Whom a run after so much time asks."""
        self.clock.pass_seconds(seconds)
        self.client.requests.clear()
        self.keepalive.run()
        return [request.platform_id for request in self.client.requests]

    def statuses(self) -> list[str]:
        return [stored(self.app, platform_id)["status"] for platform_id in self.ids]


def suspend(app: Flask, party: str) -> None:
    with app.app_context(), write() as session:
        presence.suspended(session.scalars(select(ClientInfo).where(ClientInfo.party == party)).all())


def resume(app: Flask, party: str) -> None:
    with app.app_context(), write() as session:
        presence.resumed(session.scalars(select(ClientInfo).where(ClientInfo.party == party)).all())
