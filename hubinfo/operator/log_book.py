"""What happened lately: pushes and probes, and what operators did."""

from typing import Any

from sqlalchemy import Select, func, select

from hubinfo.database import db
from hubinfo.models import Action, Activity, ClientInfo, Platform

KINDS = ("push", "probe")
LAST_ID = 2**63 - 1


def activity(
    *, party: str | None = None, kind: str | None = None, before: int | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Pushes and probes, newest first. Of a party: how its platforms were probed and what they were told."""
    columns: tuple[Any, ...] = (Activity, Platform.name, ClientInfo.country_code, ClientInfo.party_id, ClientInfo.role)
    rows: Select[Any] = select(*columns).join(Platform, Platform.id == Activity.platform_id)
    rows = rows.outerjoin(ClientInfo, ClientInfo.id == Activity.client_info_id)
    if party is not None:
        owners = select(ClientInfo.platform_id).where(ClientInfo.party == party)
        rows = rows.where(Activity.platform_id.in_(owners))
    if kind is not None:
        rows = rows.where(Activity.kind == kind)
    return [_activity(*row) for row in db.session.execute(_latest(rows, Activity.id, before, limit))]


def actions(*, party: str | None = None, before: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """What operators did, newest first; of a party, or anything else, that it was done to."""
    rows = select(Action)
    if party is not None:
        rows = rows.where(Action.about == party)
    return [_action(row) for row in db.session.scalars(_latest(rows, Action.id, before, limit))]


def mark() -> str:
    """Another one as soon as there is something new."""
    newest = db.session.execute(
        select(select(func.max(Activity.id)).scalar_subquery(), select(func.max(Action.id)).scalar_subquery())
    )
    return "-".join(str(part or 0) for part in newest.one())


def _latest(rows: Select[Any], column: Any, before: int | None, limit: int) -> Select[Any]:
    if before is not None:
        rows = rows.where(column < before)
    return rows.order_by(column.desc()).limit(limit)


def _activity(row: Activity, platform: str, country_code: str | None, party_id: str | None, role: str | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.at,
        "kind": row.kind,
        "platform": platform,
        "country_code": country_code,
        "party_id": party_id,
        "role": role,
        "told": row.told,
        "outcome": row.outcome,
        "reason": row.reason,
        "seconds": row.seconds,
    }


def _action(row: Action) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("id", "at", "source", "what", "about", "details")}
