"""Platforms that cannot be told, hubs that cannot be pulled from, and whether the fault is our own."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.hub import activity, feed
from hubinfo.hub.own_fault import ENOUGH_TO_JUDGE
from hubinfo.hub.transitions import Event
from hubinfo.models import Activity, ConnectionStatus, History, Platform
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
    """As hub/own_fault.py judges it: all CONNECTED platforms fail, and one should be OFFLINE by now; until one answers again.

    It began when the last of them began to fail: no answer can have come between that and now.
    """
    failures = func.min(Platform.failed_probes), func.max(Platform.failed_probes), func.max(Platform.failing_since)
    watched = Platform.status == CONNECTED, Platform.token_out.is_not(None)
    count, fewest, most, since = session.execute(select(func.count(), *failures).where(*watched)).one()
    if known_since is None:
        lasts = count >= ENOUGH_TO_JUDGE and fewest > 0 and most >= enough_failures
    else:
        lasts, since = count > 0 and not _has_ended(session, known_since), known_since
    return Condition(since, lambda: {"watched": count}) if lasts else None


def _has_ended(session: Session, since: datetime) -> bool:
    """A platform has answered, or has been judged after all."""
    answer = Activity.kind == activity.PROBE, Activity.outcome == activity.OK, Activity.at > since
    judged = History.event == Event.PROBE_FAILED, History.at > since
    return any(session.scalar(select(table.id).where(*found).limit(1)) for table, found in ((Activity, answer), (History, judged)))


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
