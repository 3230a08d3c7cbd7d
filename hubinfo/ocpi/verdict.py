"""What an answer says: its envelope, in words, and how long to wait before the next request."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from hubinfo.ocpi.authorization import TokenForm, header
from hubinfo.ocpi.envelope import read_json

MAX_RETRY_AFTER_SECONDS = 3600.0
_MAX_REASON = 200
_LOOKED_AT = 65536
# Servers repeat the request in what they say of it (FastAPI: `"input": {"token": …}`); the end may be cut off.
_TOKEN_MEMBER = re.compile(r"""(\\*["']token\\*["']\s*:\s*\\*["'])[\x21-\x7e]{0,64}?(?=\\*["']\s*[,}]|\Z)""")


def envelope_of(body: bytes, *, strict: bool = False) -> dict[str, Any] | None:
    """None when the answer is not OCPI. Unless strict, `status_code` may be written `"1000"` or `1000.0`."""
    try:
        parsed = read_json(body)
    except ValueError:
        return None
    code = parsed.get("status_code") if isinstance(parsed, dict) else None
    if not strict and isinstance(code, str) and re.fullmatch("[0-9]{4}", code, re.ASCII):
        code = int(code)
    if not strict and isinstance(code, float) and code.is_integer():
        code = int(code)
    return parsed | {"status_code": code} if type(code) is int else None


def evidence(body: bytes, secrets: Iterable[str]) -> str:
    """The first printable characters of a body that is not OCPI, without any token."""
    said = _TOKEN_MEMBER.sub(r"\1(token)", body[:_LOOKED_AT].decode(errors="replace"))
    for secret in secrets:
        for form in TokenForm:
            shown = header(secret, form).removeprefix("Token ")
            for written in (shown, json.dumps(shown)[1:-1], shown.rstrip("=")):
                said = said.replace(written, "(token)")
    return " ".join("".join(character if character.isprintable() else " " for character in said).split())[:_MAX_REASON]


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
