"""The door: nobody passes without being signed in, no form without its token, and no answer leaves without its headers."""

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Response, abort, current_app, g, redirect, request, url_for
from werkzeug.exceptions import HTTPException

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
NO_COOKIE = (
    "The cookie of this form has not come back. Either the browser keeps no cookies of this site, "
    "or the page was opened by http where PUBLIC_URL is https: then cookies are sent over TLS only, and the board has to be opened "
    "by https. Or the page was open too long: go back, reload it and try again."
)


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
        abort(HTTPStatus.BAD_REQUEST, TOO_OLD if sessions.has_cookie() else NO_COOKIE)
    if session_id() is None and request.endpoint not in OPEN:
        return _to_sign_in()
    return None


def _has_form_token() -> bool:
    return sessions.is_form_token(identity(), request.form.get("form_token", ""))


def _to_sign_in() -> Response:
    """A part of a page that refreshes itself makes the page reload, which then leads to the sign-in."""
    if live.ASKS in request.args:
        return Response(status=HTTPStatus.UNAUTHORIZED, headers={"HX-Refresh": "true"})
    wanted = _form_page() if request.method == "POST" else request.full_path.rstrip("?")
    answer = redirect(url_for("board.sign_in", next=None if wanted == "/" else wanted), HTTPStatus.SEE_OTHER)
    assert isinstance(answer, Response)
    return answer


def _form_page() -> str:
    """The page with the form that was sent, as far as it can be told; else the first page."""
    try:
        url = urlsplit(request.referrer or "")
        endpoint, _ = current_app.url_map.bind("").match(url.path, "GET")
    except (HTTPException, ValueError):
        return "/"
    is_ours = url.path != "" and endpoint.startswith(f"{blueprint.name}.") and endpoint not in OPEN
    return (f"{url.path}?{url.query}" if url.query else url.path) if is_ours else "/"


blueprint.after_request(secured)
