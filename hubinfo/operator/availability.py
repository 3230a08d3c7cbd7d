"""How much of a period parties and the hub as a whole were CONNECTED; PLANNED and SUSPENDED time does not count."""

import csv
import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.hub import history
from hubinfo.models import ClientInfo, Platform
from hubinfo.ocpi.dialect import HUB
from hubinfo.operator.output import plain

DEFAULT_DAYS = 30.0
SLICES = 30
LONGEST_DAYS = 36_500
COLUMNS = (
    "country_code",
    "party_id",
    "role",
    "platform",
    "status",
    "availability",
    "connected_seconds",
    "offline_seconds",
    "changes",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Period:
    """From when to when."""

    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True)
class Slice(Period):
    """A part of a period, and how much of it all parties together were CONNECTED; None where nobody could have been."""

    availability: float | None


def period(*, days: float | None = None, date_from: datetime | None = None, date_to: datetime | None = None) -> Period:
    """The last so many days, or from one instant to another, at most until now. Raises ValueError."""
    now = clock.now()
    if days is not None and (date_from is not None or date_to is not None):
        raise ValueError("days: must stand alone, or date_from and date_to instead")
    if days is not None and not (0 < days <= LONGEST_DAYS and timedelta(days=days)):
        raise ValueError(f"days={days:g}: must be a number greater than 0, at most {LONGEST_DAYS}")
    ended_at = min(date_to or now, now)
    began_at = date_from or _earlier(ended_at, days or DEFAULT_DAYS)
    if began_at >= ended_at:
        shown = f"date_from={clock.render(began_at)}"
        raise ValueError(f"{shown}: must be before date_to and before now ({clock.render(ended_at)})")
    return Period(began_at, ended_at)


def _earlier(instant: datetime, days: float) -> datetime:
    """So many days before; at the earliest when the calendar begins."""
    try:
        return instant - timedelta(days=days)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def of_parties(within: Period, party: str | None = None) -> list[dict[str, Any]]:
    """Of every row, or those of one party."""
    columns = (ClientInfo.id, ClientInfo.country_code, ClientInfo.party_id, ClientInfo.role, ClientInfo.status)
    rows = select(*columns, Platform.name.label("platform")).join(ClientInfo.platform).order_by(ClientInfo.party, ClientInfo.role)
    found = db.session.execute(rows if party is None else rows.where(ClientInfo.party == party)).all()
    ids = None if party is None else [row.id for row in found]
    totals = history.between(db.session(), within.began_at, within.ended_at, ids)
    return [_row(row, totals[row.id]) for row in found]


def of_hub(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of all its rows together: of the time in which they could have been CONNECTED, how much they were."""
    up, down = (round(sum(row[name] for row in rows), 3) for name in ("connected_seconds", "offline_seconds"))
    return {"availability": up / (up + down) if up + down else None, "connected_seconds": up, "offline_seconds": down}


def with_hub(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of all parties, and where this platform is a hub one for it as a whole."""
    own = current_settings()
    if HUB not in own.roles:
        return list(rows)
    whole = {"country_code": own.country_code, "party_id": own.party_id, "role": HUB, "platform": None, "status": None}
    return [*rows, whole | of_hub(rows) | {"changes": sum(row["changes"] for row in rows)}]


def slices(within: Period, count: int = SLICES) -> list[Slice]:
    """The period in parts of one length, of all parties together."""
    length = (within.ended_at - within.began_at) / count
    borders = [within.began_at + length * number for number in range(count)] + [within.ended_at]
    totals = [history.totals_at(db.session(), at) for at in borders]
    shares = [_of_all(before, after) for before, after in itertools.pairwise(totals)]
    return [Slice(*ends, share) for ends, share in zip(itertools.pairwise(borders), shares, strict=True)]


def _of_all(before: Mapping[int, history.Totals], after: Mapping[int, history.Totals]) -> float | None:
    added = [total.since(before.get(key, total)) for key, total in after.items()]
    return history.Totals(sum(each.up_ms for each in added), sum(each.down_ms for each in added)).availability


def as_csv(rows: Iterable[dict[str, Any]]) -> str:
    """With a heading; a cell that a spreadsheet would take for a formula is kept from being one."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    lines.writerows([_cell(row[name]) for name in COLUMNS] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else plain(value)


def _row(row: Any, totals: history.Totals) -> dict[str, Any]:
    return {
        "country_code": row.country_code,
        "party_id": row.party_id,
        "role": row.role,
        "platform": row.platform,
        "status": row.status,
        "availability": totals.availability,
        "connected_seconds": totals.up_ms / 1000,
        "offline_seconds": totals.down_ms / 1000,
        "changes": totals.changes,
    }
