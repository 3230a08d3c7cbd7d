"""What CONNECTED platforms have still to be told, all in all."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubinfo.hub import feed
from hubinfo.models import ClientInfo, ConnectionStatus, Platform, Refusal


@dataclass
class Untold:
    """How many platforms are behind, by how many changes, and when the oldest of these was made."""

    platforms: int = 0
    changes: int = 0
    oldest_at: datetime | None = None


def read(session: Session) -> Untold:
    """Three short queries when all know all; else one more, that reads what has changed since the cursor furthest behind."""
    behind = (
        Platform.status == ConnectionStatus.CONNECTED,
        Platform.receiver_url.is_not(None),
        Platform.told_revision < feed.newest_revision(session),
    )
    cursors = session.execute(select(Platform.id, Platform.told_revision).where(*behind)).all()
    aside = session.execute(_SET_ASIDE).all()
    untold = _above_cursors(session, cursors) if cursors else Untold()
    if aside:
        untold.platforms += len({row.platform_id for row in aside} - {cursor.id for cursor in cursors})
        untold.changes += len(aside)
        oldest_at = min(row.last_updated for row in aside)
        untold.oldest_at = min(untold.oldest_at or oldest_at, oldest_at)
    return untold


_SET_ASIDE = (
    select(Refusal.platform_id, ClientInfo.last_updated)
    .join(ClientInfo, Refusal.client_info_id == ClientInfo.id)
    .join(Platform, Refusal.platform_id == Platform.id)
    .where(
        Refusal.next_at.is_not(None),
        ClientInfo.revision <= Platform.told_revision,
        Platform.status == ConnectionStatus.CONNECTED,
        Platform.receiver_url.is_not(None),
    )
)
"""What a platform has answered wrongly, and is sent again by itself."""


def _above_cursors(session: Session, cursors: Sequence[Any]) -> Untold:
    lowest = min(cursor.told_revision for cursor in cursors)
    columns = (ClientInfo.revision, ClientInfo.platform_id, ClientInfo.last_updated)
    changes = session.execute(select(*columns).where(ClientInfo.revision > lowest).order_by(ClientInfo.revision)).all()
    return _count(cursors, changes)


def _count(cursors: Sequence[Any], changes: Sequence[Any]) -> Untold:
    backlog = feed.Backlog((change.revision, change.platform_id) for change in changes)
    untold = Untold()
    for cursor in cursors:
        count = backlog.count(cursor.id, cursor.told_revision)
        if count:
            untold.platforms += 1
            untold.changes += count
            oldest_at = _first(cursor, changes)
            untold.oldest_at = min(untold.oldest_at or oldest_at, oldest_at)
    return untold


def _first(cursor: Any, changes: Sequence[Any]) -> datetime:
    """When the first change was made that this platform has not been told; none is its own."""
    index = bisect_right(changes, cursor.told_revision, key=lambda change: change.revision)
    while changes[index].platform_id == cursor.id:
        index += 1
    at: datetime = changes[index].last_updated
    return at
