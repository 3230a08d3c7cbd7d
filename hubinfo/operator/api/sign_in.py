"""Who may use `/api`: the operator by password, whose guessing is slowed down, and programs by a bearer token."""

import math
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Response, current_app, g, request

from hubinfo.config import current_settings
from hubinfo.operator import access, guesses
from hubinfo.operator.api.answers import error

_READING = ("GET", "HEAD")


def refusal() -> Response | None:
    """None for those who may go on: 401 to strangers, 429 while the password is being guessed, 403 to pages of other sites."""
    presented = request.authorization
    if presented is not None and presented.type == "basic":
        judged = guesses.of(current_app).judge(request.remote_addr or "", lambda: access.signed_in(request) is not None)
        if judged.wait_seconds:
            return _too_many(judged.wait_seconds)
        if not judged.is_right:
            return _unauthorized()
    source = access.signed_in(request)
    if source is None:
        return _unauthorized()
    g.source = source
    return _foreign_page()


def source() -> str:
    """Who asks, as recorded with what is done: `api: NAME`."""
    return str(g.source)


def _unauthorized() -> Response:
    refused = error(HTTPStatus.UNAUTHORIZED, "Authorization: must be Bearer and a token, or Basic, operator and the password")
    refused.headers.extend([("WWW-Authenticate", 'Bearer realm="hubinfo"'), ("WWW-Authenticate", 'Basic realm="hubinfo"')])
    return refused


def _too_many(wait_seconds: float) -> Response:
    seconds = math.ceil(wait_seconds)
    message = f"Authorization: too many wrong passwords; wait {seconds} s, or use a bearer token"
    return error(HTTPStatus.TOO_MANY_REQUESTS, message, {"Retry-After": str(seconds)})


def _foreign_page() -> Response | None:
    """A browser that knows the password sends it along for any page, which must not be able to act with it."""
    origin = request.headers.get("Origin")
    own = (request.host, urlsplit(current_settings().public_url).netloc)
    if request.method in _READING or origin is None or origin.partition("://")[2] in own:
        return None
    return error(HTTPStatus.FORBIDDEN, f"Origin={origin!r}: must be this platform's own, or not be there")
