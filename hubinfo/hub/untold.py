"""What CONNECTED platforms have still to be told, all in all."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubinfo.hub import feed
from hubinfo.models import ClientInfo, ConnectionStatus, Platform


@dataclass
class Untold:
    """How many platforms are behind, by how many changes, and when the oldest of these was made."""

    platforms: int = 0
    changes: int = 0
    oldest_at: datetime | None = None


def read(session: Session) -> Untold:
    """Two short queries when all know all; else one that reads what has changed since the cursor furthest behind."""
    behind = (
        Platform.status == ConnectionStatus.CONNECTED,
        Platform.receiver_url.is_not(None),
        Platform.told_revision < feed.newest_revision(session),
    )
    cursors = session.execute(select(Platform.id, Platform.told_revision).where(*behind)).all()
    if not cursors:
        return Untold()
    lowest = min(cursor.told_revision for cursor in cursors)
    columns = (ClientInfo.revision, ClientInfo.platform_id, ClientInfo.last_updated)
    changes = session.execute(select(*columns).where(ClientInfo.revision > lowest).order_by(ClientInfo.revision)).all()
    return _count(cursors, changes)


def _count(cursors: Sequence[Any], changes: Sequence[Any]) -> Untold:
    """By revision, since joined they would be platforms times rows. No platform is told of its own rows."""
    revisions = [change.revision for change in changes]
    own: dict[int, list[int]] = defaultdict(list)
    for change in changes:
        own[change.platform_id].append(change.revision)
    untold = Untold()
    for cursor in cursors:
        first, first_own = (bisect_right(among, cursor.told_revision) for among in (revisions, own[cursor.id]))
        count = len(revisions) - first - (len(own[cursor.id]) - first_own)
        if count:
            untold.platforms += 1
            untold.changes += count
            oldest_at = _first_of_others(cursor.id, changes, first)
            untold.oldest_at = min(untold.oldest_at or oldest_at, oldest_at)
    return untold


def _first_of_others(platform_id: int, changes: Sequence[Any], index: int) -> datetime:
    while changes[index].platform_id == platform_id:
        index += 1
    at: datetime = changes[index].last_updated
    return at
