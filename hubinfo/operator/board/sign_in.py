"""Signing in with the operator's password, and out."""

import logging
import math
import re
from http import HTTPStatus

from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from hubinfo.logs import say
from hubinfo.operator import guesses
from hubinfo.operator.access import is_password
from hubinfo.operator.board import door, frame, sessions
from hubinfo.operator.board.blueprint import blueprint

_log = logging.getLogger(__name__)
_OWN_PATH = re.compile(r"/(?![/\\])[^\\\s\x00-\x1f\x7f]*")
"""Browsers drop tabs and line ends, and take a backslash for a slash: `/\\t/evil` would lead to another site."""


@blueprint.get("/sign-in")
def sign_in() -> AnyResponse:
    """The form."""
    return redirect(_next()) if door.session_id() else _form()


@blueprint.post("/sign-in")
def check_password() -> AnyResponse:
    """Right: on to where the operator wanted to go. Wrong: the form again, and from the fifth time on a wait."""
    attempts = guesses.of(current_app, known=sessions.is_known_browser())
    judged = attempts.judge(request.remote_addr or "", lambda: is_password(request.form.get("password", "")))
    if judged.wait_seconds:
        seconds = math.ceil(judged.wait_seconds)
        message = f"Too many wrong passwords. Try again in {seconds} s."
        return _form(message, HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(seconds)})
    if not judged.is_right:
        say(_log, logging.WARNING, "sign_in_refused", address=request.remote_addr)
        return _form("That is not the operator's password.", HTTPStatus.FORBIDDEN)
    say(_log, logging.INFO, "signed_in", address=request.remote_addr)
    answer = redirect(_next(), HTTPStatus.SEE_OTHER)
    assert isinstance(answer, Response)
    sessions.begin(answer)
    return answer


@blueprint.post("/sign-out")
def sign_out() -> AnyResponse:
    """Forget the session in this browser."""
    answer = redirect(url_for("board.sign_in"), HTTPStatus.SEE_OTHER)
    assert isinstance(answer, Response)
    sessions.end(answer)
    frame.say_next(answer, "You are signed out in this browser. To end every session everywhere, change the operator's password.")
    return answer


def _form(message: str | None = None, http_status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    page = render_template("sign_in.html", message=message, next=_next())
    answer = make_response(page, http_status, headers or {})
    sessions.set_cookie(answer, sessions.VISITOR_COOKIE, door.identity(), None)
    return answer


def _next() -> str:
    """Where the operator wanted to go: a path of ours, or the first page."""
    wanted = request.values.get("next", "")
    return wanted if _OWN_PATH.fullmatch(wanted) else url_for("board.parties")
