"""Parties: the table, each of them, and what can be done with one."""

from http import HTTPStatus
from typing import Any

from marshmallow import validate
from marshmallow.fields import List

from hubinfo.config import current_settings
from hubinfo.ocpi.dialect import CONNECTION_STATUSES, DIALECTS, ROLES
from hubinfo.operator import actions, dossier, overview, reports
from hubinfo.operator.api import shapes
from hubinfo.operator.api.fields import Input, before, country_code, flag, limit, offset, one_of, party_id, role, text
from hubinfo.operator.api.roles import needs_a_hub
from hubinfo.operator.api.routes import route
from hubinfo.operator.api.sign_in import source

_OF_A_PARTY = "/parties/<country_code>/<party_id>"
_MISSING = (HTTPStatus.NOT_FOUND,)
_REFUSED = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class PartiesQuery(Input):
    """Filters, order and page."""

    status = one_of(CONNECTION_STATUSES, "Only this ConnectionStatus.")
    role = role()
    country_code = country_code("Only of this country.", required=False)
    text = text(100, "Only where the party, its name or its platform has this in it.")
    sort = one_of(overview.SORTS, "By which column.")
    descending = flag("The other way round.")
    offset = offset()
    limit = limit()


class HistoryQuery(Input):
    """Which part of it."""

    role = role()
    before = before()
    limit = limit()


class RoleBody(Input):
    """As what."""

    role = role()


class NewInvitation(Input):
    """Whom to invite as what."""

    country_code = country_code()
    party_id = party_id()
    roles = List(
        role(),
        required=True,
        validate=validate.Length(1, len(ROLES), error=f"must have 1 to {len(ROLES)} roles"),
        error_messages={"invalid": "must be a list of roles"},
        metadata={"examples": [["CPO"]]},
    )
    name = text(100, "Name of the company.")
    platform = text(32, "An existing platform that the party is added to, instead of making a token.")
    versions = List(
        one_of(DIALECTS),
        validate=validate.Length(1, len(DIALECTS), error=f"must have 1 to {len(DIALECTS)} versions"),
        error_messages={"invalid": "must be a list of versions"},
        metadata={"examples": [["2.2.1"]], "description": "The only OCPI versions that its platform is to be shown."},
    )


@route("GET", "/parties", query=PartiesQuery, returns=shapes.Parties)
def parties(**wanted: Any) -> Any:
    """The parties: how many have each status, and the rows that are asked for."""
    page = overview.parties(overview.Wanted(**wanted))
    return {"total": page.total, "counts": overview.counts(), "parties": page.rows}


@route("GET", _OF_A_PARTY, returns=shapes.Dossier, errors=_MISSING)
def show_party(party: str) -> Any:
    """All there is to know of a party: its rows, connections, history, and what it has not been told."""
    return dossier.of(party)


@route("GET", f"{_OF_A_PARTY}/history", query=HistoryQuery, returns=shapes.Change, many=True, errors=_MISSING)
def history(party: str, role: str | None = None, before: int | None = None, limit: int = 100) -> Any:
    """Every change of a party's status, newest first, a page at a time."""
    return reports.history(dossier.rows_of(party, role), limit, before)


@route("POST", f"{_OF_A_PARTY}/probe", returns=shapes.Probed, errors=_REFUSED)
def probe(party: str) -> Any:
    """Check now whether a party is alive; its status is moved by what comes of it."""
    return vars(actions.probe(source(), party))


@route("POST", f"{_OF_A_PARTY}/suspend", body=RoleBody, returns=shapes.PartyRow, many=True, errors=_REFUSED)
def suspend(party: str, role: str | None = None) -> Any:
    """Make a party SUSPENDED, in every role or one, until it is resumed."""
    return actions.suspend(source(), party, role)


@route("POST", f"{_OF_A_PARTY}/resume", body=RoleBody, returns=shapes.PartyRow, many=True, errors=_REFUSED)
def resume(party: str, role: str | None = None) -> Any:
    """Let a suspended party back in: OFFLINE until it answers a probe, or PLANNED without credentials."""
    return actions.resume(source(), party, role)


@route("POST", f"{_OF_A_PARTY}/tell-again", returns=shapes.ToldAgain, errors=_REFUSED)
def tell_again(party: str) -> Any:
    """Tell the platforms of a party everything again."""
    needs_a_hub()
    return {"platforms": actions.tell_again(source(), party)}


@route(
    "POST",
    "/invitations",
    body=NewInvitation,
    returns=shapes.Invitation,
    http_status=HTTPStatus.CREATED,
    errors=_REFUSED,
)
def invite(country_code: str, party_id: str, roles: list[str], name: str | None = None, **more: Any) -> Any:
    """Plan a party and make its token A, or add it to a platform that exists; an earlier token A of this party is dead."""
    roles = list(dict.fromkeys(roles))
    made = actions.invite(source(), country_code, party_id, roles, name and name.strip(), **more)
    invited = {"country_code": country_code, "party_id": party_id, "roles": roles}
    there = {"versions_url": current_settings().versions_url, "platform": made.platform, "versions": list(made.versions)}
    return {**invited, **there, "token": made.token, "statuses": dict(made.statuses)}
