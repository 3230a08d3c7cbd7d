"""All parties at a glance: who cannot be reached, since when and why."""

from typing import Any

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from hubinfo.models import ConnectionStatus
from hubinfo.operator import availability, overview, timeline
from hubinfo.operator.board import frame, live, paging
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.board.paging import Pages

COLUMNS = {
    "party": "Party",
    "name": "Name",
    "role": "Role",
    "status": "Status",
    "status_since": "Since",
    "last_heard_at": "Last heard",
    "availability_24h": "24 hours",
    "availability_30d": "30 days",
    "platform": "Platform",
    "version": "OCPI",
    "behind": "Behind",
}
"""What can be sorted by, in the order of the table."""


@blueprint.get("/")
def parties() -> Response:
    """The table of parties; where this platform is no hub, what its hubs told."""
    if not frame.is_hub():
        return redirect(url_for("board.known"))
    return live.page("parties.html", "parties_part.html", overview.mark, _shown)


def _shown() -> dict[str, Any]:
    found, pages = _found()
    day = availability.period(days=1)
    intervals = timeline.intervals([row["id"] for row in found.rows], day)
    for row in found.rows:
        label = f"{row['party']} {row['role']}, the last 24 hours"
        row["timeline"] = timeline.svg(intervals.get(row["id"], []), day, label=label)
    asked = {name: _in_capitals(name) or "" for name in ("status", "role", "country")}
    return {
        "counts": overview.counts(),
        "choices": overview.choices(),
        "rows": found.rows,
        "pages": pages,
        "columns": COLUMNS,
        "asked": {**asked, "text": _text()},
        "filtered": bool(_text() or any(asked.values())),
        "sort": _sort(),
        "descending": _descending(),
    }


def _found() -> tuple[overview.Page, Pages]:
    """Asked once more where the list has become shorter than the page that was asked for."""
    asked = paging.asked()
    found = overview.parties(_wanted((asked - 1) * paging.SIZE))
    pages = Pages(found.total, asked)
    if pages.number != asked:
        found = overview.parties(_wanted(pages.offset))
    return found, pages


def _wanted(offset: int) -> overview.Wanted:
    return overview.Wanted(
        status=_one_of(_in_capitals("status"), tuple(ConnectionStatus)),
        role=_in_capitals("role"),
        country_code=_in_capitals("country"),
        text=_text() or None,
        sort=_sort(),
        descending=_descending(),
        offset=offset,
        limit=paging.SIZE,
    )


def _text() -> str:
    return request.args.get("text", "").strip()


def _in_capitals(name: str) -> str | None:
    return request.args.get(name, "").upper() or None


def _sort() -> str:
    return _one_of(request.args.get("sort"), overview.SORTS) or "party"


def _descending() -> bool:
    return request.args.get("order") == "desc"


def _one_of(text: str | None, allowed: tuple[str, ...]) -> str | None:
    return text if text in allowed else None
