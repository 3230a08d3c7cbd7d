"""OCPI over Flask: the envelope on every answer, errors included, the message ids, the body."""

import logging
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from hubinfo.ocpi.envelope import NotJson, OcpiError, StatusCode, read_json, wrap

ROOT = "/ocpi"
MAX_BODY = 1024 * 1024
_DRAINED = 16 * MAX_BODY
_MESSAGE_IDS = ("X-Request-ID", "X-Correlation-ID")
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
    app.register_error_handler(Exception, _on_bug)
    app.after_request(_repeat_message_ids)


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
    """What the request carries. Raises NotJson (HTTP 400), or HTTP 413 when it is larger than MAX_BODY."""
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


def _on_bug(error: Exception) -> Response:
    if not is_ocpi():
        raise error
    _log.error("request_failed method=%s path=%s", request.method, request.path, exc_info=error)
    return answer(status_code=StatusCode.SERVER_ERROR, message="internal error", http_status=HTTPStatus.INTERNAL_SERVER_ERROR)


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


def _repeat_message_ids(response: Response) -> Response:
    if is_ocpi():
        for name in _MESSAGE_IDS:
            response.headers[name] = request.headers.get(name) or str(uuid.uuid4())
    return response
