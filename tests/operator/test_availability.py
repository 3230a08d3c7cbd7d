"""How much of a period parties and the hub were CONNECTED."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubinfo import clock
from hubinfo.models import ConnectionStatus
from hubinfo.operator import availability
from hubinfo.operator.availability import COLUMNS, Period
from tests.support.hubs import SetClock, connect
from tests.support.past import Past
from tests.support.statements import counted

both_databases = pytest.mark.both_databases("totals are reckoned in SQL")

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def of_parties(past: Past, began: int, ended: int, party: str | None = None) -> list[dict[str, Any]]:
    with past.app.app_context():
        return availability.of_parties(Period(past.at(began), past.at(ended)), party)


@pytest.mark.parametrize(
    ("asked", "began_at", "ended_at"),
    [
        ({}, NOW - 30 * DAY, NOW),
        ({"days": 1.0}, NOW - DAY, NOW),
        ({"days": 0.5}, NOW - DAY / 2, NOW),
        ({"days": 36_500}, NOW - 36_500 * DAY, NOW),
        ({"date_from": NOW - 3 * DAY}, NOW - 3 * DAY, NOW),
        ({"date_to": NOW - 3 * DAY}, NOW - 33 * DAY, NOW - 3 * DAY),
        ({"date_from": NOW - 5 * DAY, "date_to": NOW - 4 * DAY}, NOW - 5 * DAY, NOW - 4 * DAY),
        ({"date_from": NOW - 5 * DAY, "date_to": NOW + 4 * DAY}, NOW - 5 * DAY, NOW),
        ({"date_from": clock.parse("0001-01-01T00:00:00Z")}, clock.parse("0001-01-01T00:00:00Z"), NOW),
        ({"date_to": clock.parse("0001-01-02T00:00:00Z")}, datetime.min.replace(tzinfo=UTC), clock.parse("0001-01-02T00:00:00Z")),
    ],
)
def test_a_period(now: SetClock, asked: dict[str, Any], began_at: datetime, ended_at: datetime) -> None:
    assert availability.period(**asked) == Period(began_at, ended_at)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"days": 0}, "days=0: must be a number greater than 0, at most 36500"),
        ({"days": -1.5}, "days=-1.5: must be a number greater than 0, at most 36500"),
        ({"days": 1e-15}, "days=1e-15: must be a number greater than 0, at most 36500"),
        ({"days": 36_501}, "days=36501: must be a number greater than 0, at most 36500"),
        ({"days": float("inf")}, "days=inf: must be a number greater than 0, at most 36500"),
        ({"days": float("nan")}, "days=nan: must be a number greater than 0, at most 36500"),
        ({"days": 1, "date_from": NOW}, "days: must stand alone, or date_from and date_to instead"),
        ({"days": 1, "date_to": NOW}, "days: must stand alone, or date_from and date_to instead"),
        (
            {"date_from": NOW - DAY, "date_to": NOW - 2 * DAY},
            "date_from=2029-12-31T00:00:00.000Z: must be before date_to and before now (2029-12-30T00:00:00.000Z)",
        ),
        (
            {"date_from": NOW + DAY},
            "date_from=2030-01-02T00:00:00.000Z: must be before date_to and before now (2030-01-01T00:00:00.000Z)",
        ),
        ({"date_from": NOW, "date_to": NOW}, "date_from=2030-01-01T00:00:00.000Z: must be before date_to and before now"),
    ],
)
def test_a_period_that_makes_no_sense_is_an_error_that_names_the_value(now: SetClock, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011  the message is what is tested
        availability.period(**asked)
    assert str(error.value).startswith(message)


@both_databases
def test_what_is_said_of_a_party(past: Past) -> None:
    past.add([(0, "PLANNED"), (1000, "CONNECTED"), (1500, "OFFLINE"), (500, "CONNECTED")], "BBB")
    past.add([(0, "PLANNED")], "AAA")
    planned, connected = of_parties(past, -1000, 4000)
    assert list(planned) == list(connected) == list(COLUMNS)
    assert connected == {
        "country_code": "NL",
        "party_id": "BBB",
        "role": "CPO",
        "platform": planned["platform"],
        "status": "CONNECTED",
        "availability": 2.5 / 3,
        "connected_seconds": 2.5,
        "offline_seconds": 0.5,
        "changes": 4,
    }
    assert (planned["party_id"], planned["availability"], planned["changes"]) == ("AAA", None, 1)
    assert of_parties(past, -1000, 4000, "NL-BBB") == [connected]
    assert of_parties(past, -1000, 4000, "NL-ZZZ") == []


@both_databases
def test_sums_are_to_the_millisecond() -> None:
    rows = [{"connected_seconds": 0.1, "offline_seconds": 0.7}, {"connected_seconds": 0.2, "offline_seconds": 0.1}]
    assert availability.of_hub(rows) == {"availability": 0.3 / 1.1, "connected_seconds": 0.3, "offline_seconds": 0.8}


_statuses = st.sampled_from([status.value for status in ConnectionStatus])
_past = st.lists(st.tuples(st.integers(0, 3000), _statuses), max_size=6)


@both_databases
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pasts=st.lists(_past, max_size=3), period=st.tuples(st.integers(-500, 9000), st.integers(1, 9000)))
def test_the_hub_is_all_its_rows_together(past: Past, pasts: list[list[tuple[int, str]]], period: tuple[int, int]) -> None:
    past.forget_all()
    ids = [past.add(changes, f"A0{number}") for number, changes in enumerate(pasts)]
    began, ended = period[0], sum(period)
    hub = availability.of_hub(of_parties(past, began, ended))
    up, down = (
        sum(past.milliseconds(key, status, past.at(began), past.at(ended)) for key in ids) for status in ("CONNECTED", "OFFLINE")
    )
    assert (hub["connected_seconds"], hub["offline_seconds"]) == (up / 1000, down / 1000)
    assert hub["availability"] == (pytest.approx(up / (up + down)) if up + down else None)


@both_databases
def test_parties_and_lines_cost_no_further_statements(app: Flask, past: Past) -> None:
    def statements(party: str | None) -> int:
        with counted(app) as found:
            assert of_parties(past, 0, 100_000, party)
        return len(found)

    connect(app, ("CPO", "NL", "AAA"))
    one = statements(None), statements("NL-AAA")
    for number in range(10):
        connect(app, ("CPO", "BE", f"A{number:02}"), ("EMSP", "BE", f"A{number:02}"))
    past.add([(100, status) for status in ("OFFLINE", "CONNECTED") * 20], "BBB")
    assert (statements(None), statements("NL-AAA")) == one


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def row(**values: Any) -> dict[str, Any]:
    return dict.fromkeys(COLUMNS, "x") | values


def test_csv_has_a_heading_and_a_line_for_each_row(past: Past) -> None:
    past.add([(0, "CONNECTED"), (3000, "OFFLINE")])
    past.add([(0, "PLANNED")], "BBB")
    text = availability.as_csv(of_parties(past, 0, 4000))
    heading, first, second = read(text)
    assert heading == list(COLUMNS)
    assert first[:3] + first[4:] == ["NL", "AAA", "CPO", "OFFLINE", "0.75", "3.0", "1.0", "1"]
    assert second[5] == ""
    assert text.count("\r\n") == text.count("\n") == 3


def test_csv_of_nobody_is_a_heading() -> None:
    assert read(availability.as_csv([])) == [list(COLUMNS)]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_a_spreadsheet_would_take_for_a_formula_is_text(start: str) -> None:
    formula = f'{start}HYPERLINK("http://evil.test","x")'
    [_, cells] = read(availability.as_csv([row(platform=formula)]))
    assert cells[3] == f"'{formula}"


@pytest.mark.parametrize("text", ['say "hi"', "a,b", "a;b", "two\nlines", "two\r\nlines", "Ödön", "'", " "])
def test_whatever_is_in_a_cell_is_read_back(text: str) -> None:
    [_, cells] = read(availability.as_csv([row(platform=text)]))
    assert cells == [text if name == "platform" else "x" for name in COLUMNS]


def test_a_number_below_nought_is_a_number() -> None:
    assert read(availability.as_csv([row(availability=-0.5)]))[1][5] == "-0.5"
