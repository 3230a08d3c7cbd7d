"""A party: everything that is known of it, and what can be done."""

from typing import Any

from flask import abort
from werkzeug.wrappers import Response

from hubinfo import clock
from hubinfo.models import party_of
from hubinfo.operator import availability, dossier, log_book, overview, timeline
from hubinfo.operator.board import live
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.refused import NoSuchParty

PERIODS = {"The last 24 hours": 1, "The last 30 days": 30}
"""In days."""
LISTED = 50
"""Of each list, the first so many."""


@blueprint.get("/parties/<country_code>/<party_id>")
def party(country_code: str, party_id: str) -> Response:
    """The dossier."""
    wanted = party_of(country_code, party_id)
    return live.page("party.html", "party_part.html", _mark, lambda: _shown(wanted))


def dossier_of(party: str) -> dict[str, Any]:
    """The dossier, or 404."""
    try:
        return dossier.of(party)
    except NoSuchParty:
        abort(404, f"There is no party {party} here.")


def _mark() -> str:
    return f"{overview.mark()} {log_book.mark()}"


def _shown(party: str) -> dict[str, Any]:
    found = dossier_of(party)
    not_told = [row | {"last_updated": clock.parse(row["last_updated"])} for row in found["not_told"][:LISTED]]
    timelines = {title: _timelines(found["rows"], days) for title, days in PERIODS.items()}
    return {"dossier": found, "not_told": not_told, "timelines": timelines, "listed": LISTED}


def _timelines(rows: list[dict[str, Any]], days: int) -> dict[str, Any]:
    period = availability.period(days=days)
    intervals = timeline.intervals([row["id"] for row in rows], period)
    words = "24 hours" if days == 1 else f"{days} days"
    return {
        row["role"]: timeline.svg(
            intervals.get(row["id"], []), period, label=f"{row['party']} {row['role']}, the last {words}", tall=True
        )
        for row in rows
    }
