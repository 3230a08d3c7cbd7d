"""Who has sent real messages: asked by reverse proxies for each, told by message routers in batches."""

from http import HTTPStatus
from typing import Any

from flask import Response, request

from hubinfo.hub import traffic
from hubinfo.ocpi import authorization
from hubinfo.operator.api import record_shapes as shapes
from hubinfo.operator.api.fields import Input, body_instant, country_code, party_id
from hubinfo.operator.api.routes import SubRequest, route
from hubinfo.platforms import access, connections
from hubinfo.platforms.directory import Unreadable

_UNCACHED = {"Cache-Control": "no-store"}
_NAMED = {
    "X-Hubinfo-Platform": "The platform's short name, e.g. NL-TNM.",
    "X-Hubinfo-Country-Code": "The party: the one that the OCPI-from- headers name if it is one of the platform's, else its first.",
    "X-Hubinfo-Party-Id": "The same party.",
    "X-Hubinfo-Role": "Its role; of several the first.",
}
_HEARD = SubRequest(
    answers={
        HTTPStatus.NO_CONTENT: "Known, and counted as heard",
        HTTPStatus.UNAUTHORIZED: "No token, or not one that a registered platform was given",
        HTTPStatus.FORBIDDEN: "The platform or the party is suspended",
        HTTPStatus.SERVICE_UNAVAILABLE: "The database cannot be asked, and what was last known of tokens is too old",
    },
    headers={HTTPStatus.NO_CONTENT: _NAMED, HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "How OCPI signs in."}},
)


class Message(Input):
    """That a party has sent a message."""

    country_code = country_code()
    party_id = party_id()
    at = body_instant("When; not counted when it is more than 5 minutes ahead.")


@route("GET", "/heard", sub_request=_HEARD)
def heard() -> Response:
    """May this caller pass? For a proxy's sub-request, with the OCPI Authorization header: one that may has been heard."""
    sent = request.headers
    try:
        holder = connections().directory.find(authorization.presented(sent.get("Authorization")))
    except Unreadable:
        return Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers=_UNCACHED)
    if holder is None:
        return Response(status=HTTPStatus.UNAUTHORIZED, headers={**_UNCACHED, "WWW-Authenticate": "Token"})
    party = holder.party(sent.get("OCPI-from-country-code", ""), sent.get("OCPI-from-party-id", ""))
    if party is None:
        return Response(status=HTTPStatus.FORBIDDEN, headers=_UNCACHED)
    access.hear(holder.platform_id, holder.status, own_token=holder.has_own_token)
    values = (holder.name, party.country_code, party.party_id, party.role)
    return Response(status=HTTPStatus.NO_CONTENT, headers=_UNCACHED | dict(zip(_NAMED, values, strict=True)))


@route("POST", "/heard", endpoint="note_heard", body=Message, body_is_list=True, returns=shapes.Counted)
def note_heard(items: list[dict[str, Any]]) -> Any:
    """Tell of messages that a router has passed on, up to 10,000 at a time: those who sent them are alive."""
    return vars(traffic.note([(item["country_code"], item["party_id"], item["at"]) for item in items]))
