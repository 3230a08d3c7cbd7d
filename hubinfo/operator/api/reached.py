"""The party's side: what hubs told, and whom we may send to."""

from http import HTTPStatus
from typing import Any

from hubinfo.operator import actions, hubs
from hubinfo.operator.api import record_shapes as shapes
from hubinfo.operator.api.fields import Input, party, role, text
from hubinfo.operator.api.roles import needs_a_party
from hubinfo.operator.api.routes import route
from hubinfo.operator.api.sign_in import source
from hubinfo.receiver import known


class KnownQuery(Input):
    """Of whom."""

    party = party()


class RoleQuery(Input):
    """As what."""

    role = role()


class Sync(Input):
    """From whom."""

    hub = text(32, "The short name of one hub; all of them when left out.")


@route("GET", "/hubs", returns=shapes.Hub, many=True)
def list_hubs() -> Any:
    """The hubs that tell us of others: whether they can be heard, and when they were last pulled from."""
    return hubs.hubs()


@route("GET", "/known", query=KnownQuery, returns=shapes.Known, many=True)
def told(party: str | None = None) -> Any:
    """What hubs told us, of every party or one."""
    return known.known(party)


@route("GET", "/reachable/<country_code>/<party_id>", query=RoleQuery, returns=shapes.Reachability)
def reachable(party: str, role: str | None = None) -> Any:
    """Whether we may send to a party now, in any role or one, and through which hub."""
    return vars(known.reachable(party, role))


@route("POST", "/sync", body=Sync, returns=shapes.Pull, many=True, errors=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))
def sync(hub: str | None = None) -> Any:
    """Pull the full list now, from every hub or one."""
    needs_a_party()
    names = ("hub", "received", "ignored", "ignored_reasons", "changed", "no_longer_valid", "reason")
    return [{name: getattr(pull, name) for name in names} for pull in actions.sync(source(), hub)]
