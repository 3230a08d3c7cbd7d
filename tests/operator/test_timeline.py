"""A period as a bar: every interval is there to be seen, in its place and in order, whatever it is called."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from hubinfo.hub.history import Interval
from hubinfo.models import ConnectionStatus
from hubinfo.operator import timeline
from hubinfo.operator.availability import Period
from tests.support.past import Past, set_clock

SVG = "{http://www.w3.org/2000/svg}"
BEGAN = datetime(2030, 1, 1, tzinfo=UTC)
DAY = Period(BEGAN, BEGAN + timedelta(days=1))
HOSTILE = """<script>alert('1')</script> & "quotes" {label} %s ]]>"""


def spans(*seconds: tuple[float, str]) -> list[Interval]:
    """One after another from the beginning of the day, each so long."""
    found, at = [], BEGAN
    for lasted, status in seconds:
        found.append(Interval(status, at, at + timedelta(seconds=lasted)))
        at = found[-1].ended_at
    return found


def drawn(parts: Sequence[Interval], *, label: str = "NL-AAA", tall: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(timeline.svg(parts, DAY, label=label, tall=tall))


def bars(parts: Sequence[Interval], *, tall: bool = False) -> list[tuple[str, float, float]]:
    """The class of each, and from where to where it goes."""
    found = drawn(parts, tall=tall).findall(f"{SVG}rect")
    return [(bar.attrib["class"], float(bar.attrib["x"]), float(bar.attrib["x"]) + float(bar.attrib["width"])) for bar in found]


def test_it_is_an_image_whose_name_says_what_happened() -> None:
    image = drawn(spans((3600, "CONNECTED"), (60, "OFFLINE"), (3600, "CONNECTED"), (60, "OFFLINE"), (100, "CONNECTED")))
    assert (image.tag, image.attrib["role"], image.attrib["class"]) == (f"{SVG}svg", "img", "timeline")
    assert image.findtext(f"{SVG}title") == "NL-AAA: OFFLINE 2 times, CONNECTED at the end"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([], "NL-AAA: never OFFLINE, nothing known"),
        (spans((10, "PLANNED")), "NL-AAA: never OFFLINE, PLANNED at the end"),
        (spans((10, "CONNECTED"), (10, "OFFLINE")), "NL-AAA: OFFLINE once, OFFLINE at the end"),
    ],
)
def test_its_name_in_words(parts: list[Interval], said: str) -> None:
    assert drawn(parts).findtext(f"{SVG}title") == said


@pytest.mark.parametrize("tall", [False, True])
def test_whatever_a_label_says_it_is_text(tall: bool) -> None:
    image = drawn(spans((10, "CONNECTED")), label=HOSTILE, tall=tall)
    assert (image.findtext(f"{SVG}title") or "").startswith(f"{HOSTILE}: never OFFLINE")
    assert [element.tag for element in image.iter()] == [f"{SVG}{tag}" for tag in ("svg", "title", "rect", "title")]


def test_every_status_is_told_by_shape_and_by_words() -> None:
    image = drawn(spans(*((10_000, status.value) for status in ConnectionStatus)))
    rects = image.findall(f"{SVG}rect")
    assert len({(rect.attrib["y"], rect.attrib["height"]) for rect in rects}) == len(ConnectionStatus)
    for rect, status in zip(rects, ConnectionStatus, strict=True):
        assert rect.attrib["class"] == f"seg-{status.lower()}"
        assert (rect.findtext(f"{SVG}title") or "").startswith(f"{status.value} 2030-01-01T")
    assert rects[1].findtext(f"{SVG}title") == "OFFLINE 2030-01-01T02:46:40.000Z to 2030-01-01T05:33:20.000Z"


def test_bars_are_where_their_intervals_are() -> None:
    assert bars(spans((21_600, "CONNECTED"), (43_200, "OFFLINE"), (21_600, "CONNECTED"))) == [
        ("seg-connected", 0, 250),
        ("seg-offline", 250, 750),
        ("seg-connected", 750, 1000),
    ]


def test_what_is_not_known_is_left_empty() -> None:
    late = [Interval("CONNECTED", BEGAN + timedelta(hours=12), DAY.ended_at)]
    assert bars(late) == [("seg-connected", 500, 1000)]


@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize("before", [0, 40_000, 86_399], ids=["first", "in between", "last"])
def test_a_second_is_seen_wherever_it_is_and_nothing_covers_it(before: int, tall: bool) -> None:
    found = bars(spans(*((before, "CONNECTED"),) * bool(before), (1, "OFFLINE"), (86_399 - before, "CONNECTED")), tall=tall)
    [number] = [number for number, (name, _, _) in enumerate(found) if name == "seg-offline"]
    _, left, right = found[number]
    assert right - left >= (1.49 if tall else 5.99)
    assert left >= -0.01
    assert right <= 1000.01
    assert all(other[2] <= left + 0.011 or other[1] >= right - 0.011 for other in found if other is not found[number])


@given(st.lists(st.tuples(st.integers(1, 5000), st.sampled_from([status.value for status in ConnectionStatus])), max_size=400))
def test_bars_are_in_order_side_by_side_and_none_is_lost(seconds: list[tuple[int, str]]) -> None:
    whole = sum(lasted for lasted, _ in seconds) or 1
    parts = spans(*((lasted / whole * 86_400, status) for lasted, status in seconds))
    found = bars(parts)
    assert [name for name, _, _ in found] == [f"seg-{status.lower()}" for _, status in seconds]
    edges = [0.0, *(edge for _, left, right in found for edge in (left, right)), 1000.0]
    assert all(after >= before - 0.02 for before, after in itertools.pairwise(edges))
    assert all(right - left >= min(6.0, 1000 / len(parts)) - 0.02 for _, left, right in found)


def test_a_period_shorter_than_a_millisecond_can_be_drawn() -> None:
    instant = Period(BEGAN, BEGAN + timedelta(microseconds=5))
    assert 'width="1000.00"' in timeline.svg([Interval("OFFLINE", *vars(instant).values())], instant, label="x")


def test_intervals_are_those_of_the_period(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    past = Past(app, set_clock(monkeypatch))
    first = past.add([(0, "PLANNED"), (5000, "CONNECTED"), (5000, "OFFLINE")], "AAA")
    second = past.add([(2000, "PLANNED")], "BBB")
    within = Period(past.at(1000), past.at(12_000))
    with app.app_context():
        found = timeline.intervals([first, second], within)
    assert [item.status for item in found[first]] == ["PLANNED", "CONNECTED", "OFFLINE"]
    assert (found[first][0].began_at, found[first][-1].ended_at) == (within.began_at, within.ended_at)
    assert found[second] == [Interval("PLANNED", past.at(2000), within.ended_at)]


def test_more_changes_than_there_is_room_for_are_drawn_together() -> None:
    """A party that drops out every five minutes has twenty thousand changes in thirty days."""
    within = Period(BEGAN, BEGAN + timedelta(days=30))
    minutes = [BEGAN + timedelta(minutes=5 * number) for number in range(30 * 288)]
    statuses = itertools.cycle(("CONNECTED", "OFFLINE"))
    flapping = [Interval(status, at, at + timedelta(minutes=5)) for status, at in zip(statuses, minutes, strict=False)]
    pieces = timeline.gathered(flapping, within, 0.01)
    assert len(pieces) <= 100
    assert {piece.interval.status for piece in pieces} == {"OFFLINE"}
    assert sum(piece.count for piece in pieces) == len(flapping)
    assert len(timeline.svg(flapping, within, label="x", tall=True)) < 300_000


def test_what_lasted_long_is_not_drawn_together_with_short_outages_beside_it() -> None:
    within = Period(BEGAN, BEGAN + timedelta(days=100))
    second = timedelta(seconds=1)
    short = [Interval("OFFLINE" if n % 2 else "CONNECTED", BEGAN + n * second, BEGAN + (n + 1) * second) for n in range(200)]
    long = Interval("CONNECTED", BEGAN + 200 * second, within.ended_at)
    first, last = timeline.gathered([*short, long], within, 0.01)
    assert (first.interval.status, first.count, first.interval.ended_at) == ("OFFLINE", 200, long.began_at)
    assert (last.interval, last.count) == (long, 1)


def test_few_changes_are_drawn_one_by_one() -> None:
    within = Period(BEGAN, BEGAN + timedelta(days=1))
    parts = [
        Interval("CONNECTED", BEGAN, BEGAN + timedelta(hours=1)),
        Interval("OFFLINE", BEGAN + timedelta(hours=1), within.ended_at),
    ]
    assert [piece.interval for piece in timeline.gathered(parts, within, 0.01)] == parts
