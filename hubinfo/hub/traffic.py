"""Messages that went through the hub's own router: who sent them was alive then."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.models import ClientInfo, ConnectionStatus, Platform, party_of

Message = tuple[str, str, datetime]
"""country_code, party_id, when."""
_AHEAD = timedelta(minutes=5)
"""Clocks differ by seconds; a time further ahead is a mistake, and would hide a silence."""


@dataclass
class Counted:
    """What became of a batch of messages; all but the first change nothing."""

    counted: int = 0
    late: int = 0
    """Older than what is known of the platform: a later message, a check that failed, its going OFFLINE."""
    future: list[str] = field(default_factory=list)
    """Parties of messages more than 5 minutes ahead of this clock."""
    unknown: list[str] = field(default_factory=list)
    """Parties that are not there or not registered."""
    suspended: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Known:
    """A row of a registered platform, and the latest that is known of that platform."""

    platform_id: int
    is_suspended: bool
    latest: datetime | None


def note(messages: Sequence[Message]) -> Counted:
    """Count a batch as heard, in one transaction. A party on several platforms has been heard on each."""
    now = clock.now()
    told = [(party_of(country_code, party_id), at) for country_code, party_id, at in messages]
    sent = [(party, min(at, now)) for party, at in told if at <= now + _AHEAD]
    future = list(dict.fromkeys(party for party, at in told if at > now + _AHEAD))
    if not sent:
        return Counted(future=future)
    with write():
        counted, heard_at = _judge(sent, _known({party for party, _ in sent}))
        presence.heard(heard_at)
    counted.future = future
    return counted


def _judge(sent: Iterable[tuple[str, datetime]], known: dict[str, list[_Known]]) -> tuple[Counted, dict[int, datetime]]:
    """And when each platform was heard last, where that is news."""
    counted, heard_at = Counted(), dict[int, datetime]()
    unknown, suspended = dict[str, None](), dict[str, None]()
    for party, at in sent:
        rows = known.get(party, [])
        admitted = [row for row in rows if not row.is_suspended]
        news = [row.platform_id for row in admitted if row.latest is None or at > row.latest]
        for platform_id in news:
            heard_at[platform_id] = max(at, heard_at.get(platform_id, at))
        if not admitted:
            (suspended if rows else unknown)[party] = None
        elif news:
            counted.counted += 1
        else:
            counted.late += 1
    counted.unknown, counted.suspended = list(unknown), list(suspended)
    return counted, heard_at


def _known(parties: Iterable[str]) -> dict[str, list[_Known]]:
    row = aliased(ClientInfo)
    of_platform = (row.platform_id == Platform.id, row.status == ConnectionStatus.OFFLINE)
    offline_since = select(func.max(row.status_since)).where(*of_platform).scalar_subquery()
    columns = (
        ClientInfo.party,
        ClientInfo.status,
        Platform.id,
        Platform.status.label("platform_status"),
        Platform.last_heard_at,
        Platform.failing_since,
        offline_since.label("offline_since"),
    )
    registered = (ClientInfo.party.in_(parties), ClientInfo.registered, Platform.token_out.is_not(None))
    known: dict[str, list[_Known]] = defaultdict(list)
    for found in db.session.execute(select(*columns).join(ClientInfo.platform).where(*registered)):
        latest = max((at for at in (found.last_heard_at, found.failing_since, found.offline_since) if at), default=None)
        suspended = ConnectionStatus.SUSPENDED in (found.status, found.platform_status)
        known[found.party].append(_Known(found.id, suspended, latest))
    return known
