"""Messages that wait to be sent, each over one channel. What is written here is told, whatever happens to the process."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from hubinfo.database import db, write
from hubinfo.due import is_due
from hubinfo.models import Notification

FIRST_WAIT_SECONDS = 60.0
"""Longer than any channel takes, so that nobody sends again what is being sent."""
LONGEST_WAIT_SECONDS = 3600.0
GIVEN_UP_AFTER = timedelta(days=1)
_MAX_REASON = 255
Event = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """What happened, as it is sent."""

    id: str
    """The same in every attempt."""
    made_at: datetime
    events: Sequence[Event]


@dataclass(frozen=True)
class Entry:
    """A message, and how often it has been tried."""

    id: int
    attempts: int
    message: Message


def new_id() -> str:
    """Of a message, as Standard Webhooks writes them."""
    return f"msg_{secrets.token_hex(12)}"


def put(session: Session, channel: str, events: Sequence[Event], now: datetime) -> None:
    """Have this sent; inside write()."""
    session.add(
        Notification(channel=channel, message_id=new_id(), made_at=now, events=list(events), attempts=0, next_at=now, reason=None)
    )


def take(channel: str, now: datetime, after: int = 0) -> Entry | None:
    """The oldest message when any is due, or the next oldest after one that has been tried just now: what is told keeps its order.

    Its next attempt is planned before this one begins: should we die, another makes it.
    """
    if not after and not _begins(db.session(), channel, now):  # seldom does anybody need the lock of writers
        db.session.rollback()
        return None
    with write() as session:
        row = session.scalar(_of(channel).where(Notification.id > after))
        if row is None or (not after and not _begins(session, channel, now)):
            return None
        row.attempts += 1
        row.next_at = now + _wait(row.attempts)
        return Entry(row.id, row.attempts, Message(row.message_id, row.made_at, list(row.events)))


def _begins(session: Session, channel: str, now: datetime) -> bool:
    """Whether any is due, and the oldest is not being sent by another process, as far as can be known."""
    oldest = session.scalar(_of(channel))
    if oldest is None:
        return False
    started_at = oldest.next_at - _wait(oldest.attempts)
    if oldest.attempts > 0 and started_at <= now < started_at + _wait(1):
        return False
    return session.scalar(_of(channel).where(is_due(Notification.next_at, now, LONGEST_WAIT_SECONDS))) is not None


def _wait(attempts: int) -> timedelta:
    return timedelta(seconds=min(FIRST_WAIT_SECONDS * 2.0 ** min(attempts - 1, 20), LONGEST_WAIT_SECONDS))


def _of(channel: str) -> Select[Any]:
    return select(Notification).where(Notification.channel == channel).order_by(Notification.id).limit(1)


def hold_back(channel: str, now: datetime) -> None:
    """Have what is due wait for the next attempt at what could not be sent."""
    with write() as session:
        of_it = Notification.channel == channel
        until = session.scalar(select(func.min(Notification.next_at)).where(of_it, Notification.next_at > now))
        if until is not None:
            session.execute(update(Notification).where(of_it, Notification.next_at <= now).values(next_at=until))


def make_due(channel: str, now: datetime) -> None:
    """Whatever waits for this channel is to be tried at once."""
    with write() as session:
        session.execute(update(Notification).where(Notification.channel == channel).values(next_at=now))


def sent(message_ids: Collection[str]) -> None:
    """These need not be sent again. Not by their entries: SQLite gives the number of a deleted one to the next."""
    with write() as session:
        session.execute(delete(Notification).where(Notification.message_id.in_(message_ids)))


def failed(entry: Entry, reason: str) -> bool:
    """Note why; whether it is given up, since it would be tried next when it is more than a day old."""
    with write() as session:
        row = session.get(Notification, entry.id)
        if row is None:
            return False
        row.reason = reason[:_MAX_REASON]
        given_up = row.next_at - row.made_at > GIVEN_UP_AFTER
        if given_up:
            session.delete(row)
        return given_up


def forget_all_but(channels: Collection[str]) -> None:
    """What waits for a channel that is no longer configured will never be sent."""
    others = Notification.channel.not_in(channels)
    found = db.session.scalar(select(Notification.id).where(others).limit(1))
    db.session.rollback()
    if found is not None:
        with write() as session:
            session.execute(delete(Notification).where(others))


def oldest(session: Session) -> dict[str, tuple[int, datetime]]:
    """Of each channel for which any wait: how many, and when the first of them was made."""
    counted = select(Notification.channel, func.count(), func.min(Notification.made_at)).group_by(Notification.channel)
    return {row[0]: (row[1], row[2]) for row in session.execute(counted)}


def waiting(session: Session) -> list[tuple[str, int, str | None]]:
    """Of each channel that has any: its name, how many messages wait, and why one of them does."""
    counted = select(Notification.channel, func.count(), func.max(Notification.reason)).group_by(Notification.channel)
    return [(row[0], row[1], row[2]) for row in session.execute(counted.order_by(Notification.channel))]
