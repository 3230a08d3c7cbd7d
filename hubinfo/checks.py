"""From a setting's text to its value: each check raises ValueError, or KeyError, for what is not allowed."""

import base64
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

_WITH_USER = re.compile(r"([\w+.-]+://[^:/?@]*)(:[^?@]*)?(@[^:/?@]*(?::\d*)?(?:/[^:?@]*)?)(\?[^@]*)?")
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_WITHOUT_USER = re.compile(r"[\w+.-]+://[^:/?=@]*(:\d+)?(/[^:?=@]*)?|sqlite[\w+.-]*:///[^?=@]*|[^:?=@]*")


def printable(text: str) -> str:
    """One line that is not empty."""
    if not text or not text.isprintable():
        raise ValueError
    return text


def web_address(text: str) -> str:
    """An http(s) URL as OCPI takes one (OCPI 2.2.1 types, URL: at most 255 characters)."""
    parts = urlsplit(matching(r"https?://[\x21-\x7e]{1,247}")(text))
    if not parts.hostname or "@" in parts.netloc or len(text) > 255:
        raise ValueError
    return text


def matching(pattern: str) -> Callable[[str], str]:
    """A text that the pattern matches in full."""

    def parse(text: str) -> str:
        if re.fullmatch(pattern, text, re.ASCII) is None:
            raise ValueError
        return text

    return parse


def in_upper_case(pattern: str) -> Callable[[str], str]:
    """A text that the pattern matches in full, in upper case however it was written."""
    parse = matching(pattern)
    return lambda text: parse(text).upper()


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
    if "@" in (url.host or ""):  # of a password that is not escaped; the driver would show it
        raise ValueError
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


def mail_address(text: str) -> str:
    """Such as ops@hub.example.com, without a name."""
    if re.fullmatch(rf"{_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text, re.ASCII) is None or len(text) > 254:
        raise ValueError
    return text


def mail_addresses(text: str) -> tuple[str, ...]:
    """A comma list of them; what is given twice counts once."""
    return tuple(dict.fromkeys(mail_address(part.strip()) for part in text.split(",")))


def smtp_url(text: str) -> str:
    """A mail server, and who we are to it: no user without a password, both as SMTP can say them, nothing after the port."""
    parts = urlsplit(text)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0 or not text.isprintable():
        raise ValueError
    if bool(parts.username) != bool(parts.password) or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError
    if not unquote(f"{parts.username}{parts.password}").isascii():
        raise ValueError
    return text


def webhook_url(text: str) -> str:
    """Where to POST; a path or a query may be part of it."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or len(text) > 1000:
        raise ValueError
    if parts.port == 0 or not text.isascii() or not text.isprintable() or set(text) & set(' #\\"<>'):
        raise ValueError
    return text


def webhook_secret(text: str) -> bytes:
    """The key in a secret as Standard Webhooks writes it."""
    key = base64.b64decode(matching("whsec_[A-Za-z0-9+/]+={0,2}")(text).removeprefix("whsec_"), validate=True)
    if not 24 <= len(key) <= 64:
        raise ValueError
    return key


def apprise_urls(text: str) -> tuple[str, ...]:
    """A comma list; a comma within one of them is its own."""
    urls = tuple(dict.fromkeys(re.split(r"\s*,\s*(?=[\w.+-]+://)", text)))
    if not all(re.fullmatch(r"[a-z0-9]+://\S+", url, re.ASCII) and url.isprintable() for url in urls):
        raise ValueError
    return urls
