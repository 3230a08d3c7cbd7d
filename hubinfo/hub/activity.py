"""The latest pushes and probes: what went out, and what came of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from blinker import Namespace
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from hubinfo.models import Activity
from hubinfo.ocpi.client import Answer, Outcome

KEPT = 50_000
OK, REFUSED, FAILED = "ok", "refused", "failed"
PUSH, PROBE = "push", "probe"
ended = Namespace().signal("ended")
"""Sent by an app as each push and probe ends: its `entry` and, of a push, `changed_at`, the time of the change it told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line."""

    at: datetime
    kind: str
    platform_id: int
    client_info_id: int | None = None
    told: str | None = None
    outcome: str
    reason: str | None
    seconds: float | None


def probe(platform_id: int, outcome: Outcome, at: datetime) -> Entry:
    """A still-alive check that ended."""
    failed = None if isinstance(outcome, Answer) else outcome.reason
    result = FAILED if failed else OK
    return Entry(at=at, kind=PROBE, platform_id=platform_id, outcome=result, reason=_cut(failed), seconds=outcome.seconds)


def push(platform_id: int, client_info_id: int, told: str, outcome: Outcome, at: datetime) -> Entry:
    """A PUT that ended."""
    if isinstance(outcome, Answer):
        result, reason = OK, None
    else:
        result, reason = REFUSED if outcome.permanent else FAILED, outcome.reason
    return Entry(
        at=at,
        kind=PUSH,
        platform_id=platform_id,
        client_info_id=client_info_id,
        told=told,
        outcome=result,
        reason=_cut(reason),
        seconds=outcome.seconds,
    )


def write(session: Session, entries: Sequence[Entry]) -> None:
    """Store a batch; inside database.write()."""
    if entries:
        session.execute(insert(Activity), [asdict(entry) for entry in entries])


def forget(session: Session) -> None:
    """Delete all but the latest; inside database.write()."""
    newest = session.scalar(select(func.max(Activity.id))) or 0
    session.execute(delete(Activity).where(Activity.id <= newest - KEPT))


def _cut(reason: str | None) -> str | None:
    return reason and reason[:255]
