"""For a party: what each hub told, whether that still holds, and whom it can reach."""

from http import HTTPStatus
from typing import Any

from flask import abort, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from hubinfo.models import ConnectionStatus
from hubinfo.ocpi.dialect import HUB
from hubinfo.operator import actions, hubs, overview
from hubinfo.operator.board import frame, live, paging
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.board.paging import Pages
from hubinfo.operator.refused import Refused
from hubinfo.receiver import known as receiver
from hubinfo.receiver.pull import Pull


@blueprint.get("/known")
def known() -> Response:
    """All hubs, and all they told."""
    _only_for_parties()
    return live.page("known.html", "known_part.html", _mark, _shown)


@blueprint.get("/known/sync")
def confirm_sync() -> Response:
    """What will happen, and a button for it."""
    _only_for_parties()
    return _confirm()


@blueprint.post("/known/sync")
def sync_now() -> Response:
    """Pull from one hub, or from all; the page waits for what comes of it."""
    _only_for_parties()
    try:
        pulls = actions.sync("board", _hub())
    except Refused as refused:
        return _confirm(str(refused), HTTPStatus.CONFLICT)
    said = [
        f"{pull.hub} could not be pulled from: {pull.reason}."
        if pull.reason
        else f"{pull.hub} lists {pull.received}; {pull.changed} changed, {pull.no_longer_valid} no longer listed.{_ignored(pull)}"
        for pull in pulls
    ]
    return frame.done(url_for("board.known"), " ".join(said), wrong=any(pull.reason for pull in pulls))


def _ignored(pull: Pull) -> str:
    return f" {pull.ignored} could not be used, the first: {pull.ignored_reasons[0]}." if pull.ignored else ""


def _confirm(wrong: str | None = None, http_status: HTTPStatus = HTTPStatus.OK) -> Response:
    names = [row["hub"] for row in hubs.hubs()]
    hub = _hub()
    if hub is not None and hub not in names and wrong is None:
        abort(HTTPStatus.NOT_FOUND, f"There is no hub {hub!r}.")
    return make_response(render_template("sync.html", hub=hub, names=names, wrong=wrong), http_status)


def _hub() -> str | None:
    return request.values.get("hub") or None


def _mark() -> str:
    return f"{hubs.mark()} {overview.mark()}"


def _only_for_parties() -> None:
    if not frame.is_party():
        abort(HTTPStatus.NOT_FOUND)


def _shown() -> dict[str, Any]:
    text = request.args.get("text", "").strip()
    found = hubs.hubs()
    statuses = {row["hub"]: row["status"] for row in found}
    rows = [_row(row, statuses.get(row["hub"])) for row in receiver.known() if _fits(row, text.upper())]
    pages = Pages(len(rows), paging.asked())
    return {"hubs": found, "others": _others(list(statuses)), "rows": pages.of(rows), "pages": pages, "text": text}


def _others(names: list[str]) -> list[dict[str, Any]]:
    """Who was a hub of ours, or is invited; where there is a page of all parties, those are there too."""
    wanted = overview.Wanted(role=HUB if frame.is_hub() else None, limit=paging.SIZE)
    return [row for row in overview.parties(wanted).rows if row["platform"] not in names]


def _row(row: dict[str, Any], hub_status: str | None) -> dict[str, Any]:
    """`hub_status`: None when we are no longer registered with it."""
    silent = "the hub is silent" if hub_status == ConnectionStatus.OFFLINE else f"the hub is {hub_status}"
    return row | {"reachable": _is_reachable(row), "why_stale": silent if hub_status else "no longer registered with the hub"}


def _is_reachable(row: dict[str, Any]) -> bool:
    """By this hub, in this role."""
    return bool(row["valid"]) and not row["stale"] and row["status"] == ConnectionStatus.CONNECTED


def _fits(row: dict[str, Any], text: str) -> bool:
    searched = f"{row['country_code']}-{row['party_id']} {row['role']} {row['status']} {row['hub']}".upper()
    return all(word in searched for word in text.split())
