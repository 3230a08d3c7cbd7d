"""From a setting's text to its value: each check raises ValueError, or KeyError, for what is not allowed."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

_WITH_USER = re.compile(r"([\w+.-]+://[^:/?@]*)(:[^?@]*)?(@[^:/?@]*(?::\d*)?(?:/[^:?@]*)?)(\?[^@]*)?")
_WITHOUT_USER = re.compile(r"[\w+.-]+://[^:/?=@]*(:\d+)?(/[^:?=@]*)?|sqlite[\w+.-]*:///[^?=@]*|[^:?=@]*")


def printable(text: str) -> str:
    """One line that is not empty."""
    if not text or not text.isprintable():
        raise ValueError
    return text


def matching(pattern: str) -> Callable[[str], str]:
    """A text that the pattern matches in full."""

    def parse(text: str) -> str:
        if re.fullmatch(pattern, text, re.ASCII) is None:
            raise ValueError
        return text

    return parse


def number(low: float, high: float) -> Callable[[str], float]:
    """A number in this range, in plain digits and perhaps a fraction; what else Python takes for one, such as 1_0, is none."""
    digits = matching(r"\d*\.?\d+")

    def parse(text: str) -> float:
        value = float(digits(text))
        if not low <= value <= high:
            raise ValueError
        return value

    return parse


def integer(low: int, high: int) -> Callable[[str], int]:
    """A whole number in this range, in plain digits."""
    digits = matching(r"\d+")

    def parse(text: str) -> int:
        value = int(digits(text))
        if not low <= value <= high:
            raise ValueError
        return value

    return parse


def boolean(text: str) -> bool:
    """True or false, as people write them."""
    return {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}[text.lower()]


def each_of(allowed: Mapping[str, object]) -> Callable[[str], tuple[str, ...]]:
    """A comma list of these; what is given twice counts once."""

    def parse(text: str) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
        if not set(chosen) <= set(allowed):
            raise ValueError
        return chosen

    return parse


def secrets(text: str) -> tuple[str, ...]:
    """A comma list of secrets."""
    keys = tuple(part.strip() for part in text.split(","))
    if not all(key and key.isprintable() for key in keys):
        raise ValueError
    return keys


def database_url(text: str) -> str:
    """A file of SQLite, or PostgreSQL, for which the driver is filled in."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    on_file = url.drivername in ("sqlite", "sqlite+pysqlite") and url.database not in (None, "", ":memory:")
    if url.drivername != "postgresql+psycopg" and (not on_file or str(url.database).startswith("file:")):
        raise ValueError
    return url.render_as_string(hide_password=False)


def without_password(text: str) -> str:
    """A database URL, however malformed, as it may be shown: all is masked that could be a password."""
    if _WITHOUT_USER.fullmatch(text):
        return text
    if found := _WITH_USER.fullmatch(text):
        user, password, host, query = found.groups()
        return user + (":***" if password else "") + host + ("?***" if query else "")
    scheme = re.match(r"[\w+.-]+://", text)
    return f"{scheme[0] if scheme else ''}***"


def base_url(text: str) -> str:
    """An http(s) URL to which paths can be appended."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or len(text) > 200:
        raise ValueError
    if parts.port == 0 or not text.isascii() or not text.isprintable() or set(text) & set(' ?#\\"<>'):
        raise ValueError
    return text.rstrip("/")


def existing_file(text: str) -> str:
    """The path of a file that is there."""
    try:
        found = Path(text).is_file()
    except OSError:  # a name that no file can have, or that we may not look at
        found = False
    if not found:
        raise ValueError
    return text
