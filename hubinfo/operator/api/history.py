"""Availability over any period: JSON, CSV and a timeline."""

from http import HTTPStatus
from typing import Any

from flask import Response, request

from hubinfo.config import current_settings
from hubinfo.models import party_of
from hubinfo.operator import availability, dossier, skyline, timeline
from hubinfo.operator.api import record_shapes as shapes
from hubinfo.operator.api.answers import Failed, uncached
from hubinfo.operator.api.fields import Input, days, instant, party, role
from hubinfo.operator.api.routes import JSON, route

_CSV = "text/csv"
_SVG = "image/svg+xml"


class PeriodQuery(Input):
    """The last so many days, or from when until when."""

    days = days()
    date_from = instant("When the period begins; not together with `days`.")
    date_to = instant("When it ends; now when left out.")


class AvailabilityQuery(PeriodQuery):
    """Of whom and when."""

    party = party()


class TimelineQuery(PeriodQuery):
    """As what and when."""

    role = role()


@route("GET", "/availability", query=AvailabilityQuery, returns=shapes.Availability, types=(JSON, _CSV))
def show_availability(party: str | None = None, **wanted: Any) -> Any:
    """How much of a period each party was connected, and the hub as a whole; as CSV where Accept asks for it."""
    if request.accept_mimetypes.best_match((JSON, _CSV)) == _CSV:
        return availability_as_csv(party, **wanted)
    period = _period(**wanted)
    everybody = availability.of_parties(period)
    parties = [row for row in everybody if party in (None, party_of(row["country_code"], row["party_id"]))]
    return {"period": vars(period), "hub": availability.of_hub(everybody), "parties": parties}


@route("GET", "/availability.csv", query=AvailabilityQuery, types=(_CSV,))
def availability_as_csv(party: str | None = None, **wanted: Any) -> Response:
    """The same as CSV; without a party, the last line is for the hub as a whole."""
    rows = availability.of_parties(_period(**wanted), party)
    return uncached(availability.as_csv(rows if party else availability.with_hub(rows)), _CSV)


@route("GET", "/availability.svg", query=PeriodQuery, types=(_SVG,))
def show_availability_of_hub(**wanted: Any) -> Response:
    """A picture of how much of a period all parties together were connected."""
    return uncached(skyline.svg(_period(**wanted), label=f"{current_settings().party}, all parties together"), _SVG)


@route(
    "GET",
    "/parties/<country_code>/<party_id>/timeline.svg",
    query=TimelineQuery,
    types=(_SVG,),
    errors=(HTTPStatus.NOT_FOUND,),
)
def show_timeline(party: str, role: str | None = None, **wanted: Any) -> Response:
    """A picture of the statuses of a party over a period, in its first role or the one that is asked for."""
    period = _period(**wanted)
    rows = [row for row in dossier.of(party)["rows"] if role in (None, row["role"])]
    if not rows:
        raise Failed(HTTPStatus.NOT_FOUND, f"no such party: {party} as {role}")
    shown = timeline.intervals([rows[0]["id"]], period)[rows[0]["id"]]
    return uncached(timeline.svg(shown, period, label=f"{party} {rows[0]['role']}", tall=True), _SVG)


def _period(**wanted: Any) -> availability.Period:
    try:
        return availability.period(**wanted)
    except ValueError as wrong:
        raise Failed(HTTPStatus.BAD_REQUEST, str(wrong)) from None
