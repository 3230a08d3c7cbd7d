"""The list of ClientInfo as one platform may see it (OCPI 2.2.1 hubclientinfo, Sender GET)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from hubinfo import clock
from hubinfo.database import db
from hubinfo.hub import feed
from hubinfo.models import ClientInfo
from hubinfo.ocpi.dialect import Dialect
from hubinfo.ocpi.schemas import ListQuery

_COLUMNS = (ClientInfo.country_code, ClientInfo.party_id, ClientInfo.role, ClientInfo.status, ClientInfo.last_updated)


@dataclass(frozen=True)
class Listing:
    """A page, and how many objects all pages have."""

    total: int
    objects: list[dict[str, Any]]


def page(platform_id: int, dialect: Dialect, query: ListQuery, limit: int | None) -> Listing:
    """What this platform gets; without a limit, all of it."""
    wanted = _matching(platform_id, query)
    total = db.session.scalar(select(func.count()).select_from(ClientInfo).where(*wanted)) or 0
    rows = select(*_COLUMNS).where(*wanted).order_by(ClientInfo.id).offset(query.offset).limit(limit)
    return Listing(total, [client_info(row, dialect) for row in db.session.execute(rows)])


def client_info(row: Any, dialect: Dialect) -> dict[str, Any]:
    """The object of a row, or of those columns of one, as this version can say it (OCPI 2.2.1 hubclientinfo, ClientInfo)."""
    return {
        "country_code": row.country_code,
        "party_id": row.party_id,
        "role": dialect.role_out(row.role),
        "status": row.status,
        "last_updated": clock.render(row.last_updated),
    }


def _matching(platform_id: int, query: ListQuery) -> list[ColumnElement[bool]]:
    wanted = [feed.visible(platform_id)]
    if query.date_from is not None:
        wanted.append(ClientInfo.last_updated >= query.date_from)
    if query.date_to is not None:
        wanted.append(ClientInfo.last_updated < query.date_to)
    return wanted
