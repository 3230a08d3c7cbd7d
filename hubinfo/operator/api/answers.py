"""What `/api` answers: JSON, and for every error `{"error": message}`."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException

from hubinfo.operator.output import plain

_KEPT = ("Allow", "Retry-After")


class Failed(Exception):
    """The request is answered with this error."""

    def __init__(self, http_status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.http_status = http_status


def answer(data: Any, http_status: int = HTTPStatus.OK) -> Response:
    """JSON that nobody may keep; times in OCPI's form."""
    return uncached(json.dumps(data, default=plain, separators=(",", ":")) + "\n", "application/json", http_status)


def uncached(body: str, mimetype: str, http_status: int = HTTPStatus.OK) -> Response:
    """Data as it is now: no proxy and no browser may keep it."""
    return Response(body, http_status, {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}, mimetype=mimetype)


def nothing() -> Response:
    """204."""
    return Response(status=HTTPStatus.NO_CONTENT, headers={"Cache-Control": "no-store"})


def error(http_status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """What went wrong, with its value and what to do."""
    said = answer({"error": message}, http_status)
    said.headers.update(headers or {})
    return said


def http_error(exception: HTTPException, request_line: str) -> Response:
    """What Flask would answer as HTML."""
    kept = {name: value for name, value in exception.get_headers() if name in _KEPT}
    return error(exception.code or HTTPStatus.INTERNAL_SERVER_ERROR, f"{request_line}: {exception.name}", kept)
