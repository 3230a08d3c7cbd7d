"""What was done: pushes and probes as they end, and what operators did."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from hubinfo.operator import log_book
from hubinfo.operator.board import live, paging
from hubinfo.operator.board.blueprint import blueprint

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
    rows = log_book.activity(party=_party(), kind=kind, before=paging.before(), limit=paging.SIZE + 1)
    return {**paging.newest(rows), "party": _asked_party(), "kind": kind, "kinds": KINDS}


def _actions() -> dict[str, Any]:
    rows = log_book.actions(party=_party(), before=paging.before(), limit=paging.SIZE + 1)
    return {**paging.newest(rows), "party": _asked_party()}


def _asked_party() -> str:
    return request.args.get("party", "").strip()


def _party() -> str | None:
    """As it may be typed: `NL-TNM`, `nl tnm`."""
    return "-".join(_asked_party().upper().replace("-", " ").split()) or None
