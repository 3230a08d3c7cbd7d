"""How long rows were CONNECTED and OFFLINE: whatever happened, running totals say what going through all lines says."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hubinfo.database import db, write
from hubinfo.hub import history, presence
from hubinfo.hub.history import Interval, Totals
from hubinfo.models import ClientInfo, ConnectionStatus, History
from tests.support.hubs import SetClock, connect
from tests.support.past import Past
from tests.support.statements import counted

pytestmark = pytest.mark.both_databases("totals and periods are reckoned in SQL")

_few_seconds = st.one_of(st.just(0), st.integers(0, 5000))
_status = st.sampled_from([status.value for status in ConnectionStatus])
PASTS = st.lists(st.tuples(_few_seconds, _status), max_size=8)
TIMES = st.integers(-1000, 30_000)
PERIODS = st.tuples(TIMES, TIMES).map(sorted)
on_any_past = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def between(past: Past, began_at: datetime, ended_at: datetime, ids: Sequence[int] | None = None) -> dict[int, Totals]:
    with past.app.app_context():
        return history.between(db.session(), began_at, ended_at, ids)


def intervals(past: Past, ids: Sequence[int], began_at: datetime, ended_at: datetime) -> dict[int, list[Interval]]:
    with past.app.app_context():
        return history.intervals(db.session(), ids, began_at, ended_at)


def reckoned(past: Past, began_at: datetime, ended_at: datetime) -> dict[int, Totals]:
    return {
        key: Totals(
            past.milliseconds(key, "CONNECTED", began_at, ended_at),
            past.milliseconds(key, "OFFLINE", began_at, ended_at),
            past.changes(key, began_at, ended_at),
        )
        for key in past.lines
    }


def forget_before(app: Flask, cutoff: datetime) -> None:
    forgotten = 1
    while forgotten:
        with app.app_context(), write() as session:
            forgotten = history.forget_before(session, cutoff)


@on_any_past
@given(changes=PASTS, others=PASTS, periods=st.lists(PERIODS, min_size=1, max_size=4))
def test_any_period_is_what_its_lines_say(
    past: Past, changes: list[tuple[int, str]], others: list[tuple[int, str]], periods: list[list[int]]
) -> None:
    past.forget_all()
    ids = [past.add(changes, "AAA"), past.add(others, "BBB")]
    for began, ended in periods:
        period = past.at(began), past.at(ended)
        assert between(past, *period) == between(past, *period, ids) == reckoned(past, *period)
        assert intervals(past, ids, *period) == {key: past.intervals(key, *period) for key in ids}


@on_any_past
@given(changes=PASTS, others=PASTS, cutoff=TIMES, periods=st.lists(PERIODS, min_size=1, max_size=4))
def test_every_period_from_the_cutoff_on_is_the_same_after_forgetting(
    past: Past, changes: list[tuple[int, str]], others: list[tuple[int, str]], cutoff: int, periods: list[list[int]]
) -> None:
    past.forget_all()
    ids = [past.add(changes, "AAA"), past.add(others, "BBB")]
    forget_before(past.app, past.at(cutoff))
    for times in periods:
        began, ended = (past.at(max(time, cutoff)) for time in times)
        assert between(past, began, ended) == reckoned(past, began, ended)
        assert intervals(past, ids, began, ended) == {key: past.intervals(key, began, ended) for key in ids}


@on_any_past
@given(changes=PASTS, cutoff=TIMES)
def test_of_what_is_older_only_the_line_in_force_is_kept(past: Past, changes: list[tuple[int, str]], cutoff: int) -> None:
    past.forget_all()
    key = past.add(changes)
    forget_before(past.app, past.at(cutoff))
    lines = past.lines[key]
    older = sum(line.at < past.at(cutoff) for line in lines)
    is_in_force = older and not any(line.at == past.at(cutoff) for line in lines)
    kept = lines[older - 1 :] if is_in_force else lines[older:]
    with past.app.app_context():
        stored = db.session.execute(select(History.at, History.status).where(History.client_info_id == key).order_by(History.id))
        assert stored.all() == [(line.at, line.status) for line in kept]


@on_any_past
@given(changes=st.lists(st.tuples(st.integers(-5000, 5000), _status), max_size=8), period=PERIODS)
def test_a_clock_set_back_makes_no_time_negative_and_no_intervals_overlap(
    past: Past, changes: list[tuple[int, str]], period: list[int]
) -> None:
    past.forget_all()
    key = past.add(changes)
    began, ended = (past.at(time) for time in period)
    totals = between(past, began, ended)[key]
    assert totals.up_ms >= 0
    assert totals.down_ms >= 0
    assert totals.changes >= 0
    found = intervals(past, [key], began, ended)[key]
    edges = [began, *(edge for item in found for edge in (item.began_at, item.ended_at)), ended]
    assert edges == sorted(edges)
    assert all(item.began_at < item.ended_at for item in found)


def test_planned_and_suspended_time_counts_neither_as_available_nor_as_unavailable(past: Past) -> None:
    key = past.add([(0, "PLANNED"), (1000, "CONNECTED"), (3000, "OFFLINE"), (1000, "SUSPENDED"), (1000, "PLANNED")])
    totals = between(past, past.at(0), past.at(100_000))[key]
    assert (totals.up_ms, totals.down_ms, totals.availability) == (3000, 1000, 0.75)
    assert between(past, past.at(0), past.at(1000))[key].availability is None
    assert between(past, past.at(5000), past.at(100_000))[key].availability is None


def test_before_the_first_line_there_is_nothing(past: Past) -> None:
    key = past.add([(5000, "CONNECTED")])
    assert between(past, past.at(-1000), past.at(4999))[key] == Totals(0, 0, 0)
    assert between(past, past.at(-1000), past.at(7000))[key] == Totals(2000, 0, 1)
    assert intervals(past, [key], past.at(-1000), past.at(5000)) == {key: []}
    assert intervals(past, [key], past.at(-1000), past.at(7000)) == {key: [Interval("CONNECTED", past.at(5000), past.at(7000))]}


def test_a_row_without_lines_has_been_nothing(past: Past) -> None:
    key = past.add([])
    assert between(past, past.at(0), past.at(1000)) == {key: Totals(0, 0, 0)}
    assert intervals(past, [key], past.at(0), past.at(1000)) == {key: []}


def test_of_changes_at_the_same_moment_the_last_one_counts(past: Past) -> None:
    key = past.add([(0, "PLANNED"), (1000, "OFFLINE"), (0, "CONNECTED")])
    assert between(past, past.at(0), past.at(2000))[key] == Totals(1000, 0, 2)
    assert [item.status for item in intervals(past, [key], past.at(0), past.at(2000))[key]] == ["PLANNED", "CONNECTED"]


def test_times_in_another_zone_are_the_same_times(past: Past) -> None:
    key = past.add([(0, "CONNECTED"), (2000, "OFFLINE")])
    began, ended = (past.at(time).astimezone(timezone(timedelta(hours=5, minutes=30))) for time in (500, 3000))
    assert between(past, began, ended) == {key: Totals(1500, 1000, 1)}
    assert intervals(past, [key], began, ended)[key][0] == Interval("CONNECTED", past.at(500), past.at(2000))


def test_what_happens_to_a_party_is_what_its_history_says(app: Flask, now: SetClock) -> None:
    began_at = now.time
    platform = connect(app, ("CPO", "NL", "AAA"))

    def after_seconds(seconds: float, event: str) -> None:
        now.pass_seconds(seconds)
        with app.app_context(), write() as session:
            rows = session.scalars(select(ClientInfo)).all()
            match event:
                case "gone":
                    presence.probes_failed({platform: "connection refused"})
                case "heard":
                    presence.heard({platform: now.time})
                case "suspended":
                    presence.suspended(rows)
                case "resumed":
                    presence.resumed(rows)

    for seconds, event in ((10, "gone"), (5, "heard"), (20, "heard"), (1, "suspended"), (100, "resumed"), (7, "heard")):
        after_seconds(seconds, event)
    now.pass_seconds(3)
    with app.app_context():
        [totals] = history.between(db.session(), began_at, now.time).values()
        lines = db.session.execute(select(History.status, History.reason).order_by(History.id)).all()
        [row] = db.session.scalars(select(ClientInfo)).all()
    assert totals == Totals((10 + 20 + 1 + 3) * 1000, (5 + 7) * 1000, 5)
    assert [status for status, _ in lines] == ["CONNECTED", "OFFLINE", "CONNECTED", "SUSPENDED", "OFFLINE", "CONNECTED"]
    assert [reason for _, reason in lines] == [None, "connection refused", None, None, None, None]
    assert row.status_since == now.time - timedelta(seconds=3)


@pytest.mark.parametrize("days", [1, 400])
def test_rows_and_lines_cost_no_further_statements(past: Past, days: int) -> None:
    def statements(ids: Sequence[int] | None) -> list[int]:
        began, ended = past.at(0), past.at(0) + timedelta(days=days)
        with counted(past.app) as first:
            between(past, began, ended, ids)
        with counted(past.app) as second:
            intervals(past, ids or list(past.lines), began, ended)
        return [len(first), len(second)]

    ids = [past.add([(0, "PLANNED")], "A00")]
    few = statements(ids), statements(None)
    for number in range(1, 20):
        ids.append(past.add([(1000, status) for status in ("PLANNED", "CONNECTED", "OFFLINE") * 5], f"A{number:02}"))
    assert (statements(ids), statements(None)) == few
