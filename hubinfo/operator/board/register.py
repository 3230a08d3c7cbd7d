"""Registering this platform with a hub, which gave it a versions URL and a token A."""

from http import HTTPStatus

from flask import make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from hubinfo.config import current_settings
from hubinfo.operator import actions
from hubinfo.operator.board import frame
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.refused import Refused


@blueprint.get("/register")
def register() -> Response:
    """The form."""
    return _page()


@blueprint.post("/register")
def register_now() -> Response:
    """Exchange credentials; the page waits until both sides have theirs."""
    given = request.form
    version = given.get("version") if given.get("version") in current_settings().versions else None
    try:
        made = actions.register("board", given.get("versions_url", "").strip(), given.get("token_a", "").strip() or None, version)
    except Refused as refused:
        return _page(str(refused), HTTPStatus.CONFLICT)
    return frame.done(url_for("board.parties"), f"Registered with {made.platform} over OCPI {made.version}.")


def _page(wrong: str | None = None, http_status: HTTPStatus = HTTPStatus.OK) -> Response:
    """The token is not filled in again: nothing of a token is in any page that did not make it."""
    versions_url = request.form.get("versions_url", "")
    return make_response(render_template("register.html", wrong=wrong, versions_url=versions_url), http_status)
