"""Platforms that cannot be told, hubs that cannot be pulled from, and whether the fault is our own."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.hub import feed
from hubinfo.hub import own_fault as reckoning
from hubinfo.hub.transitions import Event
from hubinfo.models import ConnectionStatus, History, Platform
from hubinfo.notify.condition import Condition, Facts, Key
from hubinfo.notify.kinds import Kind
from hubinfo.receiver.sync import is_hub

CONNECTED, OFFLINE = ConnectionStatus.CONNECTED, ConnectionStatus.OFFLINE


def untold(session: Session, told_of: Collection[str]) -> dict[Key, Condition]:
    """Those whose pushes fail; of those that the operator has been told of, all that have not caught up."""
    columns = (Platform.id, Platform.name, Platform.status, Platform.failed_pushes, Platform.push_reason)
    concerned = or_(Platform.failed_pushes > 0, Platform.name.in_(told_of))
    rows = session.execute(select(*columns).where(Platform.receiver_url.is_not(None), concerned)).all()
    behind = feed.behind(session) if rows else {}
    return {
        (Kind.UNTOLD, row.name): _failing(row.name, row.push_reason, {"behind": behind.get(row.id, 0)})
        for row in rows
        if _lasts(row, row.failed_pushes, told_of) and row.id in behind
    }


def unpulled(session: Session, told_of: Collection[str]) -> dict[Key, Condition]:
    """Hubs whose list cannot be pulled."""
    columns = (Platform.name, Platform.status, Platform.failed_syncs, Platform.sync_reason, Platform.synced_at)
    rows = session.execute(select(*columns).where(is_hub(), Platform.failed_syncs > 0))
    return {
        (Kind.PULL, row.name): _failing(row.name, row.sync_reason, {"synced_at": row.synced_at and clock.render(row.synced_at)})
        for row in rows
        if _lasts(row, row.failed_syncs, told_of)
    }


def own_fault(session: Session, known_since: datetime | None, enough_failures: int) -> Condition | None:
    """As hub/own_fault.py judges it, until one of those that fail answers, or is heard, or is judged after all.

    Who is heard is not asked, so that nobody might ever answer, while all is well.
    """
    stored = reckoning.read(session)
    if known_since is None:
        lasts, since = stored.is_ours(enough_failures), stored.since
    else:
        lasts, since = stored.all_fail and not _has_judged(session, known_since), known_since
    return Condition(since, lambda: {"watched": stored.watched}) if lasts else None


def _has_judged(session: Session, since: datetime) -> bool:
    judged = History.event == Event.PROBE_FAILED, History.at > since
    return session.scalar(select(History.id).where(*judged).limit(1)) is not None


def _lasts(row: Any, failures: int, told_of: Collection[str]) -> bool:
    """What was told of goes on while its platform is OFFLINE: nobody knows better, and its end is to be told."""
    if row.name in told_of:
        return row.status in (CONNECTED, OFFLINE)
    return bool(row.status == CONNECTED and failures)


def _failing(platform: str, reason: str | None, more: Facts) -> Condition:
    return Condition(None, lambda: {"platform": platform, "reason": reason, **more})


def is_connected(session: Session, name: str) -> bool:
    """Whether a platform is, by its short name."""
    return session.scalar(select(Platform.status).where(Platform.name == name)) == CONNECTED
