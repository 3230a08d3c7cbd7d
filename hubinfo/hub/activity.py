"""The latest pushes and probes: what went out, and what came of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from blinker import Namespace
from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from hubinfo.database import UtcDateTime
from hubinfo.models import Activity, Platform
from hubinfo.ocpi.client import Answer, Outcome

KEPT = 50_000
FORGOTTEN_AT_ONCE = 5_000
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
    result, reason = (OK, None) if isinstance(outcome, Answer) else (FAILED, outcome.reason)
    return Entry(at=at, kind=PROBE, platform_id=platform_id, outcome=result, reason=_cut(reason), seconds=outcome.seconds)


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
    """Store a batch, but what was never sent, and when the platforms' tokens were used; inside database.write()."""
    sent = [entry for entry in entries if entry.seconds is not None]
    if not sent:
        return
    session.execute(insert(Activity), [asdict(entry) for entry in sent])
    # The platform may have gone meanwhile, or have given us another token.
    used_at = bindparam("used_at", type_=UtcDateTime)
    same_token = Platform.token_out.is_not(None) & or_(Platform.token_out_made_at.is_(None), Platform.token_out_made_at <= used_at)
    used = update(Platform).where(Platform.id == bindparam("platform"), same_token).values(token_out_used_at=used_at)
    latest = {entry.platform_id: entry.at for entry in sent}
    session.connection().execute(used, [{"platform": key, "used_at": at} for key, at in latest.items()])


def forget(session: Session) -> bool:
    """Delete all but the latest, some thousands of them; whether there was anything to delete. Inside database.write()."""
    newest = session.scalar(select(func.max(Activity.id))) or 0
    oldest = session.scalar(select(func.min(Activity.id))) or newest
    end = min(newest - KEPT, oldest + FORGOTTEN_AT_ONCE)
    session.execute(delete(Activity).where(Activity.id <= end))
    return oldest <= end


def _cut(reason: str | None) -> str | None:
    return reason and reason[:255]
