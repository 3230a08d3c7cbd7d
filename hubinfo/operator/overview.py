"""All parties at a glance: who cannot be reached, since when and why, and who has not been told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.hub import feed, history
from hubinfo.models import ClientInfo, ConnectionStatus, Platform
from hubinfo.ocpi.dialect import HUB

SORTS = (
    "party",
    "name",
    "role",
    "status",
    "status_since",
    "last_heard_at",
    "availability_24h",
    "availability_30d",
    "platform",
    "version",
    "behind",
)
AVAILABILITY = {"availability_24h": timedelta(days=1), "availability_30d": timedelta(days=30)}
_REFRESH_SECONDS = 15
_MANY = 500
"""From here on it is quicker to ask for all rows than to name them."""
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which rows, in what order. A text is looked for in party, name and platform."""

    status: str | None = None
    role: str | None = None
    country_code: str | None = None
    text: str | None = None
    sort: str = "party"
    descending: bool = False
    offset: int = 0
    limit: int = 50

    def takes(self, row: Row) -> bool:
        """Whether a row is among them."""
        asked = {"status": self.status, "role": self.role, "country_code": self.country_code}
        if any(value is not None and row[name].upper() != value.upper() for name, value in asked.items()):
            return False
        text = (self.text or "").casefold()
        return any(text in (row[name] or "").casefold() for name in ("party", "name", "platform"))


@dataclass(frozen=True)
class Page:
    """Some of the rows asked for, and how many there are."""

    total: int
    rows: list[Row]


def counts() -> dict[str, int]:
    """How many rows have each status."""
    counted = select(ClientInfo.status, func.count()).group_by(ClientInfo.status)
    found = {row[0]: row[1] for row in db.session.execute(counted)}
    return {status.value: found.get(status, 0) for status in ConnectionStatus}


def choices() -> dict[str, list[str]]:
    """The roles and countries there are."""
    pairs = db.session.execute(select(ClientInfo.role, func.upper(ClientInfo.country_code)).distinct()).all()
    return {"roles": sorted({role for role, _ in pairs}), "country_codes": sorted({country for _, country in pairs})}


def parties(wanted: Wanted) -> Page:
    """The rows asked for. Raises ValueError for what cannot be sorted by."""
    if wanted.sort not in SORTS:
        raise ValueError(f"sort={wanted.sort!r}: must be one of {', '.join(SORTS)}")
    rows = [row for row in _rows(_select()) if wanted.takes(row)]
    if wanted.sort in AVAILABILITY:
        _add_availability(rows, (wanted.sort,))
    page = _sorted(rows, wanted)[wanted.offset : wanted.offset + wanted.limit]
    _add_availability(page, [name for name in AVAILABILITY if name != wanted.sort])
    return Page(len(rows), page)


def of_party(party: str) -> list[Row]:
    """The rows of one party, as in the table."""
    rows = _rows(_select().where(ClientInfo.party == party))
    _add_availability(rows, AVAILABILITY)
    return rows


def mark() -> str:
    """Another one as soon as a status, a connection or a cursor has changed, and a few times a minute, since times go on.

    Not each time somebody is heard: on a busy hub the table would be made anew all the time.
    """
    number = cast(Platform.id, BigInteger)  # else PostgreSQL multiplies within 32 bits
    failures = (Platform.failed_probes * number, Platform.failed_pushes * number)  # two may change places
    sums = map(func.sum, (Platform.told_revision, Platform.tellings, *failures))
    seen = (func.max(Platform.token_made_at), func.count(Platform.receiver_url), *sums)
    suspended = select(func.count()).where(ClientInfo.suspended_by_operator).scalar_subquery()
    found = db.session.execute(select(suspended, *seen)).one()
    ticks = int(clock.now().timestamp()) // _REFRESH_SECONDS
    return "-".join(str(part) for part in (feed.newest_revision(db.session()), *found, ticks)).replace(" ", "T")


def _select() -> Select[Any]:
    return select(
        ClientInfo.id,
        ClientInfo.country_code,
        ClientInfo.party_id,
        ClientInfo.party,
        ClientInfo.business_details,
        ClientInfo.role,
        ClientInfo.status,
        ClientInfo.status_since,
        ClientInfo.last_updated,
        ClientInfo.suspended_by_operator,
        Platform.id.label("platform_id"),
        Platform.name.label("platform"),
        Platform.version,
        Platform.last_heard_at,
        Platform.receiver_url,
        Platform.probe_reason,
        Platform.push_reason,
    ).join(ClientInfo.platform)


def _rows(query: Select[Any]) -> list[Row]:
    is_hub = HUB in current_settings().roles
    behind = feed.behind(db.session()) if is_hub else {}
    return [_row(found, behind, is_hub=is_hub) for found in db.session.execute(query.order_by(ClientInfo.id))]


def _row(found: Any, behind: dict[int, int], *, is_hub: bool) -> Row:
    told = is_hub and found.receiver_url is not None
    return {
        "id": found.id,
        "country_code": found.country_code,
        "party_id": found.party_id,
        "party": found.party,
        "name": found.business_details.get("name"),
        "role": found.role,
        "status": found.status,
        "status_since": found.status_since or found.last_updated,
        "last_updated": found.last_updated,
        "last_heard_at": found.last_heard_at,
        **dict.fromkeys(AVAILABILITY),
        "platform": found.platform,
        "version": found.version,
        "behind": behind.get(found.platform_id, 0) if told else None,
        "reason": _reason(found),
        "suspended_by_operator": found.suspended_by_operator,
    }


def _reason(found: Any) -> str | None:
    """Why it is as it is, where that is no good news."""
    if found.status == ConnectionStatus.SUSPENDED:
        return "by an operator" if found.suspended_by_operator else "no longer registered"
    reason: str | None = found.probe_reason or found.push_reason
    return reason


def _add_availability(rows: Sequence[Row], names: Collection[str]) -> None:
    session, now = db.session(), clock.now()
    ids = {row["id"] for row in rows} if len(rows) < _MANY else None
    for name in names:
        totals = history.between(session, now - AVAILABILITY[name], now, ids)
        for row in rows:
            row[name] = totals[row["id"]].availability


def _sorted(rows: list[Row], wanted: Wanted) -> list[Row]:
    """By the column, then by party; what has no value comes last, whichever way."""
    rows = sorted(rows, key=lambda row: (row["party"], row["role"]))
    valued = [row for row in rows if row[wanted.sort] is not None]
    valued.sort(key=lambda row: _comparable(row[wanted.sort]), reverse=wanted.descending)
    return valued + [row for row in rows if row[wanted.sort] is None]


def _comparable(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
