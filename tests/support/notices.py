"""A hub whose parties become what a test says when it says so, and what its operator is told of it."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import delete, select, update

from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.hub import feed, presence
from hubinfo.models import Activity, ClientInfo, Concern, History, Notification, Platform
from hubinfo.notify import words
from hubinfo.notify.outbox import Message
from hubinfo.notify.watch import Watch
from tests.support.hubs import SetClock, connect

Told = list[tuple[str, list[str]]]
EVENTS = {"OFFLINE": "probe_failed", "CONNECTED": "heard", "SUSPENDED": "unregistered", "PLANNED": "invited"}


class Desk:
    """Time passes for it only when a test says so."""

    def __init__(self, app: Flask, channels: Sequence[str] = ("mail",), clock: SetClock | None = None) -> None:
        self.app = app
        self.clock = clock or SetClock()
        self._channels = channels
        with app.app_context():
            self.settings = current_settings()
        self.start_anew()

    def start_anew(self) -> None:
        """As another process would: what is only in memory is lost."""
        self.watch = Watch(self.app, self.settings, self._channels, now=self.clock)

    def passes(self, seconds: float, step: float = 30) -> None:
        """Look now, and every few seconds for so long."""
        end = self.clock.time + timedelta(seconds=seconds)
        self.watch.look()
        while self.clock.time < end:
            self.clock.pass_seconds(min(step, (end - self.clock.time).total_seconds()))
            self.watch.look()

    def after(self, seconds: float, step: float = 30) -> Told:
        """What has been told meanwhile, or before and was not read."""
        self.passes(seconds, step)
        return self.told()

    def message_after(self, seconds: float) -> Message:
        """The one message there is then."""
        self.passes(seconds)
        [message] = self.messages()
        return message

    def told(self) -> Told:
        """The types of all events, and whom each is about; read once."""
        return [(event["type"], names(event)) for message in self.messages() for event in message.events]

    def messages(self) -> list[Message]:
        """What waits to be sent; read once."""
        with self.app.app_context(), write() as session:
            rows = session.scalars(select(Notification).order_by(Notification.id)).all()
            found = [Message(row.message_id, row.made_at, row.events) for row in rows]
            session.execute(delete(Notification))
        return found

    def subject(self, message: Message) -> str:
        return words.subject(message, self.settings.party)

    def text(self, message: Message) -> str:
        return words.text(message, self.settings)

    def connect(self, *parties: str, role: str = "CPO") -> None:
        """Platforms of one party each, e.g. NL-TNM, CONNECTED."""
        for party in parties:
            connect(self.app, (role, *party.split("-")))  # type: ignore[arg-type]
        self.become("CONNECTED", *parties, event="registered")

    def become(self, status: str, *parties: str, event: str | None = None, reason: str | None = None) -> None:
        """From now on."""
        now = self.clock()
        with self.app.app_context(), write() as session:
            for row in session.scalars(select(ClientInfo).where(ClientInfo.party.in_(parties))):
                row.status, row.status_since, row.platform.status = status, now, status
                row.platform.probe_reason = "connection refused" if status == "OFFLINE" else None
                line = {"event": event or EVENTS[status], "status": status, "reason": reason}
                session.add(History(client_info=row, at=now, **line))

    def change_platform(self, party: str, **columns: Any) -> None:
        with self.app.app_context(), write() as session:
            platform = session.scalars(select(ClientInfo).where(ClientInfo.party == party)).one().platform
            for name, value in columns.items():
                setattr(platform, name, value)

    def platform_of(self, party: str) -> str:
        """Its short name."""
        with self.app.app_context():
            return db.session.scalars(select(ClientInfo).where(ClientInfo.party == party)).one().platform.name

    def newest_revision(self) -> int:
        with self.app.app_context():
            return feed.newest_revision(db.session())

    def all_know_all(self) -> None:
        with self.app.app_context(), write() as session:
            newest = feed.newest_revision(session)
            session.execute(update(Platform).values(told_revision=newest, failed_pushes=0, push_reason=None))

    def all_fail(self, failures: int = 2) -> None:
        """As the keep-alive writes it when no platform answers."""
        with self.app.app_context(), write() as session:
            session.execute(update(Platform).values(failed_probes=failures, failing_since=self.clock(), probe_reason="timed out"))

    def hears(self, party: str) -> None:
        """Its platform has sent something."""
        with self.app.app_context(), write() as session:
            row = session.scalars(select(ClientInfo).where(ClientInfo.party == party)).one()
            presence.heard({row.platform_id: self.clock()})

    def answers(self, party: str) -> None:
        """Its platform has answered a still-alive check."""
        self.hears(party)
        with self.app.app_context(), write() as session:
            row = session.scalars(select(ClientInfo).where(ClientInfo.party == party)).one()
            session.add(Activity(at=self.clock(), kind="probe", platform_id=row.platform_id, outcome="ok"))

    def concerns(self) -> list[tuple[str, str]]:
        """What is kept."""
        with self.app.app_context():
            return sorted((row.kind, row.subject) for row in db.session.scalars(select(Concern)))


def names(event: dict[str, Any]) -> list[str]:
    items = event["data"].get("parties") or event["data"].get("platforms") or []
    return [item.get("party") or item.get("platform") for item in items]


SECRET = f"whsec_{b64encode(bytes(range(32))).decode()}"
