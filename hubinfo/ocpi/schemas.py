"""What comes in, checked (marshmallow). Unknown fields are ignored at every depth; a wrong one is named with its value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError
from marshmallow.fields import Dict, Nested
from marshmallow.validate import Length

from hubinfo.ocpi import fields
from hubinfo.ocpi.complaints import load, show
from hubinfo.ocpi.dialect import DIALECTS, HUB, Dialect
from hubinfo.ocpi.envelope import InvalidParameters
from hubinfo.ocpi.fields import MAX_ENTRIES, MAX_URL, is_url

_MAX_PAGE = 20_000  # client infos; no more good ones fit in 1 MiB, and checking 350,000 bad ones would take 15 seconds


def _credentials(dialect: Dialect, strict: bool) -> Schema:
    details = fields.schema(
        "BusinessDetails",
        name=fields.Text(required=True, validate=Length(1, 100, error="must have 1 to 100 characters")),
        website=fields.Text(allow_none=True),
        logo=Dict(allow_none=True),
    )
    role = fields.schema(
        "CredentialsRole",
        role=fields.role(dialect),
        party_id=fields.party_id(strict=strict),
        country_code=fields.country_code(),
        business_details=Nested(details, required=True),
    )
    return fields.schema(
        "Credentials",
        token=fields.Token(required=True),
        url=fields.url(),
        roles=fields.Roles(Nested(role), required=True),
        **({"hub_party_id": fields.hub_party_id(strict=strict)} if dialect.hub_lists_parties else {}),
    )


def _client_info(dialect: Dialect, strict: bool) -> Schema:
    return fields.schema(
        "ClientInfo",
        country_code=fields.country_code(),
        party_id=fields.party_id(strict=strict),
        role=fields.role(dialect),
        status=fields.status(),
        last_updated=fields.DateTime(required=True) if strict else fields.DateTime(lenient=True, load_default=None),
    )


_CREDENTIALS = {
    (version, strict): _credentials(dialect, strict) for version, dialect in DIALECTS.items() for strict in (True, False)
}
_CLIENT_INFO = {
    (version, strict): _client_info(dialect, strict) for version, dialect in DIALECTS.items() for strict in (True, False)
}
_VERSION = fields.schema("Version", version=fields.Text(required=True), url=fields.Text(required=True))
# The role of credentials is to be ignored (OCPI 2.2.1 versions, Endpoint), so a wrong one leaves the endpoint usable.
_ENDPOINT = fields.schema(
    "Endpoint", identifier=fields.Text(required=True), role=fields.Leniently(), url=fields.Text(required=True)
)
_LIST_QUERY = {
    strict: fields.schema(
        "ListQuery",
        date_from=fields.QueryDateTime(lenient=not strict),
        date_to=fields.QueryDateTime(lenient=not strict),
        offset=fields.QueryInteger(low=0, load_default=0),
        limit=fields.QueryInteger(low=1, load_default=None),
    )
    for strict in (True, False)
}


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
    """Its own; a hub's have one with role HUB, in 2.3.0 too."""
    hub_party_id: str | None = None
    """Of a hub, in 2.3.0: its country code and party id."""


@dataclass(frozen=True)
class ClientInfo:
    """What a hub told of a party in one role (OCPI 2.2.1 hubclientinfo, ClientInfo object)."""

    country_code: str
    party_id: str
    role: str
    status: str
    last_updated: datetime | None
    """None when the hub left it out, as the documents' own example does."""


@dataclass(frozen=True)
class ListQuery:
    """The parameters of a paginated GET (OCPI 2.2.1 transport, Pagination)."""

    offset: int
    limit: int | None
    date_from: datetime | None = None
    date_to: datetime | None = None


def read_credentials(data: Any, dialect: Dialect, *, strict: bool = False) -> Credentials:
    """Strict: a party id has three characters. Raises InvalidParameters."""
    loaded = load(_CREDENTIALS[dialect.version, strict], data, "the body")
    roles = [CredentialsRole(**{**role, "business_details": _kept(role["business_details"])}) for role in loaded.pop("roles")]
    _refuse_repeated(roles)
    hub_party_id = loaded.get("hub_party_id")
    return Credentials(roles=_of_a_hub(hub_party_id, roles, dialect) if hub_party_id else tuple(roles), **loaded)


def _refuse_repeated(roles: Sequence[CredentialsRole]) -> None:
    """Which one would hold? Raises InvalidParameters."""
    places: dict[tuple[str, str, str], int] = {}
    for place, role in enumerate(roles):
        first = places.setdefault((role.role, role.country_code, role.party_id), place)
        if first != place:
            said = f"roles[{place}]={role.role} {role.country_code}-{role.party_id}"
            raise InvalidParameters(f"{said}: must not be there twice, it is roles[{first}] already")


def _of_a_hub(hub_party_id: str, roles: Sequence[CredentialsRole], dialect: Dialect) -> tuple[CredentialsRole, ...]:
    """A 2.3.0 hub is a HUB without saying so, and lists others whom it gives access to: of `roles` only its own are its own."""
    own = [role for role in roles if role.country_code + role.party_id == hub_party_id]
    details = own[0].business_details if own else {"name": hub_party_id}
    hub = CredentialsRole(HUB, hub_party_id[:2], hub_party_id[2:], details)
    return (hub, *(role for role in own if role.role != dialect.hub_shown_as))


def _kept(details: Mapping[str, Any]) -> dict[str, str]:
    """What we show others of a party: its name, and its website if it is one that can be opened."""
    website = details.get("website") or ""
    usable = len(website) <= MAX_URL and is_url(website)
    return {"name": details["name"], **({"website": website} if usable else {})}


def read_client_info(data: Any, dialect: Dialect, *, strict: bool) -> ClientInfo:
    """The body of a push (OCPI 2.2.1 hubclientinfo, Receiver PUT). Strict: `last_updated` must be there, in OCPI's own form.

    Raises InvalidParameters.
    """
    return ClientInfo(**load(_CLIENT_INFO[dialect.version, strict], data, "the body"))


def read_client_infos(data: Any, dialect: Dialect, *, strict: bool = False) -> tuple[list[ClientInfo], list[str]]:
    """A page of a full pull: the usable entries, and for each other one the reason, `entry 3: status="X": must be one of …`.

    Entries are counted from 1. Raises ValueError when it is no list (OCPI 2.2.1 hubclientinfo, Sender GET).
    """
    if not isinstance(data, list):
        raise ValueError(f"the client infos={show(data)}: must be a list")
    usable, reasons = [], []
    for number, item in enumerate(data[:_MAX_PAGE], 1):
        try:
            usable.append(ClientInfo(**load(_CLIENT_INFO[dialect.version, strict], item, "ClientInfo")))
        except InvalidParameters as error:
            reasons.append(f"entry {number}: {error}")
    if len(data) > _MAX_PAGE:
        reasons.append(f"entries {_MAX_PAGE + 1} to {len(data)}: not looked at, a page has at most {_MAX_PAGE}")
    return usable, reasons


def read_list_query(query: Mapping[str, str], *, strict: bool = False) -> ListQuery:
    """Raises InvalidParameters."""
    return ListQuery(**load(_LIST_QUERY[strict], dict(query), "the query"))


def read_role(role: str, dialect: Dialect) -> str:
    """Raises InvalidParameters for what is not a Role of this version."""
    if role not in dialect.roles:
        raise InvalidParameters(f"role={show(role)}: must be one of {', '.join(dialect.roles)}")
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
    for item in data[:MAX_ENTRIES]:
        try:
            usable.append(schema.load(item))
        except ValidationError:
            continue
    return usable, len(data) - len(usable)
