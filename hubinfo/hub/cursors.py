"""How far each platform has been told, in the database: read for all at once, written in batches."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, delete, or_, select, tuple_, update
from sqlalchemy.orm import Session

from hubinfo.due import is_due
from hubinfo.hub import activity
from hubinfo.hub.activity import Entry
from hubinfo.hub.feed import REVISION
from hubinfo.models import ConnectionStatus, Counter, Platform, Refusal
from hubinfo.ocpi.verdict import MAX_RETRY_AFTER_SECONDS

LONGEST_WAIT_SECONDS = MAX_RETRY_AFTER_SECONDS
"""No push is planned further ahead."""
PROBE_AFTER_FAILURES = 2
"""Pushes that fail so often in a row make the keep-alive look at once."""


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
    refused: dict[int, str] = field(default_factory=dict)
    accepted: set[int] = field(default_factory=set)
    sent: list[Entry] = field(default_factory=list)

    def waits(self, now: datetime) -> bool:
        """Whether its next push is planned for later, and not further ahead than pushes are."""
        return self.next_push_at is not None and now < self.next_push_at <= now + timedelta(seconds=LONGEST_WAIT_SECONDS)

    def follow(self, stored: "Cursor | None") -> None:
        """Take over what has changed in the database meanwhile: new credentials, a jump of the cursor, the end."""
        self.active = stored is not None
        if stored is not None:
            self.version, self.receiver_url = stored.version, stored.receiver_url
            self.token_out, self.token_form = stored.token_out, stored.token_form
            told_anew = stored.tellings != self.tellings
            self.told_revision = stored.told_revision if told_anew else max(self.told_revision, stored.told_revision)
            self.tellings = stored.tellings


def read(session: Session, newest: int) -> dict[int, Cursor]:
    """The platforms that are CONNECTED, have a Receiver and have not been told all up to `newest`, by id."""
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
    rows: Any = session.execute(select(*columns).where(*_untold(newest))).all()
    return {row.id: Cursor(*row) for row in rows}


def due(session: Session, now: datetime) -> bool:
    """Whether any platform is to be told something now."""
    newest = select(Counter.value).where(Counter.name == REVISION).scalar_subquery()
    waits_no_longer = or_(Platform.next_push_at.is_(None), is_due(Platform.next_push_at, now, LONGEST_WAIT_SECONDS))
    return session.scalar(select(Platform.id).where(*_untold(newest), waits_no_longer).limit(1)) is not None


def _untold(newest: Any) -> tuple[ColumnElement[bool], ...]:
    return (
        Platform.status == ConnectionStatus.CONNECTED,
        Platform.receiver_url.is_not(None),
        Platform.told_revision < newest,
    )


def write(session: Session, cursors: Iterable[Cursor], now: datetime) -> None:
    """Store a batch, inside database.write(). A cursor never goes back: the platform may have returned and jumped meanwhile.

    Unless an operator has put it back: then what this batch knows is of no interest.
    """
    batch = {cursor.platform_id: cursor for cursor in cursors}
    told: Any = bindparam("told")
    session.connection().execute(
        update(Platform)
        .where(Platform.id == bindparam("platform"), Platform.tellings == bindparam("telling"))
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
    """What a platform now took, or refused anew, is no longer refused as before."""
    answered = [(key, row) for key, cursor in batch.items() for row in (*cursor.accepted, *cursor.refused)]
    if session.scalar(select(Refusal.id).where(Refusal.platform_id.in_(batch)).limit(1)) is not None:
        pairs = tuple_(Refusal.platform_id, Refusal.client_info_id)
        session.execute(delete(Refusal).where(pairs.in_(answered)))
    for key, cursor in batch.items():
        for row, reason in cursor.refused.items():
            session.add(Refusal(platform_id=key, client_info_id=row, at=now, reason=reason))
        cursor.accepted, cursor.refused = set(), {}
