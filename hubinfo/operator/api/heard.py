"""Who has sent real messages: asked by reverse proxies for each, told by message routers in batches."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from flask import Response, request

from hubinfo import clock
from hubinfo.hub import traffic
from hubinfo.ocpi import authorization
from hubinfo.operator.api import record_shapes as shapes
from hubinfo.operator.api.answers import Failed
from hubinfo.operator.api.fields import Input, body_instant, country_code, party_id
from hubinfo.operator.api.routes import SubRequest, route
from hubinfo.platforms import access, connections

_AHEAD = timedelta(minutes=5)
"""Clocks differ by seconds; a time further ahead is a mistake, and would hide a silence."""
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
    },
    headers={HTTPStatus.NO_CONTENT: _NAMED, HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "How OCPI signs in."}},
)


class Message(Input):
    """That a party has sent a message."""

    country_code = country_code()
    party_id = party_id()
    at = body_instant("When; not more than 5 minutes ahead.")


@route("GET", "/heard", sub_request=_HEARD)
def heard() -> Response:
    """May this caller pass? For a proxy's sub-request, with the OCPI Authorization header: one that may has been heard."""
    holder = connections().directory.find(authorization.presented(request.headers.get("Authorization")))
    if holder is None:
        return Response(status=HTTPStatus.UNAUTHORIZED, headers={**_UNCACHED, "WWW-Authenticate": "Token"})
    named = (request.headers.get(f"OCPI-from-{name}", "") for name in ("country-code", "party-id"))
    party = holder.party(*named)
    if party is None:
        return Response(status=HTTPStatus.FORBIDDEN, headers=_UNCACHED)
    access.hear(holder.platform_id, holder.status)
    values = (holder.name, party.country_code, party.party_id, party.role)
    return Response(status=HTTPStatus.NO_CONTENT, headers=_UNCACHED | dict(zip(_NAMED, values, strict=True)))


@route("POST", "/heard", endpoint="note_heard", body=Message, body_is_list=True, returns=shapes.Counted)
def note_heard(items: list[dict[str, Any]]) -> Any:
    """Tell of messages that a router has passed on, up to 10,000 at a time: those who sent them are alive."""
    now = clock.now()
    messages = [(item["country_code"], item["party_id"], _past(number, item["at"], now)) for number, item in enumerate(items)]
    return vars(traffic.note(messages))


def _past(number: int, at: datetime, now: datetime) -> datetime:
    """Raises Failed for a time too far ahead."""
    if at > now + _AHEAD:
        said = f'[{number}].at="{clock.render(at)}"'
        raise Failed(HTTPStatus.BAD_REQUEST, f"{said}: must be at most 5 minutes ahead of this clock, {clock.render(now)}")
    return min(at, now)
