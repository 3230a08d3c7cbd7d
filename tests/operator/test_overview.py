"""The table of parties: which rows, in what order, and what it says of each."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.models import Platform
from hubinfo.operator import actions, overview
from hubinfo.operator.overview import Page, Wanted
from tests.support.apps import MakeApp
from tests.support.hubs import SetClock, connect

both_databases = pytest.mark.both_databases("filters, sorting and cutting are SQL")

Row = dict[str, Any]


def parties(app: Flask, **wanted: Any) -> Page:
    with app.app_context():
        return overview.parties(Wanted(**wanted))


def shown(app: Flask, **wanted: Any) -> list[str]:
    return [f"{row['party']} {row['role']}" for row in parties(app, **wanted).rows]


def change(app: Flask, platform_id: int, **values: Any) -> None:
    """Of a platform, or of its rows where it has no such column."""
    with app.app_context(), write() as session:
        platform = session.get_one(Platform, platform_id)
        for name, value in values.items():
            for changed in [platform] if hasattr(Platform, name) else platform.client_infos:
                setattr(changed, name, value)


def suspend(app: Flask, platform_id: int) -> None:
    with app.app_context(), write() as session:
        presence.suspended(session.get_one(Platform, platform_id).client_infos)


@pytest.fixture
def three(app: Flask, now: SetClock) -> Flask:
    """NL-AAA (two roles), BE-BBB, which is OFFLINE, and nl-CCC, whose platform has another name and no Receiver."""
    first = connect(app, ("CPO", "NL", "AAA"), ("EMSP", "NL", "AAA"))
    second = connect(app, ("EMSP", "BE", "BBB"), version="2.2")
    third = connect(app, ("NSP", "nl", "CCC"), receiver=False, version="2.3.0")
    change(app, first, name="NL-AAA", business_details={"name": "Zürich Strom"})
    change(app, second, name="BE-BBB", business_details={"name": "brussels Charge"})
    change(app, third, name="XX-OLD", business_details={})
    now.pass_seconds(600)
    with app.app_context(), write():
        presence.probes_failed({second: "connection refused"})
    change(app, second, probe_reason="connection refused")
    now.pass_seconds(600)
    return app


EVERYTHING = ["BE-BBB EMSP", "NL-AAA CPO", "NL-AAA EMSP", "NL-CCC NSP"]


@both_databases
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, EVERYTHING),
        ({"status": "OFFLINE"}, ["BE-BBB EMSP"]),
        ({"status": "offline"}, ["BE-BBB EMSP"]),
        ({"status": "PLANNED"}, []),
        ({"role": "EMSP"}, ["BE-BBB EMSP", "NL-AAA EMSP"]),
        ({"role": "emsp"}, ["BE-BBB EMSP", "NL-AAA EMSP"]),
        ({"country_code": "NL"}, EVERYTHING[1:]),
        ({"country_code": "nl"}, EVERYTHING[1:]),
        ({"country_code": "nl", "role": "cpo"}, ["NL-AAA CPO"]),
        ({"country_code": "BE", "role": "CPO"}, []),
        ({"text": "aaa"}, ["NL-AAA CPO", "NL-AAA EMSP"]),
        ({"text": "L-C"}, ["NL-CCC NSP"]),
        ({"text": "ZÜRICH"}, ["NL-AAA CPO", "NL-AAA EMSP"]),
        ({"text": "charge"}, ["BE-BBB EMSP"]),
        ({"text": "xx-old"}, ["NL-CCC NSP"]),
        ({"text": "refused"}, []),
        ({"text": "%"}, []),
        ({"text": "strom", "role": "EMSP"}, ["NL-AAA EMSP"]),
    ],
)
def test_filters(three: Flask, wanted: Row, expected: list[str]) -> None:
    assert shown(three, **wanted) == expected
    assert parties(three, **wanted).total == len(expected)


SORTED = {
    "party": EVERYTHING,
    "name": ["BE-BBB EMSP", "NL-AAA CPO", "NL-AAA EMSP", "NL-CCC NSP"],
    "role": ["NL-AAA CPO", "BE-BBB EMSP", "NL-AAA EMSP", "NL-CCC NSP"],
    "status": ["NL-AAA CPO", "NL-AAA EMSP", "NL-CCC NSP", "BE-BBB EMSP"],
    "status_since": ["NL-AAA CPO", "NL-AAA EMSP", "NL-CCC NSP", "BE-BBB EMSP"],
    "availability_24h": ["BE-BBB EMSP", "NL-AAA CPO", "NL-AAA EMSP", "NL-CCC NSP"],
    "availability_30d": ["BE-BBB EMSP", "NL-AAA CPO", "NL-AAA EMSP", "NL-CCC NSP"],
    "platform": ["BE-BBB EMSP", "NL-AAA CPO", "NL-AAA EMSP", "NL-CCC NSP"],
    "version": ["BE-BBB EMSP", "NL-AAA CPO", "NL-AAA EMSP", "NL-CCC NSP"],
    "behind": ["BE-BBB EMSP", "NL-AAA CPO", "NL-AAA EMSP", "NL-CCC NSP"],
    "last_heard_at": ["NL-AAA CPO", "NL-AAA EMSP", "NL-CCC NSP", "BE-BBB EMSP"],
}


def test_every_sort_is_tested() -> None:
    assert set(SORTED) == set(overview.SORTS)


@both_databases
@pytest.mark.parametrize("sort", SORTED)
def test_sorted_by_a_column_and_then_by_party_with_none_last_whichever_way(three: Flask, now: SetClock, sort: str) -> None:
    change(three, 2, last_heard_at=now.time)
    rows = parties(three, sort=sort).rows
    assert [f"{row['party']} {row['role']}" for row in rows] == SORTED[sort]
    turned = parties(three, sort=sort, descending=True).rows
    values = [row[sort] for row in rows if row[sort] is not None]
    assert [row[sort] for row in turned] == [*reversed(values), *[None] * (len(rows) - len(values))]
    groups = [[row["party"] for row in turned if row[sort] == value] for value in {row[sort] for row in rows}]
    assert all(group == sorted(group) for group in groups)


def test_who_was_only_invited_has_no_values_and_is_last(three: Flask) -> None:
    with three.app_context():
        actions.invite("command", "AT", "AAA", ["CPO"], None)
    for sort in ("availability_24h", "availability_30d", "last_heard_at", "version", "behind"):
        for descending in (False, True):
            assert shown(three, sort=sort, descending=descending)[-1] == ("NL-CCC NSP" if sort == "behind" else "AT-AAA CPO")
    [row] = parties(three, text="AT-AAA").rows
    empty = ("availability_24h", "availability_30d", "last_heard_at", "version", "behind", "reason")
    assert [row[name] for name in empty] == [None] * 6


def test_a_sort_that_there_is_not_is_an_error_that_names_it(three: Flask) -> None:
    with pytest.raises(ValueError, match=r"^sort='size': must be one of party, name, role, status, "):
        parties(three, sort="size")


@both_databases
@pytest.mark.parametrize(
    ("offset", "limit", "expected"), [(0, 2, EVERYTHING[:2]), (2, 2, EVERYTHING[2:]), (3, 50, EVERYTHING[3:]), (4, 2, [])]
)
def test_a_page(three: Flask, offset: int, limit: int, expected: list[str]) -> None:
    assert shown(three, offset=offset, limit=limit) == expected
    assert parties(three, offset=offset, limit=limit).total == 4


@both_databases
def test_what_a_row_says(three: Flask, now: SetClock) -> None:
    row = parties(three, text="BBB").rows[0]
    began_at = SetClock().time
    assert row == {
        "id": 3,
        "country_code": "BE",
        "party_id": "BBB",
        "party": "BE-BBB",
        "name": "brussels Charge",
        "role": "EMSP",
        "status": "OFFLINE",
        "status_since": began_at + timedelta(seconds=600),
        "last_updated": began_at + timedelta(seconds=600),
        "last_heard_at": began_at,
        "availability_24h": 0.5,
        "availability_30d": 0.5,
        "platform": "BE-BBB",
        "version": "2.2",
        "behind": 1,
        "reason": "connection refused",
        "suspended_by_operator": False,
    }


@both_databases
def test_nobody_is_behind_without_a_receiver_and_nothing_is_on_the_partys_side(three: Flask, make_app: MakeApp) -> None:
    assert [row["behind"] for row in parties(three).rows] == [1, 2, 2, None]
    party = make_app(roles="CPO", country_code="NL", party_id="OUR")
    assert [row["behind"] for row in parties(party).rows] == [None] * 4


def test_availability_is_of_the_last_day_and_the_last_30(three: Flask, now: SetClock) -> None:
    now.pass_seconds(3 * 86_400)
    first = parties(three, text="BBB").rows[0]
    assert (first["availability_24h"], round(first["availability_30d"], 4)) == (0, round(600 / (1200 + 3 * 86_400), 4))
    suspend(three, 2)
    now.pass_seconds(86_400)
    assert parties(three, text="BBB").rows[0]["availability_24h"] is None


@both_databases
@pytest.mark.parametrize(("suspended_by_operator", "expected"), [(True, "by an operator"), (False, "no longer registered")])
def test_why_a_party_is_suspended(three: Flask, suspended_by_operator: bool, expected: str) -> None:
    suspend(three, 2)
    change(three, 2, suspended_by_operator=suspended_by_operator)
    assert parties(three, text="BBB").rows[0]["reason"] == expected


@both_databases
def test_why_others_are_as_they_are(three: Flask) -> None:
    change(three, 1, push_reason="timed out")
    reasons = {row["party"]: row["reason"] for row in parties(three).rows}
    assert reasons == {"NL-AAA": "timed out", "BE-BBB": "connection refused", "NL-CCC": None}


def test_rows_of_before_history_had_totals_are_shown_since_their_last_update(three: Flask) -> None:
    change(three, 3, status_since=None)
    row = parties(three, text="CCC").rows[0]
    assert row["status_since"] == row["last_updated"]


def test_the_rows_of_one_party(three: Flask) -> None:
    with three.app_context():
        rows = overview.of_party("NL-AAA")
        assert overview.of_party("NL-ZZZ") == []
    assert rows == parties(three, text="AAA").rows


@both_databases
def test_counts_and_choices(three: Flask) -> None:
    suspend(three, 1)
    with three.app_context():
        assert list(overview.counts().items()) == [("CONNECTED", 1), ("OFFLINE", 1), ("PLANNED", 0), ("SUSPENDED", 2)]
        assert overview.choices() == {"roles": ["CPO", "EMSP", "NSP"], "country_codes": ["BE", "NL"]}


def test_nobody_is_there_yet(app: Flask) -> None:
    assert parties(app) == Page(0, [])
    with app.app_context():
        assert list(overview.counts().values()) == [0, 0, 0, 0]
        assert overview.choices() == {"roles": [], "country_codes": []}
        assert overview.mark()
