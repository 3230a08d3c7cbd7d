"""A round of pushes or of still-alive checks, over what a test answers, and what requests came to."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.hub.keepalive import Keepalive
from hubinfo.hub.push import Push
from hubinfo.ocpi.client import Answer, Outcome, PeerError
from hubinfo.platforms import connections
from tests.support.hubs import AnsweringClient


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
