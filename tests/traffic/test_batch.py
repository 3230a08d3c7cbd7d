"""POST /api/heard: what a message router tells of messages it has passed on."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.models import Platform
from hubinfo.operator.api.reading import LONGEST_LIST
from tests.support.api import Api
from tests.support.heard import change, heard_long_ago
from tests.support.hubs import stored
from tests.support.live import Hub
from tests.support.statements import counted

both_databases = pytest.mark.both_databases("many parties are looked up and written by a few statements")

CPO, EMSP = ("CPO", "NL", "TNM"), ("EMSP", "BE", "BEC")
NOTHING = {"counted": 0, "late": 0, "future": [], "unknown": [], "suspended": []}


def message(at: datetime | str, party: str = "NL-TNM") -> dict[str, Any]:
    country_code, _, party_id = party.partition("-")
    return {"country_code": country_code, "party_id": party_id, "at": at if isinstance(at, str) else clock.render(at)}


def set_offline(app: Flask, platform_id: int) -> None:
    with app.app_context(), write():
        presence.probes_failed({platform_id: "gone"})


@both_databases
def test_a_message_is_counted_as_heard(api: Api) -> None:
    platform_id, at = heard_long_ago(api.app, CPO), clock.now() - timedelta(seconds=3)
    change(api.app, platform_id, failed_probes=1, next_probe_at=clock.now(), probe_reason="gone")
    assert api.post("/api/heard", [message(at, "nl-tnm")]) == {**NOTHING, "counted": 1}
    row = stored(api.app, platform_id)
    assert (row["last_heard_at"], row["failed_probes"], row["next_probe_at"], row["token_used_at"]) == (at, 0, None, None)


@both_databases
def test_of_several_messages_the_last_counts_in_whatever_order(api: Api) -> None:
    platform_id, now = heard_long_ago(api.app, CPO), clock.now()
    times = [now - timedelta(seconds=seconds) for seconds in (9, 2, 5)]
    assert api.post("/api/heard", [message(at) for at in times]) == {**NOTHING, "counted": 3}
    assert stored(api.app, platform_id)["last_heard_at"] == times[1]


@both_databases
def test_a_late_message_moves_nothing_back(api: Api) -> None:
    platform_id, at = heard_long_ago(api.app, CPO), clock.now() - timedelta(minutes=1)
    assert api.post("/api/heard", [message(at)])["counted"] == 1
    for late in (at, at - timedelta(seconds=1), datetime(1, 1, 1, tzinfo=at.tzinfo)):
        assert api.post("/api/heard", [message(late)]) == {**NOTHING, "late": 1}
    assert stored(api.app, platform_id)["last_heard_at"] == at


@both_databases
def test_a_party_that_is_offline_is_connected_at_once(api: Api) -> None:
    set_offline(api.app, heard_long_ago(api.app, CPO, EMSP))
    assert api.post("/api/heard", [message(clock.now() + timedelta(seconds=1))])["counted"] == 1
    assert Hub(api.app).statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("BE-BEC", "EMSP"): "CONNECTED"}


@both_databases
def test_a_message_older_than_going_offline_does_not_revive(api: Api) -> None:
    platform_id = heard_long_ago(api.app, CPO)
    set_offline(api.app, platform_id)
    before = clock.now() - timedelta(minutes=1)
    assert api.post("/api/heard", [message(before)]) == {**NOTHING, "late": 1}
    assert Hub(api.app).statuses() == {("NL-TNM", "CPO"): "OFFLINE"}
    assert stored(api.app, platform_id)["last_heard_at"] < before


@both_databases
def test_a_message_older_than_a_failed_check_does_not_excuse_it(api: Api) -> None:
    platform_id, since = heard_long_ago(api.app, CPO), clock.now() - timedelta(seconds=30)
    change(api.app, platform_id, failed_probes=1, failing_since=since)
    assert api.post("/api/heard", [message(since - timedelta(seconds=1))])["late"] == 1
    assert stored(api.app, platform_id)["failed_probes"] == 1
    assert api.post("/api/heard", [message(since + timedelta(seconds=1))])["counted"] == 1
    assert stored(api.app, platform_id)["failed_probes"] == 0


def test_a_time_a_little_ahead_is_now(api: Api) -> None:
    platform_id, began = heard_long_ago(api.app, CPO), clock.now()
    assert api.post("/api/heard", [message(began + timedelta(minutes=4))])["counted"] == 1
    assert began <= stored(api.app, platform_id)["last_heard_at"] <= clock.now()


def test_a_time_far_ahead_changes_nothing_and_the_others_are_counted(api: Api) -> None:
    ahead_id, other_id = heard_long_ago(api.app, CPO), heard_long_ago(api.app, EMSP)
    before, now, ahead = stored(api.app, ahead_id), clock.now(), clock.now() + timedelta(minutes=6)
    batch = [message(ahead, "nl-tnm"), message(now, "BE-BEC"), message(ahead)]
    assert api.post("/api/heard", batch) == {**NOTHING, "counted": 1, "future": ["NL-TNM"]}
    assert stored(api.app, ahead_id) == before
    assert stored(api.app, other_id)["last_heard_at"] == now
    assert api.post("/api/heard", [message(ahead)]) == {**NOTHING, "future": ["NL-TNM"]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "the body={…}: must be a list"),
        ([1], "[0]=1: must be an object"),
        ([message("2026-01-01T00:00:00Z"), {}], "[1].at is missing"),
        ([message("yesterday")], '[0].at="yesterday": must be a UTC date and time'),
        (
            [{**message("2026-01-01T00:00:00Z"), "party_id": "TOOLONG"}],
            '[0].party_id="TOOLONG": must be one to three letters or digits',
        ),
        ([{**message("2026-01-01T00:00:00Z"), "role": "CPO"}], '[0].role="CPO": is unknown'),
        ([message("2026-01-01T00:00:00Z")] * (LONGEST_LIST + 1), "the body: must have at most 10000 objects, not 10001"),
    ],
)
def test_what_is_wrong_is_named_with_its_item_and_value(api: Api, body: Any, said: str) -> None:
    assert said in api.error("POST", "/api/heard", 400, json=body)


@both_databases
def test_the_unknown_and_the_suspended_are_told_and_the_others_counted(api: Api) -> None:
    hub, now = Hub(api.app), clock.now()
    heard_long_ago(api.app, CPO)
    hub.invite("DE", "NEW", "EMSP")
    suspended = heard_long_ago(api.app, EMSP)
    hub.run("suspend", "BE", "BEC")
    before = stored(api.app, suspended)
    batch = [message(now, party) for party in ("DE-NEW", "FR-NOB", "BE-BEC", "NL-TNM", "fr-nob")]
    assert api.post("/api/heard", batch) == {**NOTHING, "counted": 1, "unknown": ["DE-NEW", "FR-NOB"], "suspended": ["BE-BEC"]}
    assert stored(api.app, suspended) == before
    assert hub.statuses()["DE-NEW", "EMSP"] == "PLANNED"


@both_databases
def test_of_a_larger_platform_only_the_suspended_party_is_not_counted(api: Api) -> None:
    heard_long_ago(api.app, CPO, EMSP)
    Hub(api.app).run("suspend", "NL", "TNM")
    batch = [message(clock.now(), party) for party in ("NL-TNM", "BE-BEC")]
    assert api.post("/api/heard", batch) == {**NOTHING, "counted": 1, "suspended": ["NL-TNM"]}


@both_databases
def test_a_message_does_not_revive_what_was_resumed_after_it(api: Api) -> None:
    heard_long_ago(api.app, CPO, EMSP)
    before, hub = clock.now() - timedelta(seconds=1), Hub(api.app)
    hub.run("suspend", "NL", "TNM")
    hub.run("resume", "NL", "TNM")
    assert api.post("/api/heard", [message(before, "BE-BEC")])["late"] == 1
    assert hub.statuses()["NL-TNM", "CPO"] == "OFFLINE"


def test_an_empty_batch_is_nothing(api: Api) -> None:
    assert api.post("/api/heard", []) == NOTHING


def test_strangers_are_refused_also_with_an_ocpi_token(api: Api) -> None:
    for authorization in (None, "Token the-token-of-a-platform", "Bearer wrong"):
        response = api.send("POST", "/api/heard", headers={"Authorization": authorization}, json=[])
        assert response.status_code == 401


@both_databases
def test_ten_thousand_messages_are_one_transaction_of_a_constant_number_of_statements(api: Api) -> None:
    for number in range(20):
        heard_long_ago(api.app, ("CPO", "NL", f"A{number:02}"))
    api.get("/api/tokens")  # notes that the token was used

    def statements_for(first: int, last: int, count: int) -> int:
        batch = [message(clock.now(), f"NL-A{first + number % (last - first):02}") for number in range(count)]
        with counted(api.app) as statements:
            assert api.post("/api/heard", batch)["counted"] == count
        return len(statements)

    few, many = statements_for(0, 2, 2), statements_for(2, 20, LONGEST_LIST)
    assert many == few


@both_databases
def test_ten_thousand_parties_are_looked_up_at_once(api: Api) -> None:
    """More names than a statement of an old SQLite takes."""
    names = [f"{first}{second}-{number:03}" for first in "ABCD" for second in "ABC" for number in range(1000)][:LONGEST_LIST]
    said = api.post("/api/heard", [message("2026-01-01T00:00:00Z", name) for name in names])
    assert said == {**NOTHING, "unknown": names}


@both_databases
def test_what_is_noted_for_later_moves_no_time_back(app: Flask) -> None:
    """A process may write down what it heard after another has written something later."""
    platform_id, now = heard_long_ago(app, CPO), clock.now()
    with app.app_context():
        for at in (now, now - timedelta(seconds=1)):
            with write():
                presence.heard({platform_id: at}, presented=True)
        platform = db.session.get_one(Platform, platform_id)
        assert (platform.last_heard_at, platform.token_used_at) == (now, now)
