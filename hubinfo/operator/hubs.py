"""The hubs of a party: whether they can be heard, and when they were last pulled from."""

from typing import Any

from sqlalchemy import func, select

from hubinfo.database import db
from hubinfo.models import Known, Platform
from hubinfo.ocpi.dialect import HUB
from hubinfo.receiver import known, sync


def hubs() -> list[dict[str, Any]]:
    """Every hub that has a list for us, in the order of registration, and how many rows it told."""
    told = _told()
    return [_report(row, told.get(row.id, 0)) for row in sync.hubs(db.session())]


def mark() -> str:
    """Changes whenever anything has changed of the hubs or of what they told."""
    rows = db.session.execute(select(Platform.status, Platform.synced_at, Platform.next_sync_at, Platform.sync_reason, *_ROW_MARK))
    return repr([tuple(row) for row in rows])


_ROW_MARK = tuple(
    select(part).where(Known.platform_id == Platform.id).correlate(Platform).scalar_subquery()
    for part in (func.count(), func.max(Known.received_at), func.max(Known.last_updated), func.count().filter(Known.valid))
)


def _told() -> dict[int, int]:
    rows = db.session.execute(select(Known.platform_id, func.count()).where(Known.valid).group_by(Known.platform_id))
    return {row[0]: row[1] for row in rows}


def _report(row: Platform, told: int) -> dict[str, Any]:
    [hub, *_] = [info for info in row.client_infos if info.role == HUB]
    return {
        "hub": row.name,
        "country_code": hub.country_code,
        "party_id": hub.party_id,
        "name": hub.business_details.get("name"),
        "status": row.status,
        "stale": known.is_stale(row),
        "version": row.version,
        "last_heard_at": row.last_heard_at,
        "synced_at": row.synced_at,
        "next_sync_at": row.next_sync_at,
        "reason": row.sync_reason or row.probe_reason,
        "told": told,
    }
