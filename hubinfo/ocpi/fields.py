"""The marshmallow fields that OCPI's objects are made of (OCPI 2.2.1 types), and what a value in them may be."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from hubinfo import clock
from hubinfo.ocpi.authorization import ALLOWED, is_token
from hubinfo.ocpi.dialect import CONNECTION_STATUSES, Dialect

MAX_URL = 255
MAX_ENTRIES = 1000  # of any list; checking the half a million that fit in 1 MiB would take seconds
_MAX_INTEGER = 2**63 - 1
_UNUSABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_COUNTRY_CODE = r"[A-Za-z]{2}"
_PARTY_ID = r"[A-Za-z0-9]{1,3}"
_WHOLE_PARTY_ID = r"[A-Za-z0-9]{3}"


class Text(fields.String):
    """A string that every database can keep: no NUL or other control character, no lone half of a surrogate pair."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("must be a string")
        if _UNUSABLE.search(value):
            raise ValidationError("must be a string without control characters")
        return value


class UpperCase(Text):
    """A CiString of ours: one spelling from the moment it comes in, so that nobody sees one party under two."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return text.upper() if text.isascii() else text  # in upper case, ß would be two letters


class Leniently(fields.Field[str]):
    """Text that is no reason to refuse what it stands in: missing, null and anything else but a string are empty.

    What a database or UTF-8 cannot take is replaced by U+FFFD.
    """

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> str:
        """Checks nothing."""
        return _UNUSABLE.sub("\ufffd", value) if isinstance(value, str) else ""


class Token(fields.Field[str]):
    """A credentials token (OCPI 2.2.1 credentials, `token`)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not is_token(value):
            raise ValidationError(f"must be {ALLOWED}")
        return value


class DateTime(fields.Field[datetime]):
    """marshmallow's own takes a bare date. `lenient`: also the spellings of peers in the field."""

    def __init__(self, *, lenient: bool = False, **kwargs: Any) -> None:
        self.lenient = lenient
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise ValidationError(f"must be {clock.LENIENT_FORM if self.lenient else clock.DATE_TIME_FORM}")
        try:
            return clock.parse_leniently(value) if self.lenient else clock.parse(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class QueryDateTime(DateTime):
    """A DateTime in a query string; leniently also one whose `+` of the offset came unescaped, which is read as a blank."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        mended = re.sub(r" (?=\d\d(:?\d\d)?\Z)", "+", value, flags=re.ASCII) if self.lenient and "T" in value.upper() else value
        return super()._deserialize(mended, attr, data, **kwargs)


class QueryInteger(fields.Field[int]):
    """A number in a query string: digits only, at most 64 bits."""

    def __init__(self, *, low: int, **kwargs: Any) -> None:
        self.low = low
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if re.fullmatch(r"[0-9]{1,19}", value, re.ASCII) is None or not self.low <= int(value) <= _MAX_INTEGER:
            raise ValidationError(f"must be a whole number from {self.low} to {_MAX_INTEGER}")
        return int(value)


class Roles(fields.List[Any]):
    """Counted before they are looked at."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list) and not 1 <= len(value) <= MAX_ENTRIES:
            raise ValidationError(f"must have 1 to {MAX_ENTRIES} entries")
        return super()._deserialize(value, attr, data, **kwargs)


def is_url(text: str) -> bool:
    """Whether this is an absolute http(s) URL that can be called: a host, no user, no blanks."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and "@" not in parts.netloc and text.isascii() and text.isprintable() and " " not in text


def below(url: str, *segments: str) -> str:
    """The URL with these path segments added, before its query; a fragment is dropped."""
    parts = urlsplit(url)
    path = "/".join([parts.path.rstrip("/"), *(quote(segment, safe="") for segment in segments)])
    return urlunsplit(parts._replace(path=path, fragment=""))


def is_party(country_code: str, party_id: str) -> bool:
    """Whether a party can have this name; any other text need not be looked for."""
    return re.fullmatch(_COUNTRY_CODE, country_code) is not None and re.fullmatch(_PARTY_ID, party_id) is not None


def _url(text: str) -> None:
    if len(text) > MAX_URL or not is_url(text):
        raise ValidationError(f"must be an http(s) URL of at most {MAX_URL} characters")


def _matches(pattern: str, allowed: str) -> validate.Regexp:
    return validate.Regexp(re.compile(rf"{pattern}\Z", re.ASCII), error=f"must be {allowed}")


def _one_of(allowed: tuple[str, ...]) -> fields.String:
    return Text(required=True, validate=validate.OneOf(allowed, error=f"must be one of {', '.join(allowed)}"))


def url() -> fields.String:
    """An http(s) URL that fits what OCPI allows (OCPI 2.2.1 types, URL)."""
    return Text(required=True, validate=_url)


def country_code() -> fields.String:
    """ISO 3166 alpha-2, of either case."""
    return UpperCase(required=True, validate=_matches(_COUNTRY_CODE, "two letters"))


def party_id(*, strict: bool = False) -> fields.String:
    """CiString(3). Strict: no shorter one, as the identifiers of parties have three characters (OCPI 2.2.1 credentials)."""
    allowed = "three letters or digits" if strict else "one to three letters or digits"
    return UpperCase(required=True, validate=_matches(_WHOLE_PARTY_ID if strict else _PARTY_ID, allowed))


def role(dialect: Dialect) -> fields.String:
    """A Role of this version, case-sensitive like every enum."""
    return _one_of(dialect.roles)


def status() -> fields.String:
    """A ConnectionStatus (OCPI 2.2.1 hubclientinfo, ConnectionStatus)."""
    return _one_of(CONNECTION_STATUSES)


def hub_party_id(*, strict: bool = False) -> fields.String:
    """CiString(5): the hub's country code and party id in one (OCPI 2.3.0 credentials)."""
    allowed = f"two letters and {'three' if strict else 'one to three'} letters or digits, such as NLHUB"
    pattern = _COUNTRY_CODE + (_WHOLE_PARTY_ID if strict else _PARTY_ID)
    return UpperCase(load_default=None, validate=_matches(pattern, allowed))


def schema(title: str, /, **members: fields.Field[Any]) -> Schema:
    """A schema that ignores unknown fields."""
    # unknown=EXCLUDE is not inherited by Nested, so every schema gets it here.
    return Schema.from_dict(members, name=title)(unknown=EXCLUDE)
