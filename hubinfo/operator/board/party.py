"""A party: everything that is known of it, and what can be done."""

from typing import Any

from flask import abort
from werkzeug.wrappers import Response

from hubinfo import clock
from hubinfo.models import ClientInfo, ConnectionStatus, party_of
from hubinfo.operator import availability, dossier, log_book, overview, timeline
from hubinfo.operator.board import frame, live
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.refused import NoSuchParty

PERIODS = {"The last 24 hours": 1, "The last 30 days": 30}
"""In days."""
BUTTONS = {
    "probe": "Probe now",
    "suspend": "Suspend",
    "resume": "Resume",
    "tell-again": "Tell everything again",
    "invite": "Invite again",
}
"""The buttons, by the last part of their path."""
LISTED = 50
"""Of each list, the first so many."""


@blueprint.get("/parties/<country_code>/<party_id>")
def party(country_code: str, party_id: str) -> Response:
    """The dossier."""
    wanted = party_of(country_code, party_id)
    return live.page("party.html", "party_part.html", _mark, lambda: _shown(wanted))


def dossier_of(party: str) -> dict[str, Any]:
    """The dossier, or 404."""
    rows_of(party)
    return dossier.of(party)


def rows_of(party: str) -> list[ClientInfo]:
    """Its rows, or 404."""
    try:
        return dossier.rows_of(party)
    except NoSuchParty:
        abort(404, f"There is no party {party} here.")


def _mark() -> str:
    return f"{overview.mark()} {log_book.mark()}"


def _shown(party: str) -> dict[str, Any]:
    found = dossier_of(party)
    not_told = [row | {"last_updated": clock.parse(row["last_updated"])} for row in found["not_told"][:LISTED]]
    timelines = {title: _timelines(found["rows"], days) for title, days in PERIODS.items()}
    steps = {"steps": _steps(), "offered": _offered(found), "cannot": _cannot(found)}
    return {"dossier": found, "not_told": not_told, "timelines": timelines, "listed": LISTED, **steps}


def _steps() -> dict[str, str]:
    """Nobody but a hub tells anybody anything."""
    return {name: title for name, title in BUTTONS.items() if name != "tell-again" or frame.is_hub()}


def _offered(found: dict[str, Any]) -> set[str]:
    """The steps that can be taken now."""
    suspended = {row["suspended_by_operator"] for row in found["rows"]}
    by_status = {name for name, wanted in (("suspend", False), ("resume", True)) if wanted in suspended}
    return by_status | ({"probe", "tell-again", "invite"} - set(_cannot(found)))


def _cannot(found: dict[str, Any]) -> dict[str, str]:
    """The steps that would be refused, and why."""
    reasons = {"probe": _why_no_probe(found), "tell-again": _why_not_told(found), "invite": _why_not_invited(found)}
    return {step: reason for step, reason in reasons.items() if reason}


def _why_no_probe(found: dict[str, Any]) -> str | None:
    return None if any(each["registered"] for each in found["platforms"]) else "it has not registered"


def _why_not_told(found: dict[str, Any]) -> str | None:
    """Of its platforms, one that can be told is enough."""
    with_receiver = {row["platform"] for row in found["rows"] if row["behind"] is not None}
    reasons = [_why_platform_not_told(each, has_receiver=each["platform"] in with_receiver) for each in found["platforms"]]
    return None if None in reasons else reasons[0]


def _why_platform_not_told(platform: dict[str, Any], *, has_receiver: bool) -> str | None:
    if not platform["registered"]:
        return "it has not registered"
    if not has_receiver:
        return "it has no Receiver for ClientInfo"
    return None if platform["status"] == ConnectionStatus.CONNECTED else f"it is {platform['status']}, and asks when it is back"


def _why_not_invited(found: dict[str, Any]) -> str | None:
    """A role that a registered platform no longer brings may be invited anew."""
    if any(row["suspended_by_operator"] for row in found["rows"]):
        return "an operator has suspended it"
    registered = {each["platform"] for each in found["platforms"] if each["registered"]}
    held = [row for row in found["rows"] if row["platform"] in registered and row["status"] != ConnectionStatus.SUSPENDED]
    return "it is registered" if held else None


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
