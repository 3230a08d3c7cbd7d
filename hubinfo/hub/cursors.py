"""How far each platform has been told, in the database: read for all at once, written in batches."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, delete, or_, select, tuple_, update
from sqlalchemy.orm import Session

from hubinfo.due import is_come, is_due
from hubinfo.hub import activity
from hubinfo.hub.activity import Entry
from hubinfo.hub.feed import REVISION
from hubinfo.models import ConnectionStatus, Counter, Platform, Refusal
from hubinfo.ocpi.verdict import MAX_RETRY_AFTER_SECONDS

LONGEST_WAIT_SECONDS = MAX_RETRY_AFTER_SECONDS
"""No push is planned further ahead."""
WRONG_ANSWERS = 2
"""A row answered wrongly so often in a row is set aside, so that it delays no other."""
PROBE_AFTER_FAILURES = 2
"""Pushes that fail so often in a row make the keep-alive look at once."""


@dataclass(frozen=True)
class NotTaken:
    """A row that a platform did not take."""

    reason: str
    attempts: int = 0
    """How often it was answered wrongly in a row; 0 when it was refused for good."""
    next_at: datetime | None = None
    """When it is tried again; None when it was refused for good."""


@dataclass
class Cursor:
    """A platform being told. It runs ahead of what is stored until the next batch is written."""

    platform_id: int
    name: str
    version: str
    receiver_url: str
    token_out: str
    token_form: str
    told_revision: int
    tellings: int
    failures: int
    next_push_at: datetime | None
    reason: str | None = None
    active: bool = True
    """To be told on; not, once the platform is no longer CONNECTED."""
    refused: dict[int, NotTaken] = field(default_factory=dict)
    """By row: refused for good, or set aside, since the last batch was written."""
    set_aside: dict[int, NotTaken] = field(default_factory=dict)
    """By row: all that are to be tried again by themselves."""
    accepted: set[int] = field(default_factory=set)
    sent: list[Entry] = field(default_factory=list)

    def waits(self, now: datetime) -> bool:
        """Whether its next push is planned for later, and not further ahead than pushes are."""
        return self.next_push_at is not None and not is_come(self.next_push_at, now, LONGEST_WAIT_SECONDS)

    def follow(self, stored: "Cursor | None") -> None:
        """Take over what has changed in the database meanwhile: new credentials, a jump of the cursor, the end."""
        self.active = stored is not None
        if stored is not None:
            self.version, self.receiver_url = stored.version, stored.receiver_url
            self.token_out, self.token_form = stored.token_out, stored.token_form
            told_anew = stored.tellings != self.tellings
            self.told_revision = stored.told_revision if told_anew else max(self.told_revision, stored.told_revision)
            self.tellings, self.set_aside = stored.tellings, stored.set_aside

    def note_taken(self, row: int, now: datetime) -> None:
        """It has accepted a row. After failures of several rows it may take the others too: those set aside are due."""
        if self.failures > WRONG_ANSWERS:
            again = {key: replace(aside, next_at=now) for key, aside in self.set_aside.items() if key != row}
            self.refused |= again
            self.set_aside |= again
        self.accepted.add(row)
        self.refused.pop(row, None)
        self.set_aside.pop(row, None)

    def note_not_taken(self, row: int, why: NotTaken) -> None:
        """It has refused a row for good, or the row is set aside."""
        self.refused[row] = why
        self.accepted.discard(row)
        self.set_aside.pop(row, None)
        if why.next_at is not None:
            self.set_aside[row] = why


def read(session: Session, newest: int, now: datetime) -> dict[int, Cursor]:
    """The platforms that are CONNECTED, have a Receiver, and have not been told all up to `newest` or have rows to be tried again.

    By id.
    """
    columns = (
        Platform.id,
        Platform.name,
        Platform.version,
        Platform.receiver_url,
        Platform.token_out,
        Platform.token_form,
        Platform.told_revision,
        Platform.tellings,
        Platform.failed_pushes,
        Platform.next_push_at,
    )
    rows: Any = session.execute(select(*columns).where(*_to_be_told(newest, now))).all()
    found = {row.id: Cursor(*row) for row in rows}
    aside = select(Refusal).where(Refusal.next_at.is_not(None))
    for row in session.scalars(aside):
        if row.platform_id in found:
            found[row.platform_id].set_aside[row.client_info_id] = NotTaken(row.reason, row.attempts, row.next_at)
    return found


def due(session: Session, now: datetime) -> bool:
    """Whether any platform is to be told something now."""
    newest = select(Counter.value).where(Counter.name == REVISION).scalar_subquery()
    waits_no_longer = or_(Platform.next_push_at.is_(None), is_due(Platform.next_push_at, now, LONGEST_WAIT_SECONDS))
    return session.scalar(select(Platform.id).where(*_to_be_told(newest, now), waits_no_longer).limit(1)) is not None


def _to_be_told(newest: Any, now: datetime) -> tuple[ColumnElement[bool], ...]:
    has_due = select(Refusal.platform_id).where(is_due(Refusal.next_at, now, LONGEST_WAIT_SECONDS))
    return (
        Platform.status == ConnectionStatus.CONNECTED,
        Platform.receiver_url.is_not(None),
        or_(Platform.told_revision < newest, Platform.id.in_(has_due)),
    )


def try_set_aside_at_once(session: Session, platform_id: int, now: datetime) -> None:
    """What this platform answered wrongly it may take now; inside database.write()."""
    aside = (Refusal.platform_id == platform_id) & Refusal.next_at.is_not(None)
    session.execute(update(Refusal).where(aside).values(next_at=now))


def forget_set_aside(session: Session, platform_ids: Iterable[int]) -> None:
    """What these platforms are to be told again by themselves they get in another way; inside database.write()."""
    session.execute(delete(Refusal).where(Refusal.platform_id.in_(list(platform_ids)), Refusal.next_at.is_not(None)))


def write(session: Session, cursors: Iterable[Cursor], now: datetime) -> None:
    """Store a batch, inside database.write(). A cursor never goes back: the platform may have returned and jumped meanwhile.

    Unless an operator has put it back, or the platform has given us another token: then what this batch knows is of no interest.
    """
    batch = {cursor.platform_id: cursor for cursor in cursors}
    told: Any = bindparam("told")
    session.connection().execute(
        update(Platform)
        .where(
            Platform.id == bindparam("platform"),
            Platform.tellings == bindparam("telling"),
            Platform.token_out == bindparam("presented"),
        )
        .values(
            told_revision=case((Platform.told_revision < told, told), else_=Platform.told_revision),
            failed_pushes=bindparam("failures"),
            push_reason=bindparam("reason"),
            next_push_at=bindparam("next_at"),
        ),
        [_values(cursor) for cursor in batch.values()],
    )
    _probe_soon(session, [key for key, cursor in batch.items() if cursor.failures >= PROBE_AFTER_FAILURES], now)
    _note_refusals(session, batch, now)
    _note_activity(session, batch)
    session.expire_all()


def _values(cursor: Cursor) -> dict[str, Any]:
    return {
        "platform": cursor.platform_id,
        "telling": cursor.tellings,
        "presented": cursor.token_out,
        "told": cursor.told_revision,
        "failures": cursor.failures,
        "reason": cursor.reason,
        "next_at": cursor.next_push_at,
    }


def _note_activity(session: Session, batch: dict[int, Cursor]) -> None:
    activity.write(session, [entry for cursor in batch.values() for entry in cursor.sent])
    for cursor in batch.values():
        cursor.sent = []


def _probe_soon(session: Session, platform_ids: list[int], now: datetime) -> None:
    """A probe that is planned already, because one has failed, keeps its time."""
    if platform_ids:
        unplanned = Platform.id.in_(platform_ids) & Platform.next_probe_at.is_(None)
        session.execute(update(Platform).where(unplanned).values(next_probe_at=now))


def _note_refusals(session: Session, batch: dict[int, Cursor], now: datetime) -> None:
    """What a platform now took, or did not take anew, is no longer not taken as before."""
    answered = [(key, row) for key, cursor in batch.items() for row in (*cursor.accepted, *cursor.refused)]
    if session.scalar(select(Refusal.id).where(Refusal.platform_id.in_(batch)).limit(1)) is not None:
        pairs = tuple_(Refusal.platform_id, Refusal.client_info_id)
        session.execute(delete(Refusal).where(pairs.in_(answered)))
    for key, cursor in batch.items():
        for row, why in cursor.refused.items():
            session.add(Refusal(platform_id=key, client_info_id=row, at=now, **asdict(why)))
        cursor.accepted, cursor.refused = set(), {}
