"""Parties that are OFFLINE, PLANNED or SUSPENDED, here or as hubs tell it; and why."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.hub import history
from hubinfo.hub.transitions import Event
from hubinfo.models import Action, ClientInfo, ConnectionStatus, History, Known, Platform
from hubinfo.notify.condition import Condition, Facts, Key
from hubinfo.notify.kinds import Kind
from hubinfo.ocpi.dialect import HUB

CONNECTED, OFFLINE, PLANNED, SUSPENDED = ConnectionStatus
_TOLD_BY_HUBS = {PLANNED.value: Kind.PLANNED, SUSPENDED.value: Kind.SUSPENDED}
_STATUSES = {Kind.OFFLINE: OFFLINE, Kind.SILENT: OFFLINE, Kind.PLANNED: PLANNED, Kind.SUSPENDED: SUSPENDED}
_CLOCKS_DIFFER = timedelta(seconds=1)


def ours(session: Session) -> dict[Key, Condition]:
    """Of the ClientInfo this platform keeps. A party is one, whatever the number of its roles."""
    columns = (ClientInfo.party, ClientInfo.role, ClientInfo.status, ClientInfo.status_since)
    times: dict[Key, list[datetime | None]] = defaultdict(list)
    for party, role, status, since in session.execute(select(*columns).where(ClientInfo.status != CONNECTED)):
        times[_kind(role, status), party].append(since)
    return {key: Condition(_since(key[0], found), partial(_facts, session, *key)) for key, found in times.items()}


def told_by_hubs(session: Session) -> dict[Key, Condition]:
    """Whom to get in touch with (OCPI 2.2.1 hubclientinfo: another party becomes PLANNED, becomes SUSPENDED)."""
    rows = select(Known.party, Known.status).where(Known.valid, Known.status.in_(_TOLD_BY_HUBS)).distinct()
    keys = [(_TOLD_BY_HUBS[status], party) for party, status in session.execute(rows)]
    return {key: Condition(None, partial(_facts_of_hubs, session, *key)) for key in keys}


def _facts(session: Session, kind: Kind, party: str) -> Facts:
    status = _STATUSES[kind]
    return _said(session.execute(_select().where(ClientInfo.party == party, ClientInfo.status == status, _of(kind))).all())


def _facts_of_hubs(session: Session, kind: Kind, party: str) -> Facts:
    columns = (Known.country_code, Known.party_id, Known.party, Known.role, Known.status, Platform.name.label("platform"))
    rows = select(*columns).join(Known.platform).where(Known.valid, Known.party == party, Known.status == _STATUSES[kind])
    found = session.execute(rows.order_by(Known.id)).all()
    hubs = ", ".join(dict.fromkeys(row.platform for row in found))
    return _said(found) | {"reason": f"says {hubs}", "page": f"/known?text={quote(party)}"}


def _said(rows: Sequence[Any]) -> Facts:
    first = rows[0]
    name = getattr(first, "business_details", {}).get("name")
    reason = getattr(first, "probe_reason", None) if first.status == OFFLINE else None
    said = {"country_code": first.country_code, "party_id": first.party_id, "name": name, "platform": first.platform}
    roles = list(dict.fromkeys(row.role for row in rows))
    page = f"/parties/{quote(first.country_code, safe='')}/{quote(first.party_id, safe='')}"
    return {"party": first.party, **said, "roles": roles, "reason": reason, "page": page}


def returned(session: Session, kind: Kind, party: str) -> Facts | None:
    """What is told of a party that is back; None for one that is not, since it is SUSPENDED or no more."""
    rows = session.execute(_select().where(ClientInfo.party == party, _of(kind), ClientInfo.status == CONNECTED)).all()
    if not rows:
        return None
    since = min((row.status_since for row in rows if row.status_since), default=None)
    return _said(rows) | {"until": since and clock.render(since)}


def outages(session: Session, kind: Kind, party: str, after: datetime, now: datetime) -> list[timedelta]:
    """How long each lasted that began in this time; of the role that had the most."""
    ids = session.scalars(select(ClientInfo.id).where(ClientInfo.party == party, _of(kind))).all()
    found = history.intervals(session, ids, after, now)
    began = [[item for item in items if item.status == OFFLINE and item.began_at > after] for items in found.values()]
    return [item.ended_at - item.began_at for item in max(began, key=len, default=[])]


def why_suspended(session: Session, party: str) -> str | None:
    """By whom, or for what; None where a hub said so and we know no more."""
    lines = select(History.at, History.event, History.reason).join(History.client_info)
    lines = lines.where(ClientInfo.party == party, ClientInfo.status == SUSPENDED, History.status == SUSPENDED)
    line = session.execute(lines.order_by(History.at.desc(), History.id.desc()).limit(1)).first()
    if line is None:
        return None
    if line.event != Event.SUSPENDED:
        return line.reason or "it has deleted its credentials"
    actions = select(Action.source).where(Action.what == "suspend", Action.about == party, Action.at >= line.at - _CLOCKS_DIFFER)
    source = session.scalar(actions.order_by(Action.id.desc()).limit(1))
    return f"by an operator ({source})" if source else "by an operator"


def _select() -> Any:
    columns = (
        ClientInfo.country_code,
        ClientInfo.party_id,
        ClientInfo.party,
        ClientInfo.role,
        ClientInfo.status,
        ClientInfo.status_since,
        ClientInfo.business_details,
        Platform.name.label("platform"),
        Platform.probe_reason,
    )
    return select(*columns).join(ClientInfo.platform).order_by(ClientInfo.id)


def _kind(role: str, status: str) -> Kind:
    if status == OFFLINE:
        return Kind.SILENT if role == HUB else Kind.OFFLINE
    return _TOLD_BY_HUBS[status]


def _of(kind: Kind) -> ColumnElement[bool]:
    """Which rows of a party: a hub that is OFFLINE is told of as such, and apart from what else it is."""
    if kind in _TOLD_BY_HUBS.values():
        return true()
    return ClientInfo.role == HUB if kind is Kind.SILENT else ClientInfo.role != HUB


def _since(kind: Kind, times: Iterable[datetime | None]) -> datetime | None:
    """Of several roles: the first that went, but the last that was suspended, since that is news again."""
    written = [time for time in times if time]
    return (min if kind in (Kind.OFFLINE, Kind.SILENT) else max)(written, default=None)
