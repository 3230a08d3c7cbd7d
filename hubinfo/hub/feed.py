"""Revisions: what a platform may see, and what it has not been told yet."""

import functools
import uuid
from bisect import bisect_right
from collections import Counter as Counted
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from blinker import Namespace
from flask import Flask, current_app
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.database import after_commit
from hubinfo.models import ClientInfo, Counter, Platform, Refusal

REVISION = "revision"
revised = Namespace().signal("revised")
"""Sent by an app after each commit that gave a new revision."""


@dataclass(frozen=True, slots=True)
class Change:
    """The latest change of a row, as it is to be told."""

    revision: int
    id: int
    platform_id: int
    country_code: str
    party_id: str
    role: str
    status: str
    last_updated: str
    changed_at: datetime
    """The same."""


def newest_revision(session: Session) -> int:
    """The last revision given out; 0 when none has been."""
    return session.scalar(select(Counter.value).where(Counter.name == REVISION)) or 0


def take_revisions(session: Session, count: int) -> range:
    """The next revisions, inside write(), whose lock makes them become visible in order."""
    counter = session.get(Counter, REVISION)
    if counter is None:
        counter = Counter(name=REVISION, value=0)
        session.add(counter)
    first = counter.value + 1
    if count:
        counter.value += count
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        after_commit(functools.partial(_announce, app))
    return range(first, first + count)


def correlation_id(versions_url: str, revision: int) -> str:
    """What all messages that tell of this change carry, whichever process sends them and however often."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{versions_url}#{revision}"))


def _announce(app: Flask) -> None:
    revised.send(app)


def visible(platform_id: int) -> ColumnElement[bool]:
    """Which rows a platform may see: all but those of the same connection, whatever their role."""
    return ClientInfo.platform_id != platform_id


def changes_after(session: Session, revision: int) -> list[Change]:
    """Every row changed after this revision, in the order in which the changes are to be told."""
    return _changes(session, ClientInfo.revision > revision)


def changes_of(session: Session, row_ids: Iterable[int]) -> dict[int, Change]:
    """The latest change of each of these rows, by the row's id."""
    return {change.id: change for change in _changes(session, ClientInfo.id.in_(list(row_ids)))}


def _changes(session: Session, which: ColumnElement[bool]) -> list[Change]:
    columns = (
        ClientInfo.revision,
        ClientInfo.id,
        ClientInfo.platform_id,
        ClientInfo.country_code,
        ClientInfo.party_id,
        ClientInfo.role,
        ClientInfo.status,
        ClientInfo.last_updated,
    )
    rows = session.execute(select(*columns).where(which).order_by(ClientInfo.revision))
    return [Change(*row[:-1], clock.render(row[-1]), row[-1]) for row in rows]


def told_anew(platform: Platform) -> None:
    """Everything it may see is told again; inside write()."""
    platform.told_revision = 0
    platform.tellings += 1
    platform.failed_pushes, platform.push_reason, platform.next_push_at = 0, None, None


class Backlog:
    """Rows by their revisions: what a platform has still to be told is all above its cursor but its own rows.

    Counted here, since joined they would be platforms times rows.
    """

    def __init__(self, rows: Iterable[tuple[int, int]]) -> None:
        """Each row's revision and platform id, in the order of the revisions."""
        self._revisions: list[int] = []
        self._own: dict[int, list[int]] = defaultdict(list)
        for revision, platform_id in rows:
            self._revisions.append(revision)
            self._own[platform_id].append(revision)

    def count(self, platform_id: int, told_revision: int) -> int:
        """How many rows this platform has still to be told."""
        return _above(self._revisions, told_revision) - _above(self._own[platform_id], told_revision)


_SET_ASIDE = (
    select(Refusal.platform_id)
    .join(ClientInfo, Refusal.client_info_id == ClientInfo.id)
    .join(Platform, Refusal.platform_id == Platform.id)
    .where(Refusal.next_at.is_not(None), ClientInfo.revision <= Platform.told_revision)
)
"""The platform of each row that is set aside; one that has changed since is told as a change."""


def _above(revisions: list[int], revision: int) -> int:
    return len(revisions) - bisect_right(revisions, revision)


def behind(session: Session) -> dict[int, int]:
    """How many rows each platform with a Receiver has still to be told, by platform id; those set aside are among them."""
    rows = session.execute(select(ClientInfo.revision, ClientInfo.platform_id).order_by(ClientInfo.revision))
    backlog = Backlog((row[0], row[1]) for row in rows)
    told = session.execute(select(Platform.id, Platform.told_revision).where(Platform.receiver_url.is_not(None)))
    aside = Counted(row[0] for row in session.execute(_SET_ASIDE))
    counted = {row.id: backlog.count(row.id, row.told_revision) + aside[row.id] for row in told}
    return {platform_id: count for platform_id, count in counted.items() if count}
