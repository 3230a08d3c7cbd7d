"""What was done: pushes and probes as they end, and what operators did."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from hubinfo.operator import log_book
from hubinfo.operator.board import live
from hubinfo.operator.board.blueprint import blueprint

SIZE = 50
KINDS = ("push", "probe")


@blueprint.get("/activity")
def activity() -> Response:
    """The latest pushes and probes."""
    return live.page("activity.html", "activity_part.html", log_book.mark, _activity)


@blueprint.get("/actions")
def recorded_actions() -> Response:
    """The latest recorded actions."""
    return live.page("actions.html", "actions_part.html", log_book.mark, _actions)


def _activity() -> dict[str, Any]:
    kind = request.args.get("kind")
    kind = kind if kind in KINDS else None
    rows = log_book.activity(party=_party(), kind=kind, before=_before(), limit=SIZE + 1)
    return {**_page_of(rows), "kind": kind, "kinds": KINDS}


def _actions() -> dict[str, Any]:
    return _page_of(log_book.actions(party=_party(), before=_before(), limit=SIZE + 1))


def _page_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One more than is shown was asked for, to see whether there are older ones."""
    shown = rows[:SIZE]
    older = shown[-1]["id"] if len(rows) > SIZE else None
    return {"rows": shown, "older": older, "party": request.args.get("party", "").strip(), "before": _before()}


def _party() -> str | None:
    """As it may be typed: `NL-TNM`, `nl tnm`."""
    text = request.args.get("party", "").strip().upper()
    return "-".join(text.replace("-", " ").split()) or None


def _before() -> int | None:
    text = request.args.get("before", "")
    return min(int(text), log_book.LAST_ID) if text.isascii() and text.isdigit() and len(text) < 19 else None
