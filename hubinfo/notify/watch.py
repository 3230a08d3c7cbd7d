"""Finds what is to be told, and puts it into the outbox in the same transaction in which it is noted as told."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.config import Settings
from hubinfo.database import db, write
from hubinfo.models import Concern
from hubinfo.notify import outbox
from hubinfo.notify.channels import WEBHOOK
from hubinfo.notify.compare import Change, Comparison, News
from hubinfo.notify.condition import Kept
from hubinfo.notify.kinds import NAMES, TYPES, spread
from hubinfo.notify.outbox import Event
from hubinfo.notify.patience import Patience

_ABOUT = {name: names.about for names in NAMES.values() for name in (names.begins, names.ends, names.flapping) if name}
_ALONE = "own_fault."


class Watch:
    """Looks now and then. Used by one thread at a time."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        channels: Collection[str],
        *,
        may_run: Callable[[], bool] = lambda: True,
        now: clock.Clock = clock.now,
    ) -> None:
        self._app = app
        self._settings = settings
        self._channels = channels
        self._may_run = may_run
        self._now = now
        self._patience = Patience(timedelta(seconds=settings.notify_group_seconds), spread(settings))
        self._has_looked = False

    def look(self) -> bool:
        """Note what has changed; put what is news into the outbox once it has waited for more of it. Whether it may do so."""
        if not self._may_run():
            self._patience.forget()
            return False
        with self._app.app_context():
            if not self._has_looked:
                outbox.forget_all_but(self._channels)
                self._has_looked = True
            now = self._now()
            silent, due = self._find(now)
            if silent or due:
                self._store(now, due)
            if silent:
                self._find(now)  # what has just been noted may be news: its time begins to count
        return True

    def _find(self, now: datetime) -> tuple[bool, set[str]]:
        """Whether there are changes to be noted, and the types of news that have waited for more long enough."""
        changes = Comparison(db.session(), self._settings, now).changes()
        db.session.rollback()
        due = self._patience.due([change.news for change in changes if change.news], now)
        return any(change.news is None for change in changes), due

    def _store(self, now: datetime, due: Collection[str]) -> None:
        with write() as session:
            comparison = Comparison(session, self._settings, now)
            changes = [change for change in comparison.changes() if change.news is None or change.news.type in due]
            for change in changes:
                _apply(session, comparison.concerns.get(change.key), change)
            events = events_of([change.news for change in changes if change.news], now, self._settings.party)
            if events:
                self._put(session, events, now)
        self._patience.told(due, now)

    def _put(self, session: Session, events: Sequence[Event], now: datetime) -> None:
        """A webhook gets an event at a time, everybody else all of them in one message."""
        for channel in self._channels:
            for message in [[event] for event in events] if channel == WEBHOOK else [events]:
                outbox.put(session, channel, message, now)


def _apply(session: Session, kept: Kept | None, change: Change) -> None:
    kind, subject = change.key
    if kept is None:
        session.execute(insert(Concern).values(kind=kind.value, subject=subject, **(change.values or {})))
    elif change.values is None:
        session.execute(delete(Concern).where(Concern.id == kept.id))
    else:
        session.execute(update(Concern).where(Concern.id == kept.id).values(**change.values))


def events_of(news: Sequence[News], now: datetime, sender: str) -> list[Event]:
    """One event of each type, about all that it has happened to."""
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in news:
        grouped[item.type].append(item.facts())
    at = clock.render(now)
    return [
        {"type": name, "timestamp": at, "data": {"sender": sender, **_about(name, grouped[name])}}
        for name in TYPES
        if name in grouped
    ]


def _about(name: str, facts: list[dict[str, Any]]) -> dict[str, Any]:
    return facts[0] if name.startswith(_ALONE) else {_ABOUT[name]: facts}
