"""`flask hubinfo availability` and `history`."""

import pytest
from flask import Flask

from hubinfo.operator.history_commands import in_percent, in_words
from tests.commands import error_of, json_of, table_of, text_of
from tests.past import Past, set_clock


@pytest.fixture
def a_month_ago(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """NL-AAA: 9 of 10 days CONNECTED, then SUSPENDED until now, a month later."""
    past, day = Past(app, set_clock(monkeypatch)), 86_400_000
    past.add([(0, "CONNECTED"), (9 * day, "OFFLINE"), (day, "SUSPENDED")])
    past.clock.time = past.at(40 * day)
    return app


def test_the_command_tells_of_the_last_30_days_and_of_all_together(a_month_ago: Flask) -> None:
    assert json_of(a_month_ago, "availability")["hub"]["availability"] is None
    said = json_of(a_month_ago, "availability", "--days", "40")
    assert list(said) == ["date_from", "date_to", "hub", "parties"]
    assert (said["date_from"], said["date_to"]) == ("2030-01-01T00:00:00.000Z", "2030-02-10T00:00:00.000Z")
    assert said["hub"] == {"availability": 0.9, "connected_seconds": 9 * 86_400, "offline_seconds": 86_400}
    assert [entry["availability"] for entry in said["parties"]] == [0.9]
    said = json_of(a_month_ago, "availability", "nl", "aaa", "--days", "31")
    assert (said["hub"], said["parties"][0]["offline_seconds"]) == (None, 86_400)


def test_the_table_in_words(a_month_ago: Flask) -> None:
    lines = text_of(a_month_ago, "availability", "--days", "31").splitlines()
    assert lines[0] == "From 2030-01-10T00:00:00.000Z to 2030-02-10T00:00:00.000Z:"
    assert lines[1].split()[:6] == ["COUNTRY", "CODE", "PARTY", "ID", "ROLE", "STATUS"]
    assert lines[2].split() == ["NL", "AAA", "CPO", "SUSPENDED", "0.00", "%", "0", "s", "1", "d", "0", "h", "1"]
    assert lines[3] == "All together: 0.00 %"
    assert text_of(a_month_ago, "availability").splitlines()[-1] == "All together: nobody was CONNECTED or OFFLINE"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (("--days", "0"), 2, "days=0: must be a number greater than 0"),
        (("--days", "nan"), 2, "days=nan"),
        (("NL",), 2, "CC and PID belong together"),
        (("NL", "ZZZ"), 1, "no such party: NL-ZZZ"),
    ],
)
def test_wrong_usage_is_one_line(app: Flask, arguments: tuple[str, ...], exit_code: int, said: str) -> None:
    assert said in error_of(app, "availability", *arguments, exit_code=exit_code)


def test_history_by_command_is_newest_first(a_month_ago: Flask) -> None:
    assert [line["status"] for line in json_of(a_month_ago, "history", "NL", "AAA")] == ["SUSPENDED", "OFFLINE", "CONNECTED"]
    [line] = table_of(a_month_ago, "history", "nl", "aaa", "--limit", "1")
    assert (line["AT"], line["ROLE"], line["STATUS"]) == ("2030-01-11T00:00:00.000Z", "CPO", "SUSPENDED")
    assert error_of(a_month_ago, "history", "NL", "ZZZ").startswith("no such party: NL-ZZZ")


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0.00 %"), (1e-9, "0.01 %"), (0.5, "50.00 %"), (0.99999, "99.99 %"), (1, "100.00 %"), (0.123456, "12.35 %")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float, said: str) -> None:
    assert in_percent(share) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (90_061, "1 d 1 h"),
        (86_400, "1 d 0 h"),
        (3600, "1 h 0 min"),
    ],
)
def test_a_duration_in_its_two_largest_units(seconds: float, said: str) -> None:
    assert in_words(seconds) == said
