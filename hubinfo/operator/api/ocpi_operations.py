"""The OCPI endpoints, described for whoever connects; served by the rooms that own them."""

from dataclasses import dataclass
from http import HTTPStatus

from marshmallow import Schema

from hubinfo.operator.api import ocpi_shapes as shapes
from hubinfo.operator.api.fields import Input, instant, limit, offset, role

_SAFE = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)
_MODULE = (*_SAFE, HTTPStatus.FORBIDDEN)
_WRITING = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_PAGING = {
    "Link": "Where the next page is, with rel=next; not there on the last one.",
    "X-Total-Count": "How many there are on all pages.",
    "X-Limit": "The most objects per page.",
}


class OcpiListQuery(Input):
    """Which part of the list."""

    date_from = instant("Only those updated then or later.")
    date_to = instant("Only those updated before.")
    offset = offset()
    limit = limit()


class OcpiRoleQuery(Input):
    """Of several roles."""

    role = role()


@dataclass(frozen=True, kw_only=True)
class OcpiOperation:
    """What one method of an OCPI endpoint takes and answers."""

    summary: str
    returns: type[Schema]
    errors: tuple[HTTPStatus, ...] = _MODULE
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    created: bool = False
    headers: tuple[tuple[str, str], ...] = ()


OPERATIONS = {
    "platforms.versions": OcpiOperation(
        summary="GET versions: the one URL that is told to others.", returns=shapes.Versions, errors=(HTTPStatus.UNAUTHORIZED,)
    ),
    "platforms.details": OcpiOperation(
        summary="GET version details: where the modules of a version are.", returns=shapes.VersionDetails, errors=_SAFE
    ),
    "platforms.get_credentials": OcpiOperation(summary="GET credentials: ours.", returns=shapes.Credentials, errors=_SAFE),
    "platforms.post_credentials": OcpiOperation(
        summary="POST credentials: register with token A.",
        returns=shapes.Credentials,
        body=shapes.CredentialsObject,
        errors=(*_SAFE, *_WRITING, HTTPStatus.METHOD_NOT_ALLOWED),
    ),
    "platforms.put_credentials": OcpiOperation(
        summary="PUT credentials: new tokens, possibly other roles and another version.",
        returns=shapes.Credentials,
        body=shapes.CredentialsObject,
        errors=(*_SAFE, *_WRITING, HTTPStatus.METHOD_NOT_ALLOWED),
    ),
    "platforms.delete_credentials": OcpiOperation(
        summary="DELETE credentials: unregister.",
        returns=shapes.Envelope,
        errors=(*_SAFE, HTTPStatus.METHOD_NOT_ALLOWED),
    ),
    "hub.get_list": OcpiOperation(
        summary="GET hubclientinfo, Sender: the other parties, in pages.",
        returns=shapes.ClientInfos,
        query=OcpiListQuery,
        headers=tuple(_PAGING.items()),
    ),
    "hub.get_one": OcpiOperation(
        summary="GET one party, an extension: of several roles the one updated last, or the one asked for.",
        returns=shapes.OneClientInfo,
        query=OcpiRoleQuery,
    ),
    "receiver.put_one": OcpiOperation(
        summary="PUT hubclientinfo, Receiver: a hub tells of a new or changed party.",
        returns=shapes.Envelope,
        body=shapes.OcpiClientInfo,
        errors=(*_MODULE, *_WRITING),
        created=True,
    ),
    "receiver.get_one": OcpiOperation(
        summary="GET hubclientinfo, Receiver: what the calling hub has told of a party.",
        returns=shapes.OneClientInfo,
        query=OcpiRoleQuery,
    ),
}
"""By Flask's endpoint."""
