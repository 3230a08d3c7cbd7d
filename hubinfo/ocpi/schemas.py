"""What comes in, checked (marshmallow). Unknown fields are ignored at every depth; a wrong one is named with its value."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from hubinfo import clock
from hubinfo.ocpi.authorization import ALLOWED, is_token
from hubinfo.ocpi.dialect import DIALECTS, Dialect
from hubinfo.ocpi.envelope import InvalidParameters

MAX_URL = 255
_MAX_INTEGER = 2**63 - 1
_SHOWN = 60
_MAX_ENTRIES = 1000  # of any list; checking the half a million that fit in 1 MiB would take seconds
_MAX_LINES = 10
_COUNTRY_CODE = r"[A-Za-z]{2}\Z"
_PARTY_ID = r"[A-Za-z0-9]{3}\Z"


class _Text(fields.String):
    """A string that every database can keep: no NUL or other control character, no lone half of a surrogate pair."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("must be a string")
        if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", value):
            raise ValidationError("must be a string without control characters")
        return value


class _Token(fields.Field[str]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not is_token(value):
            raise ValidationError(f"must be {ALLOWED}")
        return value


class _DateTime(fields.Field[datetime]):
    """marshmallow's own takes a bare date and offsets, which OCPI does not have."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise ValidationError(f"must be {clock.DATE_TIME_FORM}")
        try:
            return clock.parse(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class _QueryInteger(fields.Field[int]):
    """A number in a query string: digits only, at most 64 bits."""

    def __init__(self, *, low: int, **kwargs: Any) -> None:
        self.low = low
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if re.fullmatch(r"[0-9]{1,19}", value, re.ASCII) is None or not self.low <= int(value) <= _MAX_INTEGER:
            raise ValidationError(f"must be a whole number from {self.low} to {_MAX_INTEGER}")
        return int(value)


class _Roles(fields.List[Any]):
    """Counted before they are looked at."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list) and not 1 <= len(value) <= _MAX_ENTRIES:
            raise ValidationError(f"must have 1 to {_MAX_ENTRIES} entries")
        return super()._deserialize(value, attr, data, **kwargs)


def is_url(text: str) -> bool:
    """Whether this is an absolute http(s) URL that can be called: a host, no user, no blanks."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and "@" not in parts.netloc and text.isascii() and text.isprintable() and " " not in text


def is_party(country_code: str, party_id: str) -> bool:
    """Whether a party can have this name; any other text need not be looked for."""
    return re.match(_COUNTRY_CODE, country_code) is not None and re.match(_PARTY_ID, party_id) is not None


def _url(text: str) -> None:
    if len(text) > MAX_URL or not is_url(text):
        raise ValidationError(f"must be an http(s) URL of at most {MAX_URL} characters")


def _matches(pattern: str, allowed: str) -> validate.Regexp:
    return validate.Regexp(re.compile(pattern, re.ASCII), error=f"must be {allowed}")


def _country_code() -> fields.String:
    return _Text(required=True, validate=_matches(_COUNTRY_CODE, "two letters"))


def _party_id() -> fields.String:
    return _Text(required=True, validate=_matches(_PARTY_ID, "three letters or digits"))


def _role(dialect: Dialect) -> fields.String:
    return _Text(required=True, validate=validate.OneOf(dialect.roles, error=f"must be one of {', '.join(dialect.roles)}"))


def _schema(title: str, /, **members: fields.Field[Any]) -> Schema:
    # unknown=EXCLUDE is not inherited by Nested, so every schema gets it here.
    return Schema.from_dict(members, name=title)(unknown=EXCLUDE)


def _credentials(dialect: Dialect) -> Schema:
    details = _schema(
        "BusinessDetails",
        name=_Text(required=True, validate=validate.Length(1, 100, error="must have 1 to 100 characters")),
        website=_Text(allow_none=True),
        logo=fields.Dict(allow_none=True),
    )
    role = _schema(
        "CredentialsRole",
        role=_role(dialect),
        party_id=_party_id(),
        country_code=_country_code(),
        business_details=fields.Nested(details, required=True),
    )
    return _schema(
        "Credentials",
        token=_Token(required=True),
        url=_Text(required=True, validate=_url),
        roles=_Roles(fields.Nested(role), required=True),
    )


_CREDENTIALS = {version: _credentials(dialect) for version, dialect in DIALECTS.items()}
_VERSION = _schema("Version", version=_Text(required=True), url=_Text(required=True))
_ENDPOINT = _schema("Endpoint", identifier=_Text(required=True), role=_Text(load_default=""), url=_Text(required=True))
_LIST_QUERY = _schema(
    "ListQuery",
    date_from=_DateTime(),
    date_to=_DateTime(),
    offset=_QueryInteger(low=0, load_default=0),
    limit=_QueryInteger(low=1, load_default=None),
)


@dataclass(frozen=True)
class CredentialsRole:
    """A party in one role, as its platform names it (OCPI 2.2.1 credentials, CredentialsRole)."""

    role: str
    country_code: str
    party_id: str
    business_details: dict[str, Any]


@dataclass(frozen=True)
class Credentials:
    """What a platform sends to register (OCPI 2.2.1 credentials, Credentials object)."""

    token: str
    url: str
    roles: tuple[CredentialsRole, ...]


@dataclass(frozen=True)
class ListQuery:
    """The parameters of a paginated GET (OCPI 2.2.1 transport, Pagination)."""

    offset: int
    limit: int | None
    date_from: datetime | None = None
    date_to: datetime | None = None


def read_credentials(data: Any, dialect: Dialect) -> Credentials:
    """Raises InvalidParameters."""
    loaded = _load(_CREDENTIALS[dialect.version], data, "the body")
    roles: dict[tuple[str, str, str], CredentialsRole] = {}
    for role in loaded.pop("roles"):
        role["business_details"] = _kept(role["business_details"])
        roles.setdefault((role["country_code"].upper(), role["party_id"].upper(), role["role"]), CredentialsRole(**role))
    return Credentials(roles=tuple(roles.values()), **loaded)


def _kept(details: Mapping[str, Any]) -> dict[str, str]:
    """What we show others of a party: its name, and its website if it is one that can be opened."""
    website = details.get("website") or ""
    usable = len(website) <= MAX_URL and is_url(website)
    return {"name": details["name"], **({"website": website} if usable else {})}


def read_list_query(query: Mapping[str, str]) -> ListQuery:
    """Raises InvalidParameters."""
    return ListQuery(**_load(_LIST_QUERY, dict(query), "the query"))


def read_role(role: str, dialect: Dialect) -> str:
    """Raises InvalidParameters for what is not a Role of this version."""
    if role not in dialect.roles:
        raise InvalidParameters(f"role={_show(role)}: must be one of {', '.join(dialect.roles)}")
    return role


def read_versions(data: Any) -> tuple[list[dict[str, str]], int]:
    """The usable entries of a versions list, and how many were not. Raises ValueError when it is no list."""
    return _usable(_VERSION, data, "the versions")


def read_endpoints(data: Any) -> tuple[list[dict[str, str]], int]:
    """The usable endpoints of version details, and how many were not. Raises ValueError when there is no list of them."""
    return _usable(_ENDPOINT, data.get("endpoints") if isinstance(data, dict) else None, "endpoints")


def _usable(schema: Schema, data: Any, what: str) -> tuple[list[dict[str, str]], int]:
    if not isinstance(data, list):
        raise ValueError(f"{what} must be a list")
    usable = []
    for item in data[:_MAX_ENTRIES]:
        try:
            usable.append(schema.load(item))
        except ValidationError:
            continue
    return usable, len(data) - len(usable)


def _load(schema: Schema, data: Any, what: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InvalidParameters(f"{what}={_show(data)}: must be an object")
    try:
        loaded = schema.load(data)
    except ValidationError as error:
        raise InvalidParameters("; ".join(islice(_lines(error.messages, data), _MAX_LINES))) from None
    assert isinstance(loaded, dict)
    return loaded


def _lines(messages: Any, data: Any, path: str = "") -> Iterable[str]:
    """Flatten marshmallow's tree into `field=value: what is allowed`."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            step = f"[{key}]" if isinstance(key, int) else f".{key}" if path and key != "_schema" else str(key)
            yield from _lines(inner, _member(data, key), path if key == "_schema" else path + step)
        return
    message = " and ".join(messages)
    known = {
        "Missing data for required field.": "is missing",
        "Invalid input type.": "must be an object",
        "Not a valid list.": "must be a list",
        "Not a valid mapping type.": "must be an object",
        "Field may not be null.": "must not be null",
    }
    message = known.get(message, message)
    shown = "" if message == "is missing" else "=(not shown)" if path.endswith("token") else f"={_show(data)}"
    yield f"{path}{shown}{' ' if message == 'is missing' else ': '}{message}"


def _member(data: Any, key: Any) -> Any:
    if key == "_schema":
        return data
    try:
        return data[key]
    except (KeyError, IndexError, TypeError):
        return None


def _show(value: Any) -> str:
    """The value in short; not what a list or an object contains, since a token may be in it."""
    if isinstance(value, list | dict):
        return "[…]" if isinstance(value, list) else "{…}"
    shown = json.dumps(value, ensure_ascii=True)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
