"""Revisions: what a platform may see, and what it has not been told yet."""

import functools
from dataclasses import dataclass
from typing import Any

from blinker import Namespace
from flask import Flask, current_app
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.database import after_commit
from hubinfo.models import ClientInfo, Counter, Platform

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


def _announce(app: Flask) -> None:
    revised.send(app)


def visible(platform_id: int) -> ColumnElement[bool]:
    """Which rows a platform may see: all but those of the same connection, whatever their role."""
    return ClientInfo.platform_id != platform_id


def changes_after(session: Session, revision: int) -> list[Change]:
    """Every row changed after this revision, in the order in which the changes are to be told."""
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
    rows = session.execute(select(*columns).where(ClientInfo.revision > revision).order_by(ClientInfo.revision))
    return [Change(*row[:-1], clock.render(row[-1])) for row in rows]


def behind(session: Session) -> dict[int, int]:
    """How many rows each platform with a Receiver has still to be told, by platform id."""
    untold = (ClientInfo.revision > Platform.told_revision) & (ClientInfo.platform_id != Platform.id)
    counted: Any = (
        select(Platform.id, func.count(ClientInfo.id))
        .join(ClientInfo, untold)
        .where(Platform.receiver_url.is_not(None))
        .group_by(Platform.id)
    )
    return {row[0]: row[1] for row in session.execute(counted)}
