"""Where there is no page: said in the board's frame to the operator, and to strangers in a line that reveals nothing."""

from http import HTTPStatus

from flask import Response, make_response, render_template
from werkzeug.exceptions import HTTPException

from hubinfo.operator.board import door

_SAYS = {
    HTTPStatus.NOT_FOUND: "There is no such page.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This page cannot be used like that.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "That was too much to send.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "That went wrong here. The log of this process says why.",
}


def page(error: HTTPException) -> Response:
    """An error as a page; what it says of itself when we raised it with words of our own."""
    http_status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    message = _SAYS.get(http_status, error.description)
    if http_status == HTTPStatus.NOT_FOUND and error.description != type(error).description:
        message = error.description
    framed = _is_signed_in() and http_status != HTTPStatus.INTERNAL_SERVER_ERROR  # the frame may have the bug
    body = render_template("error.html" if framed else "stranger.html", title=http_status.phrase, message=message)
    kept = [(name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After")]
    return door.secured(make_response(body, http_status, kept))


def _is_signed_in() -> bool:
    """False also where it cannot be known, as before the first start has made a password."""
    try:
        return door.session_id() is not None
    except OSError:
        return False
