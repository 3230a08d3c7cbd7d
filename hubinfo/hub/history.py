"""How long each row has been CONNECTED and OFFLINE: one line for each change of status, with the totals so far.

PLANNED and SUSPENDED time counts as neither. Availability in a period is the difference of the totals at its two ends, so it
costs two lookups in an index, however long the period and however often the status changed.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ScalarSelect, and_, case, delete, exists, func, select
from sqlalchemy.orm import Session, aliased

from hubinfo import clock
from hubinfo.hub.transitions import Event
from hubinfo.models import ClientInfo, ConnectionStatus, History

CONNECTED, OFFLINE = ConnectionStatus.CONNECTED, ConnectionStatus.OFFLINE
_MILLISECOND = timedelta(milliseconds=1)
_FORGOTTEN_AT_ONCE = 2000


class Totals(NamedTuple):
    """Milliseconds CONNECTED and OFFLINE, and changes of status, in a period or since the row was made."""

    up_ms: int
    down_ms: int
    changes: int = 0

    @property
    def availability(self) -> float | None:
        """From 0 to 1; None where it was neither CONNECTED nor OFFLINE."""
        known = self.up_ms + self.down_ms
        return self.up_ms / known if known else None

    def since(self, before: "Totals") -> "Totals":
        """What has been added since; never less than nothing, should a clock have been set back."""
        return Totals(*(max(now - then, 0) for now, then in zip(self, before, strict=True)))


@dataclass(frozen=True, slots=True)
class Interval:
    """A status, and from when to when."""

    status: str
    began_at: datetime
    ended_at: datetime


def note(session: Session, row: ClientInfo, was: ConnectionStatus | None, event: Event, reason: str | None) -> None:
    """The status of a row has become what it is now; inside write()."""
    now = clock.now()
    if was is not None and row.status_since is not None:
        spent = _added(now, was, row.status_since, Totals(row.up_ms, row.down_ms))
        row.up_ms, row.down_ms = spent.up_ms, spent.down_ms
    row.status_since, row.changes = now, row.changes + 1
    totals = {"up_ms": row.up_ms, "down_ms": row.down_ms, "changes": row.changes}
    session.add(History(client_info=row, at=now, event=event, status=row.status, reason=reason, **totals))


def between(
    session: Session, began_at: datetime, ended_at: datetime, client_info_ids: Collection[int] | None = None
) -> dict[int, Totals]:
    """Of all rows, or these, in a period, by id."""
    before, after = (totals_at(session, at, client_info_ids) for at in (began_at, ended_at))
    return {key: total.since(before[key]) for key, total in after.items()}


def totals_at(session: Session, at: datetime, client_info_ids: Collection[int] | None = None) -> dict[int, Totals]:
    """Since each row was made, by id. Before its first line, which may not be its first ever, what that line says."""
    unchanged = ClientInfo.status_since <= at
    line = case((unchanged, None), else_=func.coalesce(_line_before(at), _first_line()))
    rows = select(ClientInfo.id, *_sums(ClientInfo, ClientInfo.status_since), *_sums(History, History.at))
    rows = rows.outerjoin(History, History.id == line)
    if client_info_ids is not None:
        rows = rows.where(ClientInfo.id.in_(client_info_ids))
    return {row[0]: _totals(at, row[6:] if row[6] else row[1:6]) for row in session.execute(rows)}


def _sums(table: Any, since: Any) -> tuple[Any, ...]:
    return table.status, since, table.up_ms, table.down_ms, table.changes


def _totals(at: datetime, sums: Sequence[Any]) -> Totals:
    """Those of a line or of the row itself, at another moment."""
    status, since, *counted = sums
    totals = Totals(*counted)
    if since is not None and at < since:
        return Totals(totals.up_ms, totals.down_ms, totals.changes - 1)
    return _added(at, status, since, totals)


def intervals(
    session: Session, client_info_ids: Collection[int], began_at: datetime, ended_at: datetime
) -> dict[int, list[Interval]]:
    """What each of these rows was in a period, in order; nothing of the time before its first line."""
    line = aliased(History)
    begins_with = select(line.id).join(ClientInfo, line.id == _line_before(began_at)).where(ClientInfo.id.in_(client_info_ids))
    within = and_(History.client_info_id.in_(client_info_ids), History.at > began_at, History.at < ended_at)
    columns = (History.client_info_id, History.at, History.status)
    lines: list[Any] = [*session.execute(select(*columns).where(History.id.in_(begins_with)))]
    lines += session.execute(select(*columns).where(within).order_by(History.at, History.id))
    found: dict[int, list[tuple[datetime, str]]] = {key: [] for key in client_info_ids}
    for row_id, at, status in lines:
        found[row_id].append((max(at, began_at), status))
    return {row_id: _joined(changes, ended_at) for row_id, changes in found.items()}


def forget_before(session: Session, cutoff: datetime) -> int:
    """Delete what is older, but the line that tells what each row was then; how many, at most some thousands. Inside write()."""
    later = aliased(History)
    overtaken = exists().where(
        later.client_info_id == History.client_info_id, later.at <= cutoff, (later.at > History.at) | _is_later(later)
    )
    old = select(History.id).where(History.at < cutoff, overtaken).limit(_FORGOTTEN_AT_ONCE)
    ids = session.scalars(old).all()
    session.execute(delete(History).where(History.id.in_(ids)))
    return len(ids)


def _is_later(later: Any) -> Any:
    return and_(later.at == History.at, later.id > History.id)


def _line_before(at: datetime) -> ScalarSelect[int]:
    """Of the row in the query around it."""
    line = aliased(History)
    lines = select(line.id).where(line.client_info_id == ClientInfo.id, line.at <= at)
    return lines.order_by(line.at.desc(), line.id.desc()).limit(1).correlate(ClientInfo).scalar_subquery()


def _first_line() -> ScalarSelect[int]:
    line = aliased(History)
    lines = select(line.id).where(line.client_info_id == ClientInfo.id).order_by(line.at, line.id)
    return lines.limit(1).correlate(ClientInfo).scalar_subquery()


def _added(at: datetime, status: str, since: datetime | None, totals: Totals) -> Totals:
    """What a status that has lasted since then adds."""
    spent = 0 if since is None else max((at - since) // _MILLISECOND, 0)
    up_ms, down_ms = spent if status == CONNECTED else 0, spent if status == OFFLINE else 0
    return Totals(totals.up_ms + up_ms, totals.down_ms + down_ms, totals.changes)


def _joined(changes: Iterable[tuple[datetime, str]], ended_at: datetime) -> list[Interval]:
    found: list[Interval] = []
    for at, status in changes:
        if found:
            found[-1] = Interval(found[-1].status, found[-1].began_at, max(at, found[-1].began_at))
        found.append(Interval(status, at, ended_at))
    return [item for item in found if item.began_at < item.ended_at]
