"""How values are put: times, shares, durations."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import request, url_for
from markupsafe import Markup

from hubinfo import clock
from hubinfo.operator.board.blueprint import blueprint

NOTHING = "–"  # noqa: RUF001
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))
_HUNDRED = 100.0


def this_minute() -> datetime:
    """What `ago` is reckoned from: it changes once a minute, so a page that shows it need not be sent more often."""
    return clock.now().replace(second=0, microsecond=0)


@blueprint.app_template_filter()
def at(instant: datetime | None) -> str:
    """An instant in full, e.g. 26 Nov 02:09:15 UTC; the year only when it is another one."""
    if instant is None:
        return NOTHING
    utc = instant.astimezone(UTC)
    year = "" if utc.year == this_minute().year else f" {utc.year}"
    return f"{utc.day} {utc:%b}{year} {utc:%H:%M:%S} UTC"


@blueprint.app_template_filter()
def ago(instant: datetime | None) -> str:
    """How long ago, or until when, in one unit."""
    if instant is None:
        return ""
    seconds = (this_minute() - instant).total_seconds()
    if seconds < -60:
        return f"in {_one_unit(-seconds)}"
    return f"{_one_unit(seconds)} ago" if seconds >= 60 else "just now"


@blueprint.app_template_filter()
def when(instant: datetime | None) -> Markup:
    """Both, for people and programs."""
    if instant is None:
        return Markup('<span class="none">{}</span>').format(NOTHING)
    both = Markup('<time datetime="{}">{}</time> <span class="ago">{}</span>')
    return both.format(clock.render(instant), at(instant), ago(instant))


@blueprint.app_template_filter()
def lately(instant: datetime | None) -> Markup:
    """Where there is room for one only: how long ago, with the time itself for who points at it or has it read."""
    if instant is None:
        return Markup('<span class="none">{}</span>').format(NOTHING)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(clock.render(instant), at(instant), ago(instant))


@blueprint.app_template_filter()
def share(part: float | None) -> str:
    """Of time, in percent: 100 % only when it is all of it."""
    if part is None:
        return NOTHING
    percent = math.floor(part * 10000) / _HUNDRED
    return f"{percent:g} %" if percent in (0, _HUNDRED) else f"{percent:.2f} %"


@blueprint.app_template_filter()
def lasting(seconds: float | None) -> str:
    """A duration of hours and days, in at most two units."""
    if seconds is None:
        return NOTHING
    left, parts = round(seconds), []
    for length, unit in (*_UNITS, (1, "s")):
        if left >= length:
            parts.append(f"{left // length} {unit}")
            left %= length
    return " ".join(parts[:2]) or "0 s"


@blueprint.app_template_filter()
def brief(seconds: float | None) -> str:
    """A duration of one request."""
    if seconds is None:
        return NOTHING
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


@blueprint.app_template_global()
def here(**changes: Any) -> str:
    """This page with other query parameters; one that is None is left out, and `page` where something else changes."""
    asked: dict[str, Any] = {**request.args.to_dict(), "live": None, "page": None, **changes}
    path = url_for(request.endpoint or "", **(request.view_args or {}))  # which takes `_external`, `endpoint` and more for its own
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return f"{path}?{query}" if query else path


def _one_unit(seconds: float) -> str:
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "1 min"


def day(text: str | None) -> datetime | None:
    """The beginning of a day from a date field; None when there is none. Raises ValueError."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{text!r} is not a date such as 2025-11-26") from None


def day_after(instant: datetime | None) -> datetime | None:
    """So that the last day of a period counts as a whole. Raises ValueError."""
    try:
        return instant and instant + timedelta(days=1)
    except OverflowError:
        raise ValueError(f"{instant:%Y-%m-%d} is the last day there is, and a period ends with the day after") from None
