"""What operators are shown, as plain rows; the same for commands and programs."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.hub import feed
from hubinfo.models import ClientInfo, ConnectionStatus, History, Platform, Refusal
from hubinfo.ocpi.dialect import HUB

HISTORY_SHOWN = 50
_LAST_ID = 2**31 - 1  # of PostgreSQL's INTEGER


def parties() -> list[dict[str, Any]]:
    """Every ClientInfo this hub keeps."""
    rows = select(ClientInfo).options(joinedload(ClientInfo.platform)).order_by(ClientInfo.id)
    return [party(row) for row in db.session.scalars(rows)]


def party(row: ClientInfo) -> dict[str, Any]:
    """One ClientInfo, and whose it is."""
    return {
        "country_code": row.country_code,
        "party_id": row.party_id,
        "role": row.role,
        "status": row.status,
        "last_updated": row.last_updated,
        "platform": row.platform.name,
        "last_heard_at": row.platform.last_heard_at,
    }


def platforms() -> list[dict[str, Any]]:
    """Every connection."""
    behind = _behind()
    return [platform(row, behind.get(row.id, 0)) for row in db.session.scalars(select(Platform).order_by(Platform.id))]


NO_RECEIVER = "no Receiver: its version details list none, so it is told nothing"


def platform(row: Platform, behind: int) -> dict[str, Any]:
    """One connection."""
    return {
        "platform": row.name,
        "version": row.version,
        "versions_url": row.versions_url,
        "status": row.status,
        "last_heard_at": row.last_heard_at,
        "behind": behind,
        "failed_probes": row.failed_probes,
        "reason": row.probe_reason or row.push_reason or row.sync_reason or _why_told_nothing(row),
    }


def _why_told_nothing(row: Platform) -> str | None:
    """What a hub's operator would wait for in vain: a platform that lists no Receiver, and is no hub itself."""
    is_told = HUB in current_settings().roles and row.registered
    return NO_RECEIVER if is_told and row.receiver_url is None and row.sender_url is None else None


def pushes() -> list[dict[str, Any]]:
    """Who has not been told what, and why: platforms that are behind, and those that refused something."""
    behind, refusals = _behind(), _refusals()
    concerned = set(behind) | set(refusals)
    rows = db.session.scalars(select(Platform).order_by(Platform.id)).all()
    return [
        {
            "platform": row.name,
            "behind": behind.get(row.id, 0),
            "failures": row.failed_pushes,
            "next_attempt_at": row.next_push_at,
            "reason": _why_not_told(row, behind, refusals),
            "refused": refusals.get(row.id, []),
        }
        for row in rows
        if row.id in concerned
    ]


def _why_not_told(row: Platform, behind: dict[int, int], refusals: dict[int, list[dict[str, Any]]]) -> str:
    """Why it is behind; if only by rows that are set aside, or not at all, what it said to the last row that it did not take."""
    not_taken = refusals.get(row.id, [])
    aside = sum(each["next_attempt_at"] is not None for each in not_taken)
    if behind.get(row.id, 0) > aside or row.push_reason or not not_taken:
        return why_behind(row)
    return str(not_taken[-1]["reason"])


def show(rows: Sequence[ClientInfo]) -> dict[str, Any]:
    """One party: its rows, its connections, its history, and what its platforms have not been told."""
    owners = {row.platform_id: row.platform for row in rows}
    behind, refusals = _behind(), _refusals(owners)
    return {
        "country_code": rows[0].country_code,
        "party_id": rows[0].party_id,
        "rows": [party(row) | {"business_details": row.business_details} for row in rows],
        "platforms": [platform(owner, behind.get(owner.id, 0)) for owner in owners.values()],
        "history": history(rows, HISTORY_SHOWN),
        "not_told": [{"platform": owner.name} | change for owner in owners.values() for change in _not_told(owner)],
        "refused": [{"platform": owner.name} | row for owner in owners.values() for row in refusals.get(owner.id, [])],
    }


def history(rows: Sequence[ClientInfo], limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """The changes of these rows, newest first; `before`: only those that come after the one with this id."""
    columns = (History.id, History.at, ClientInfo.role, History.event, History.status, History.reason)
    events = select(*columns).join(ClientInfo, History.client_info_id == ClientInfo.id)
    events = events.where(ClientInfo.id.in_([row.id for row in rows]))
    if before is not None:
        events = events.where(_comes_after(min(before, _LAST_ID)))
    newest_first = events.order_by(History.at.desc(), History.id.desc()).limit(limit)  # as the index has them
    return [dict(event._mapping) for event in db.session.execute(newest_first)]


def _comes_after(line_id: int) -> ColumnElement[bool]:
    """Ids grow with the time, unless a clock was set back; of a line that is there, its time tells."""
    at = db.session.scalar(select(History.at).where(History.id == line_id))
    earlier_id = History.id < line_id
    return earlier_id if at is None else (History.at < at) | ((History.at == at) & earlier_id)


def _not_told(platform: Platform) -> list[dict[str, Any]]:
    if platform.receiver_url is None or HUB not in current_settings().roles:
        return []
    changes = feed.changes_after(db.session(), platform.told_revision)
    names = ("country_code", "party_id", "role", "status", "last_updated")
    return [{name: getattr(change, name) for name in names} for change in changes if change.platform_id != platform.id]


def _behind() -> dict[int, int]:
    """By platform id; a platform that is no hub tells nobody anything."""
    return feed.behind(db.session()) if HUB in current_settings().roles else {}


def why_behind(row: Platform) -> str:
    """Why a platform that is behind has not been told."""
    if row.status != ConnectionStatus.CONNECTED:
        return f"{row.status}: not pushed to, it owes itself a GET"
    return row.push_reason or "being told"


def _refusals(platform_ids: Collection[int] | None = None) -> dict[int, list[dict[str, Any]]]:
    """What was refused for good, or is set aside and tried again, by platform id; by all platforms, or these."""
    names = ("country_code", "party_id", "role", "reason", "at", "next_attempt_at")
    columns = (ClientInfo.country_code, ClientInfo.party_id, ClientInfo.role, Refusal.reason, Refusal.at, Refusal.next_at)
    rows = select(Refusal.platform_id, *columns).join(ClientInfo, Refusal.client_info_id == ClientInfo.id).order_by(Refusal.id)
    if platform_ids is not None:
        rows = rows.where(Refusal.platform_id.in_(platform_ids))
    found: dict[int, list[dict[str, Any]]] = {}
    for platform_id, *said in db.session.execute(rows):
        found.setdefault(platform_id, []).append(dict(zip(names, said, strict=True)))
    return found
