"""Ending a connection: the credentials of both sides are deleted."""

from http import HTTPStatus
from typing import Any

from flask import abort, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from hubinfo.models import party_of
from hubinfo.operator import actions
from hubinfo.operator.board import frame
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.board.party import dossier_of
from hubinfo.operator.refused import Refused


@blueprint.get("/parties/<country_code>/<party_id>/unregister/<platform>")
def confirm_unregistering(country_code: str, party_id: str, platform: str) -> Response:
    """What will happen, and a button for it."""
    return _page(_dossier(country_code, party_id, platform), platform)


@blueprint.post("/parties/<country_code>/<party_id>/unregister/<platform>")
def unregister(country_code: str, party_id: str, platform: str) -> Response:
    """Ask the other side, and forget it; where it cannot be asked, the page says why."""
    found = _dossier(country_code, party_id, platform)
    try:
        name = actions.unregister("board", platform, force="force" in request.form)
    except Refused as refused:
        return _page(found, platform, str(refused), HTTPStatus.CONFLICT)
    return frame.done(_path(found), f"{name} is disconnected. The credentials of both sides no longer work.")


def _dossier(country_code: str, party_id: str, platform: str) -> dict[str, Any]:
    found = dossier_of(party_of(country_code, party_id))
    if platform not in [each["platform"] for each in found["platforms"] if each["registered"]]:
        abort(HTTPStatus.NOT_FOUND, f"{found['party']} has no connection {platform} that could be ended.")
    return found


def _page(found: dict[str, Any], platform: str, wrong: str | None = None, http_status: HTTPStatus = HTTPStatus.OK) -> Response:
    page = render_template("unregister.html", platform=platform, dossier=found, wrong=wrong, back=_path(found))
    return make_response(page, http_status)


def _path(found: dict[str, Any]) -> str:
    return url_for("board.party", country_code=found["country_code"], party_id=found["party_id"])
