"""The latest pushes and probes: what went out, and what came of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from hubinfo.models import Activity, Platform
from hubinfo.ocpi.client import Answer, Outcome

KEPT = 50_000
OK, REFUSED, FAILED = "ok", "refused", "failed"
PUSH, PROBE = "push", "probe"


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
    last = max(entry.at for entry in sent)
    # The platform may have gone meanwhile, or have given us another token.
    same_token = Platform.token_out.is_not(None) & or_(Platform.token_out_made_at.is_(None), Platform.token_out_made_at <= last)
    asked = Platform.id.in_({entry.platform_id for entry in sent})
    session.execute(update(Platform).where(asked, same_token).values(token_out_used_at=last))


def forget(session: Session) -> None:
    """Delete all but the latest; inside database.write()."""
    newest = session.scalar(select(func.max(Activity.id))) or 0
    session.execute(delete(Activity).where(Activity.id <= newest - KEPT))


def _cut(reason: str | None) -> str | None:
    return reason and reason[:255]
