"""The Token header in all the forms met in the field (OCPI 2.2.1 transport, Authorization header)."""

import base64
import binascii
import re
from enum import StrEnum

_HEADER = re.compile(r"token[ \t]+([\x21-\x7e]+)", re.IGNORECASE | re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
ALLOWED = "1 to 64 printable ASCII characters without spaces"
_MAX_HEADER = 512


class TokenForm(StrEnum):
    """How a platform wants to be sent its token."""

    BASE64 = "base64"
    RAW = "raw"


def is_token(text: str) -> bool:
    """Whether this can be a credentials token (OCPI 2.2.1 credentials, `token`)."""
    return _TOKEN.fullmatch(text) is not None


def header(token: str, form: TokenForm) -> str:
    """The Authorization header that presents a token."""
    return f"Token {token if form is TokenForm.RAW else base64.b64encode(token.encode()).decode()}"


def presented(value: str | None) -> list[str]:
    """The tokens that an Authorization header may mean, the likeliest first; none when it is not a Token header.

    Raw, base64 as the documents ask, and base64 of the token and a newline as their sample shows.
    """
    # Blanks around a value are none of it (RFC 9110, 5.5): some servers take them away, others leave them.
    match = _HEADER.fullmatch(value.strip(" \t")) if value and len(value) <= _MAX_HEADER else None
    if match is None:
        return []
    raw = match[1]
    return [token for token in dict.fromkeys((_decoded(raw), raw)) if is_token(token)]


def _decoded(raw: str) -> str:
    try:
        return base64.b64decode(raw + "=" * (-len(raw) % 4), validate=True).decode("ascii").rstrip("\r\n")
    except (binascii.Error, UnicodeDecodeError):
        return ""
