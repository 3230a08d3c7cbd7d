"""OCPI over Flask: the envelope on every answer, errors included, the message ids, the body."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, has_request_context, request
from werkzeug.exceptions import HTTPException, InternalServerError, RequestEntityTooLarge, ServiceUnavailable

from hubinfo.database import cause, is_unreachable
from hubinfo.logs import say, say_where
from hubinfo.ocpi import authorization
from hubinfo.ocpi.envelope import NotJson, OcpiError, StatusCode, UnsupportedBody, read_json, wrap

ROOT = "/ocpi"
MAX_BODY = 1024 * 1024
_DRAINED = 16 * MAX_BODY
_MESSAGE_IDS = ("X-Request-ID", "X-Correlation-ID")
_FIT_FOR_HEADER = re.compile(r"[^\x00-\x1f\x7f]+")
_LONGEST_SHOWN = 100
_RETRY_AFTER_SECONDS = 5
_LONG_TOKEN = 8
"""Shorter ones, which only a stranger would present, are in many words by chance."""
_ERROR_PAGES = "hubinfo.error_pages"
ErrorPage = Callable[[HTTPException], Response | HTTPException]
_log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """OCPI's manners for OCPI's URLs; all others keep Flask's."""
    # One byte more, because of a chunked body werkzeug hands over the first so many bytes without a word.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY + 1
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.strict_slashes = False  # with or without a trailing slash, never a redirect
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_error_handler(OcpiError, _on_ocpi_error)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_fault)
    app.before_request(_begin)
    app.after_request(_end)


def error_page(app: Flask, path: str, page: ErrorPage) -> None:
    """How errors are answered below this path, where that is not OCPI; the longest path decides."""
    app.extensions.setdefault(_ERROR_PAGES, {})[path.rstrip("/")] = page


def answer(
    data: Any = None,
    *,
    status_code: int = StatusCode.SUCCESS,
    message: str | None = None,
    http_status: int = HTTPStatus.OK,
    headers: dict[str, str] | None = None,
) -> Response:
    """An OCPI response."""
    body = current_app.json.dumps(wrap(status_code, message, data), separators=(",", ":")) + "\n"
    return Response(body, http_status, headers, mimetype="application/json")


def json_body() -> Any:
    """What the request carries. Raises NotJson (HTTP 400), UnsupportedBody (415), or HTTP 413 when it is larger than MAX_BODY."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        drain()
        raise UnsupportedBody(f"Content-Encoding={encoding[:_LONGEST_SHOWN]!r}: must be identity, so not compressed")
    body = request.get_data(cache=False)
    if len(body) > MAX_BODY:
        raise RequestEntityTooLarge
    try:
        return read_json(body)
    except ValueError as error:
        raise NotJson(f"the body is not JSON: {error}") from None


def _on_ocpi_error(error: OcpiError) -> Response:
    return answer(status_code=error.status_code, message=str(error), http_status=error.http_status, headers=error.headers)


def _on_http_error(error: HTTPException) -> Response | HTTPException:
    if error.code is None:
        return error
    if not is_ocpi():
        return _error_page()(error)
    if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        drain()
    code = StatusCode.SERVER_ERROR if error.code >= 500 else StatusCode.CLIENT_ERROR
    said = answer(status_code=code, message=f"{request.method} {request.path}: {error.name}", http_status=error.code)
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    said.headers.update(kept)
    return said


def _error_page() -> ErrorPage:
    pages: dict[str, ErrorPage] = current_app.extensions.get(_ERROR_PAGES, {})
    above = [path for path in pages if request.path == path or request.path.startswith(f"{path}/")]
    return pages[max(above, key=len)] if above else lambda error: error


def _on_fault(error: Exception) -> Response | HTTPException:
    if not is_ocpi() and not is_unreachable(error):
        raise error
    return _on_http_error(as_answered(error))


def as_answered(error: Exception) -> HTTPException:
    """What went wrong here: 503 where the database cannot be asked, which is one line in the log, and 500 for a bug of ours."""
    values = {"method": _shown(request.method), "path": _shown(request.path), **logged_ids()}
    if is_unreachable(error):
        say(_log, logging.ERROR, "request_failed", **values, reason=f"database: {cause(error)}")
        return ServiceUnavailable("The database cannot be asked at the moment.", retry_after=_RETRY_AFTER_SECONDS)
    say_where(_log, "request_failed", error, **values)
    return InternalServerError()


def is_ocpi() -> bool:
    """Whether this request is for an OCPI URL."""
    return request.path == ROOT or request.path.startswith(f"{ROOT}/")


def drain() -> None:
    """Take in what is still being sent: a caller whose upload is cut off sees a broken connection, not our 413."""
    length = request.content_length
    if length is None or length <= MAX_BODY + 1:
        return  # read already, or of unknown length: reading on past the end would wait for ever
    stream, left = request.environ["wsgi.input"], min(length, _DRAINED)
    while left > 0 and (chunk := stream.read(min(65536, left))):
        left -= len(chunk)


def _begin() -> None:
    if is_ocpi():
        g.began, g.message_ids = time.monotonic(), {name: _message_id(name) for name in _MESSAGE_IDS}


def _message_id(name: str) -> str:
    """As it came, or a new one where none did, or one that cannot be sent."""
    given = request.headers.get(name, "")
    return given if _FIT_FOR_HEADER.fullmatch(given) else str(uuid.uuid4())


def _end(response: Response) -> Response:
    if is_ocpi():
        response.headers.update(g.message_ids)
        values = {"method": _shown(request.method), "path": _shown(request.path), "status": response.status_code}
        values |= {"platform": g.get("platform_name", "-"), **logged_ids(), "seconds": round(time.monotonic() - g.began, 3)}
        say(_log, logging.INFO, "request", **values)
    return response


def logged_ids() -> dict[str, str]:
    """For the log: the ids of the OCPI message that is being answered; none where there is no such message."""
    ids: dict[str, str] = g.get("message_ids", {}) if has_request_context() else {}
    return {name.removeprefix("X-").replace("-", "_").lower(): _shown(value) for name, value in ids.items()}


def _shown(text: str) -> str:
    """Of what a peer has sent: not more than a line can bear, and not its token."""
    sent = request.headers.get("Authorization", "")
    tokens = *authorization.presented(sent), *sent.split()  # whatever the scheme, it may be one
    if any(token in text for token in tokens if len(token) >= _LONG_TOKEN):
        return "(not shown)"
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
