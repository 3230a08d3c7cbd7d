"""The hub as a whole over a period: bars as high as the share of time in which its parties were CONNECTED."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from hubinfo import clock
from hubinfo.operator import availability
from hubinfo.operator.availability import Period, Slice

_WIDTH, _HEIGHT, _LEFT, _TOP, _BELOW, _EDGE = 1000, 200, 56, 46, 34, 20
_GAP = 3
_LOWEST = 1.0
"""A bar of nothing is seen too, other than a part of which nothing is known."""
_HUNDRED = 100


def svg(within: Period, *, label: str) -> Markup:
    """A picture that stands alone, and says in words what it shows."""
    parts = availability.slices(within)
    width, height = _LEFT + _WIDTH + _EDGE, _TOP + _HEIGHT + _BELOW
    head = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" font-size="14" fill="#1b1f24"><title>{title}</title>'
        '<rect width="{width}" height="{height}" fill="#ffffff"/>'
    ).format(width=width, height=height, title=_in_words(label, parts, within))
    bars = [_bar(part, number, _WIDTH / len(parts)) for number, part in enumerate(parts)]
    ends = _text(_LEFT, height - 12, _period(within))
    return Markup().join((head, _text(_LEFT, 24, f"{label}: share of time CONNECTED"), *_scale(), *bars, ends, Markup("</svg>")))


def _scale() -> list[Markup]:
    line = Markup('<path d="M{} {}h{}" stroke="#8b949e" stroke-width="1"/>{}')
    heights = {f"{percent} %": _TOP + _HEIGHT * (_HUNDRED - percent) / _HUNDRED for percent in (100, 50, 0)}
    return [line.format(_LEFT, y, _WIDTH, _text(6, y + 5, text)) for text, y in heights.items()]


def _bar(part: Slice, number: int, width: float) -> Markup:
    """Nothing is drawn where nobody could have been CONNECTED."""
    if part.availability is None:
        return Markup()
    height = max(part.availability * _HEIGHT, _LOWEST)
    place = (f"{value:.2f}" for value in (_LEFT + number * width, _TOP + _HEIGHT - height, width - _GAP, height))
    bar = Markup('<rect class="seg-connected" x="{}" y="{}" width="{}" height="{}" fill="#2f9e62"><title>{}</title></rect>')
    return bar.format(*place, f"{_percent(part.availability)}, {_period(part)}")


def _text(x: float, y: float, text: str) -> Markup:
    return Markup('<text x="{}" y="{}">{}</text>').format(x, y, text)


def _in_words(label: str, parts: Sequence[Slice], within: Period) -> str:
    known = [part for part in parts if part.availability is not None]
    if not known:
        return f"{label}, {_period(within)}: nobody was CONNECTED or OFFLINE"
    lowest = min(known, key=lambda part: part.availability or 0)
    last = _percent(known[-1].availability or 0)
    return f"{label}, {_period(within)}: lowest {_percent(lowest.availability or 0)} ({_period(lowest)}), {last} at the end"


def _percent(share: float) -> str:
    """Never rounded up."""
    return f"{math.floor(share * 1000) / 10:g} %"


def _period(part: Period) -> str:
    return f"{clock.render(part.began_at)} to {clock.render(part.ended_at)}"
