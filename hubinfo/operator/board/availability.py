"""Which part of any period the parties, and the hub itself, could be reached."""

from http import HTTPStatus
from typing import Any

from flask import abort, make_response, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from hubinfo.config import current_settings
from hubinfo.models import party_of
from hubinfo.operator import availability as reckoned
from hubinfo.operator import skyline, timeline
from hubinfo.operator.availability import Period
from hubinfo.operator.board import drawing, paging, words
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.board.paging import Pages
from hubinfo.operator.board.party import dossier_of

DAYS = {
    "1": "the last 24 hours",
    "7": "the last 7 days",
    "30": "the last 30 days",
    "90": "the last 90 days",
    "365": "the last year",
}


@blueprint.get("/availability")
def availability() -> Response:
    """A table for the period, or the form with what is wrong with it."""
    try:
        period = _period()
    except ValueError as error:
        return make_response(_page(wrong=str(error)), HTTPStatus.UNPROCESSABLE_ENTITY)
    return make_response(_page(**_shown(period)))


@blueprint.get("/availability.csv")
def availability_csv() -> Response:
    """The same as a file."""
    period, party = _period_or_400(), _party()
    rows = reckoned.of_parties(period, party)
    answer = make_response(reckoned.as_csv(rows if party else reckoned.with_hub(rows)))
    answer.mimetype = "text/csv"
    answer.headers["Content-Disposition"] = "attachment; filename=availability.csv"
    return answer


@blueprint.get("/availability.svg")
def hub_svg() -> Response:
    """A picture of all parties together."""
    settings = current_settings()
    return _picture(skyline.svg(_period_or_400(), label=f"{settings.name} {settings.party}, all parties together"))


@blueprint.get("/availability/<country_code>/<party_id>.svg")
def availability_svg(country_code: str, party_id: str) -> Response:
    """A picture that stands alone: a bar for each role of the party."""
    period, rows = _period_or_400(), dossier_of(party_of(country_code, party_id))["rows"]
    intervals = timeline.intervals([row["id"] for row in rows], period)
    return _picture(drawing.bars({f"{row['party']} {row['role']}": intervals.get(row["id"], []) for row in rows}, period))


def _picture(drawn: Markup) -> Response:
    answer = make_response(drawn)
    answer.mimetype = "image/svg+xml"
    return answer


def _page(**shown: Any) -> str:
    given = {name: request.args.get(name, "") for name in ("days", "date_from", "date_to", "party")}
    given["days"] = given["days"] if given["days"] in DAYS else ""
    asked = {name: value for name, value in given.items() if value}
    return render_template("availability.html", all_days=DAYS, given=given, asked=asked, **shown)


def _shown(period: Period) -> dict[str, Any]:
    everybody, party = reckoned.of_parties(period), _party()
    rows = [row for row in everybody if party in (None, party_of(row["country_code"], row["party_id"]))]
    pages = Pages(len(rows), paging.asked())
    return {"period": period, "hub": reckoned.of_hub(everybody), "rows": pages.of(rows), "pages": pages}


def _party() -> str | None:
    text = request.args.get("party", "").strip().upper()
    return "-".join(text.replace("-", " ").split()) or None


def _period() -> Period:
    """Dates where there are any, else the last so many days. Raises ValueError."""
    date_from, date_to = words.day(request.args.get("date_from")), words.day(request.args.get("date_to"))
    if date_from or date_to:
        return reckoned.period(date_from=date_from, date_to=words.day_after(date_to))
    days = request.args.get("days")
    return reckoned.period(days=float(days)) if days in DAYS else reckoned.period()


def _period_or_400() -> Period:
    try:
        return _period()
    except ValueError as error:
        abort(HTTPStatus.BAD_REQUEST, str(error))
