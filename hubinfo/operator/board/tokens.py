"""The tokens with which programs use `/api`: made, shown once, revoked."""

from http import HTTPStatus

from flask import abort, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from hubinfo.operator import access, actions
from hubinfo.operator.board import frame
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.refused import Refused


@blueprint.get("/tokens")
def tokens() -> Response:
    """All tokens, by name and use, and a form for a new one."""
    return _page()


@blueprint.post("/tokens")
def make_token() -> Response:
    """Make one and show it, this once."""
    name = request.form.get("name", "").strip()
    try:
        token = actions.make_api_token("board", name)
    except Refused as refused:
        return _page(name, str(refused), HTTPStatus.UNPROCESSABLE_ENTITY)
    return make_response(render_template("token_made.html", name=name, token=token))


@blueprint.get("/tokens/revoke")
def confirm_revoking() -> Response:
    """What will happen, and a button for it."""
    name = request.args.get("name", "")
    if name not in [row["name"] for row in access.api_tokens()]:
        abort(HTTPStatus.NOT_FOUND, f"There is no token {name!r}.")
    return make_response(render_template("token_revoke.html", name=name))


@blueprint.post("/tokens/revoke")
def revoke() -> Response:
    """The token is dead from now on."""
    name = request.form.get("name", "")
    try:
        actions.revoke_api_token("board", name)
    except Refused as refused:
        return frame.done(url_for("board.tokens"), str(refused), wrong=True)
    return frame.done(url_for("board.tokens"), f"The token {name} no longer works.")


def _page(name: str = "", wrong: str | None = None, http_status: HTTPStatus = HTTPStatus.OK) -> Response:
    """A name that is in use already replaces that token, which the page says."""
    return make_response(render_template("tokens.html", rows=access.api_tokens(), name=name, wrong=wrong), http_status)
