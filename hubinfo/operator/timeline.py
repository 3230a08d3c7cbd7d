"""A period as a bar: what a party was, and when, to be seen by shape as well as by colour."""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup, escape

from hubinfo import clock
from hubinfo.database import db
from hubinfo.hub import history
from hubinfo.hub.history import Interval
from hubinfo.operator.availability import Period

_WIDTH = 1000
_HEIGHT, _TALL = 20, 60
_SHAPES = {
    # (top and height as parts of the bar, colour)
    "CONNECTED": (0.0, 1.0, "#2f9e62"),
    "OFFLINE": (0.6, 0.4, "#d6453d"),
    "SUSPENDED": (0.4, 0.2, "#8a6d1d"),
    "PLANNED": (0.45, 0.1, "#7d8590"),
}
_NARROWEST, _NARROWEST_TALL = 6.0, 1.5
"""So that also a short interval is seen: a bar in a table is drawn some ten times narrower than it says."""
_WORST_FIRST = ("OFFLINE", "SUSPENDED", "CONNECTED", "PLANNED")


@dataclass(frozen=True, slots=True)
class Piece:
    """What is drawn as one: an interval, or several short ones."""

    interval: Interval
    count: int = 1


def intervals(client_info_ids: Collection[int], within: Period) -> dict[int, list[Interval]]:
    """What each row was, in order."""
    return history.intervals(db.session(), client_info_ids, within.began_at, within.ended_at)


def svg(parts: Sequence[Interval], within: Period, *, label: str, tall: bool = False) -> Markup:
    """CONNECTED is as high as the bar, OFFLINE low, SUSPENDED and PLANNED are lines; it stands alone, or takes a page's styles."""
    height, narrowest = (_TALL, _NARROWEST_TALL) if tall else (_HEIGHT, _NARROWEST)
    pieces = gathered(parts, within, narrowest / _WIDTH)
    places = _places([piece.interval for piece in pieces], within, narrowest)
    bars = Markup().join(_bar(piece, *place, height) for piece, place in zip(pieces, places, strict=True))
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="timeline" role="img" viewBox="0 0 {width} {height}" '
        'preserveAspectRatio="none" width="{width}" height="{height}"><title>{label}</title>{bars}</svg>'
    ).format(width=_WIDTH, height=height, label=_in_words(label, parts), bars=bars)


def gathered(parts: Sequence[Interval], within: Period, narrowest: float) -> list[Piece]:
    """What can be drawn: where there are more intervals than room, the short ones that lie close together become one.

    `narrowest` is a share of the period; at most twice as many pieces come out as go in it. What lasted long stands alone.
    """
    if len(parts) * narrowest <= 1:
        return [Piece(part) for part in parts]
    shortest = (within.ended_at - within.began_at) * narrowest
    pieces: list[Piece] = []
    for (_, is_long), found in itertools.groupby(parts, lambda part: _slot(part, within, shortest)):
        group = list(found)
        pieces += map(Piece, group) if is_long else [_as_one(group)]
    return pieces


def _slot(part: Interval, within: Period, shortest: timedelta) -> tuple[int, bool]:
    return (part.began_at - within.began_at) // shortest, part.ended_at - part.began_at >= shortest


def _as_one(parts: Sequence[Interval]) -> Piece:
    """Shown as what most needs to be seen."""
    worst = next(status for status in _WORST_FIRST if any(part.status == status for part in parts))
    return Piece(Interval(worst, parts[0].began_at, parts[-1].ended_at), len(parts))


def _places(parts: Sequence[Interval], within: Period, narrowest: float) -> list[tuple[float, float]]:
    """From where to where each is drawn: none hides another, and a short one takes from its neighbours what it lacks.

    1. From the left, each begins no earlier than the one before it ends, and is as wide as it has to be.
    2. From the right, what has come to lie outside is moved back in.
    """
    narrowest = min(narrowest, _WIDTH / max(len(parts), 1))
    pushed: list[tuple[float, float]] = []
    edge = 0.0
    for part in parts:
        left = max(_place(part.began_at, within), edge)
        edge = max(_place(part.ended_at, within), left + narrowest)
        pushed.append((left, edge))
    places: list[tuple[float, float]] = []
    edge = _WIDTH
    for left, right in reversed(pushed):
        right = min(right, edge)
        edge = min(left, right - narrowest)
        places.append((edge, right))
    return places[::-1]


def _place(at: datetime, within: Period) -> float:
    return (at - within.began_at) / (within.ended_at - within.began_at) * _WIDTH


def _bar(piece: Piece, left: float, right: float, height: int) -> Markup:
    part = piece.interval
    top, share, colour = _SHAPES[part.status]
    place = f'x="{left:.2f}" y="{top * height:.1f}" width="{right - left:.2f}" height="{share * height:.1f}"'
    among = f" among {piece.count} statuses," if piece.count > 1 else ""
    shown = escape(f"{part.status}{among} {clock.render(part.began_at)} to {clock.render(part.ended_at)}")
    return Markup(f'<rect class="seg-{part.status.lower()}" {place} fill="{colour}"><title>{shown}</title></rect>')  # noqa: S704


def _in_words(label: str, parts: Sequence[Interval]) -> str:
    offline = sum(part.status == "OFFLINE" for part in parts)
    times = {0: "never OFFLINE", 1: "OFFLINE once"}.get(offline, f"OFFLINE {offline} times")
    return f"{label}: {times}" + (f", {parts[-1].status} at the end" if parts else ", nothing known")
