"""What an answer says: its envelope, in words, and how long to wait before the next request."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from hubinfo.ocpi.authorization import TokenForm, header
from hubinfo.ocpi.envelope import read_json

MAX_RETRY_AFTER_SECONDS = 3600.0
_MAX_REASON = 200


def envelope_of(body: bytes) -> dict[str, Any] | None:
    """None when the answer is not OCPI."""
    try:
        parsed = read_json(body)
    except ValueError:
        return None
    is_envelope = isinstance(parsed, dict) and type(parsed.get("status_code")) is int
    return parsed if is_envelope else None


def in_words(token: str | None, status: int, envelope: dict[str, Any] | None) -> str:
    """`HTTP 200, OCPI 2001: message`, the message printable, short, and without the token should the peer repeat it."""
    if envelope is None:
        return f"HTTP {status}"
    message = envelope.get("status_message")
    said = f": {message}" if isinstance(message, str) and message else ""
    for form in TokenForm if token else ():
        shown = header(token or "", form).removeprefix("Token ")
        said = said.replace(shown, "(token)").replace(shown.rstrip("="), "(token)")
    said = "".join(character if character.isprintable() else " " for character in said)
    return f"HTTP {status}, OCPI {envelope['status_code']}{said}"[:_MAX_REASON]


def retry_after_seconds(value: str | None) -> float | None:
    """Seconds to wait (RFC 9110 10.2.3: a number or a date), at most an hour."""
    if value is None:
        return None
    try:
        if value.strip().isdecimal():
            seconds = float(value)
        else:
            at = parsedate_to_datetime(value)
            seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
