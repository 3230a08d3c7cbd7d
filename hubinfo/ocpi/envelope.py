"""{data, status_code, status_message, timestamp}, and the errors that become one (OCPI 2.2.1 transport, Response format)."""

import json
from collections.abc import Mapping
from enum import IntEnum
from http import HTTPStatus
from typing import Any

from hubinfo import clock

_MAX_DIGITS = 4000


class StatusCode(IntEnum):
    """OCPI status codes (OCPI 2.2.1 status_codes)."""

    SUCCESS = 1000
    CLIENT_ERROR = 2000
    INVALID_PARAMETERS = 2001
    SERVER_ERROR = 3000
    UNABLE_TO_USE_API = 3001
    UNSUPPORTED_VERSION = 3002
    NO_MATCHING_ENDPOINTS = 3003


class OcpiError(Exception):
    """An answer other than success: HTTP 200 with an OCPI code, unless the documents want an HTTP error."""

    http_status = HTTPStatus.OK
    status_code = StatusCode.CLIENT_ERROR

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.headers = dict(headers or {})
        """What HTTP wants to be sent along."""


class InvalidParameters(OcpiError):
    """A field, parameter or role that cannot be taken; the message names it, its value and what is allowed."""

    status_code = StatusCode.INVALID_PARAMETERS


class UnableToUseApi(OcpiError):
    """Calling the other side back during a handshake failed."""

    status_code = StatusCode.UNABLE_TO_USE_API


class UnsupportedVersion(OcpiError):
    """The other side does not offer the version it speaks to us."""

    status_code = StatusCode.UNSUPPORTED_VERSION


class NoMatchingEndpoints(OcpiError):
    """The other side lacks an endpoint we need."""

    status_code = StatusCode.NO_MATCHING_ENDPOINTS


class NotJson(OcpiError):
    """The body is not JSON."""

    http_status = HTTPStatus.BAD_REQUEST
    status_code = StatusCode.INVALID_PARAMETERS


class Unauthorized(OcpiError):
    """No token, or none we know."""

    http_status = HTTPStatus.UNAUTHORIZED

    def __init__(self, message: str) -> None:
        super().__init__(message, {"WWW-Authenticate": "Token"})


class Forbidden(OcpiError):
    """A token we know, of a platform that is suspended."""

    http_status = HTTPStatus.FORBIDDEN


class NotFound(OcpiError):
    """A GET of an object that is not there, or not for this caller."""

    http_status = HTTPStatus.NOT_FOUND


class TooManyRequests(OcpiError):
    """The caller is being served already."""

    http_status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message, {"Retry-After": str(retry_after_seconds)})


class Busy(OcpiError):
    """Too many others are being served."""

    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    status_code = StatusCode.SERVER_ERROR

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message, {"Retry-After": str(retry_after_seconds)})


class UnsupportedBody(OcpiError):
    """A body that is compressed (RFC 9110, 12.5.3: what would be taken is said)."""

    http_status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE

    def __init__(self, message: str) -> None:
        super().__init__(message, {"Accept-Encoding": "identity"})


class MethodNotAllowed(OcpiError):
    """POST when registered already, PUT or DELETE when not."""

    http_status = HTTPStatus.METHOD_NOT_ALLOWED

    def __init__(self, message: str, *, allowed: str) -> None:
        super().__init__(message, {"Allow": allowed})


def wrap(status_code: int, message: str | None = None, data: Any = None) -> dict[str, Any]:
    """The envelope; without `data` when there is none. Peers with strict models demand a `status_message`."""
    envelope: dict[str, Any] = {} if data is None else {"data": data}
    envelope["status_code"] = int(status_code)
    envelope["status_message"] = message or ("Success" if 1000 <= status_code < 2000 else "Error")
    envelope["timestamp"] = clock.render(clock.now())
    return envelope


def to_json(data: Any) -> bytes:
    """The shortest JSON."""
    return json.dumps(data, separators=(",", ":")).encode()


def read_json(body: bytes) -> Any:
    """Parse JSON as RFC 8259 has it. Raises ValueError for anything else, NaN and bottomless nesting included."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(body, parse_constant=refuse, parse_int=_whole)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _whole(digits: str) -> int | float:
    """Python refuses to read very long numbers as int; JSON does not forbid them, and a field with one may well be ignored."""
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)
