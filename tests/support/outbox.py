"""The outbox, and a channel that keeps what it is given."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from hubinfo.database import db, write
from hubinfo.models import Notification
from hubinfo.notify import outbox
from hubinfo.notify.channel import NotSent
from hubinfo.notify.courier import Courier
from hubinfo.notify.outbox import Message
from tests.support.hubs import SetClock

EVENT: dict[str, Any] = {"type": "party.back", "timestamp": "2030-01-01T00:00:00.000Z", "data": {"parties": []}}


class Recorder:
    """A channel that notes what it is given, and fails with what `fails` says."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.fails: Exception | None = None
        self.refuses: str | None = None
        self.while_sending: Callable[[], object] = lambda: None

    def send(self, message: Message) -> None:
        self.ids.append(message.id)
        self.while_sending()
        if self.fails:
            raise self.fails
        if message.id == self.refuses:
            raise NotSent("this one never")


def put(app: Flask, clock: SetClock, *channels: str) -> None:
    with app.app_context(), write() as session:
        for channel in channels:
            outbox.put(session, channel, [EVENT], clock())


def waiting(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Notification)) or 0


def courier(app: Flask, clock: SetClock, channel: Recorder, name: str = "mail", **options: Any) -> Courier:
    return Courier(app, name, channel, now=clock, **options)
