"""Timelines with words around them: what each shape means, and a picture that stands alone."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from markupsafe import Markup

from hubinfo import clock
from hubinfo.hub.history import Interval
from hubinfo.models import ConnectionStatus
from hubinfo.operator import timeline
from hubinfo.operator.availability import Period
from hubinfo.operator.board import words
from hubinfo.operator.board.blueprint import blueprint

WIDTH, EDGE, TOP, ROW, BELOW = 1000, 20, 50, 54, 30


@blueprint.app_template_global()
def sample(status: str) -> Markup:
    """A bar that is nothing but this status."""
    now = clock.now()
    period = Period(now - timedelta(days=1), now)
    return timeline.svg([Interval(status, period.began_at, period.ended_at)], period, label=status)


def bars(by_label: Mapping[str, Sequence[Interval]], period: Period) -> Markup:
    """One bar for each label, what the shapes mean above them, and the period below."""
    width, height = WIDTH + 2 * EDGE, TOP + len(by_label) * ROW + BELOW
    head = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" font-size="14" fill="#1b1f24"><title>{title}</title>'
        '<rect width="{width}" height="{height}" fill="#ffffff"/>'
    ).format(width=width, height=height, title=f"{', '.join(by_label)}: {_in_words(period)}")
    rows = [_row(label, intervals, period, TOP + number * ROW) for number, (label, intervals) in enumerate(by_label.items())]
    return Markup().join((head, _legend(), *rows, _text(EDGE, height - 12, _in_words(period)), Markup("</svg>")))


def _row(label: str, intervals: Sequence[Interval], period: Period, y: int) -> Markup:
    ground = Markup('<rect x="{}" y="{}" width="{}" height="20" fill="#eef0f3"/>').format(EDGE, y + 20, WIDTH)
    drawn = timeline.svg(intervals, period, label=label)
    return _text(EDGE, y + 14, label) + ground + Markup('<g transform="translate({} {})">{}</g>').format(EDGE, y + 20, drawn)


def _legend() -> Markup:
    item = Markup('<g transform="translate({} 16) scale(0.014 0.7)">{}</g>{}')
    lefts = {status: EDGE + 140 * number for number, status in enumerate(ConnectionStatus)}
    return Markup().join(item.format(left, sample(status), _text(left + 20, 28, status)) for status, left in lefts.items())


def _text(x: int, y: int, text: str) -> Markup:
    return Markup('<text x="{}" y="{}">{}</text>').format(x, y, text)


def _in_words(period: Period) -> str:
    return f"{words.at(period.began_at)} to {words.at(period.ended_at)}"
