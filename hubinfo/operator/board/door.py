"""The door: nobody passes without being signed in, no form without its token, and no answer leaves without its headers."""

from http import HTTPStatus

from flask import Response, abort, g, redirect, request, url_for

from hubinfo.operator.board import live, sessions
from hubinfo.operator.board.blueprint import blueprint

OPEN = {"board.sign_in", "board.check_password", "board.static"}
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
TOO_OLD = "This page was open too long; go back, reload it and try again."


def session_id() -> str | None:
    """Of the request; None when it is not signed in."""
    if "session_id" not in g:
        g.session_id = sessions.current()
    found: str | None = g.session_id
    return found


def identity() -> str:
    """Whose forms these are: the session's, or the visitor's before there is one."""
    if "identity" not in g:
        g.identity = session_id() or sessions.visitor()
    found: str = g.identity
    return found


def secured(response: Response) -> Response:
    """Nothing of the board runs, loads, is framed or is kept elsewhere; only what is the same for everybody may be cached."""
    response.headers.update(HEADERS)
    if request.endpoint != "board.static":
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.before_request
def _guard() -> Response | None:
    if "\0" in request.path or any("\0" in value for value in request.values.values()):
        abort(HTTPStatus.BAD_REQUEST, "No name or text has a character with the number 0.")  # nor does PostgreSQL take one
    if request.method == "POST" and not _has_form_token():
        if session_id() is None and request.endpoint not in OPEN:
            return _to_sign_in()
        abort(HTTPStatus.BAD_REQUEST, TOO_OLD)
    if session_id() is None and request.endpoint not in OPEN:
        return _to_sign_in()
    return None


def _has_form_token() -> bool:
    return sessions.is_form_token(identity(), request.form.get("form_token", ""))


def _to_sign_in() -> Response:
    """A part of a page that refreshes itself makes the page reload, which then leads to the sign-in."""
    if live.ASKS in request.args:
        return Response(status=HTTPStatus.UNAUTHORIZED, headers={"HX-Refresh": "true"})
    wanted = request.full_path.rstrip("?")
    answer = redirect(url_for("board.sign_in", next=None if wanted == "/" else wanted), HTTPStatus.SEE_OTHER)
    assert isinstance(answer, Response)
    return answer


blueprint.after_request(secured)
