"""`flask hubinfo availability` and `history`."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from hubinfo import clock
from hubinfo.database import write
from hubinfo.models import ClientInfo, History
from hubinfo.operator.history_commands import in_percent, in_words
from tests.support.commands import error_of, json_of, read_table, table_of, text_of
from tests.support.hubs import connect
from tests.support.live import Hub


def long_ago(hub: Hub, **hours: float) -> None:
    """As if NL-TNM had become CONNECTED so many hours ago, and OFFLINE since `offline` hours."""
    connect(hub.app, ("CPO", "NL", "TNM"))
    now = clock.now()
    connected_at, offline_at = (now - timedelta(hours=hours[name]) for name in ("connected", "offline"))
    up_ms = (offline_at - connected_at) // timedelta(milliseconds=1)
    with hub.app.app_context(), write() as session:
        session.execute(update(History).values(at=connected_at))
        row = session.query(ClientInfo).one()
        row.status, row.status_since, row.up_ms, row.changes = "OFFLINE", offline_at, up_ms, 2
        line = {"event": "probe_failed", "status": "OFFLINE", "reason": "timed out", "up_ms": up_ms, "changes": 2}
        session.add(History(client_info=row, at=offline_at, **line))


def test_of_forty_hours_thirty_connected_are_75_percent(hub: Hub) -> None:
    long_ago(hub, connected=40, offline=10)
    said = json_of(hub.app, "availability")
    [row] = said["parties"]
    assert row["availability"] == pytest.approx(0.75, abs=1e-4)
    assert (row["country_code"], row["party_id"], row["role"], row["status"]) == ("NL", "TNM", "CPO", "OFFLINE")
    assert (row["connected_seconds"], row["offline_seconds"]) == (pytest.approx(108_000, abs=1), pytest.approx(36_000, abs=60))
    assert said["hub"]["availability"] == pytest.approx(0.75, abs=1e-4)


def test_the_last_days_are_counted_alone(hub: Hub) -> None:
    long_ago(hub, connected=40, offline=6)
    [row] = json_of(hub.app, "availability", "NL", "TNM", "--days", "0.5")["parties"]
    assert row["availability"] == pytest.approx(0.5, abs=1e-3)
    assert row["changes"] == 1


def test_people_see_percent_and_words(hub: Hub) -> None:
    long_ago(hub, connected=40, offline=10)
    first, *lines, last = text_of(hub.app, "availability").splitlines()
    assert first.startswith("From 20")
    [row] = read_table(lines)
    assert (row["AVAILABILITY"], row["CONNECTED"], row["OFFLINE"]) == ("75.00 %", "1 d 6 h", "10 h 0 min")
    assert last == "All together: 75.00 %"


def test_planned_time_does_not_count(hub: Hub) -> None:
    hub.invite("BE", "BEC", "EMSP")
    said = json_of(hub.app, "availability")
    assert (said["parties"][0]["availability"], said["hub"]["availability"]) == (None, None)
    assert "All together: nobody was CONNECTED or OFFLINE" in text_of(hub.app, "availability")


def test_without_parties_the_next_step_is_told(hub: Hub) -> None:
    assert "invite CC PID" in text_of(hub.app, "availability")
    assert json_of(hub.app, "availability")["parties"] == []


@pytest.mark.parametrize("days", ["0", "-1", "36501", "many", "nan", "inf"])
def test_days_that_are_none_are_wrong_usage(hub: Hub, days: str) -> None:
    assert "--days" in error_of(hub.app, "availability", "--days", days, exit_code=2)


def test_half_a_party_is_wrong_usage(hub: Hub) -> None:
    assert "CC and PID belong together" in error_of(hub.app, "availability", "NL", exit_code=2)


@pytest.mark.parametrize("command", ["availability", "history"])
def test_an_unknown_party_is_an_error(hub: Hub, command: str) -> None:
    assert error_of(hub.app, command, "NL", "TNM") == "no such party: NL-TNM; flask hubinfo parties lists them"


def test_history_tells_every_change_newest_first(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "TNM"), ("EMSP", "NL", "TNM"))
    hub.run("suspend", "NL", "TNM", "--role", "EMSP")
    events = json_of(hub.app, "history", "NL", "TNM")
    assert (events[0]["role"], events[0]["status"]) == ("EMSP", "SUSPENDED")
    assert len(events) == 3
    assert table_of(hub.app, "history", "nl", "tnm")[0]["EVENT"] == "suspended"
    assert len(json_of(hub.app, "history", "NL", "TNM", "--limit", "1")) == 1


@pytest.mark.parametrize(
    ("share", "shown"), [(1, "100.00 %"), (0, "0.00 %"), (0.999999, "99.99 %"), (1e-7, "0.01 %"), (0.5, "50.00 %")]
)
def test_what_was_not_all_the_time_is_not_shown_as_100_percent(share: float, shown: str) -> None:
    assert in_percent(share) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (0.4, "0 s"), (59.6, "1 min 0 s"), (3_661, "1 h 1 min"), (90_000, "1 d 1 h"), (86_400, "1 d 0 h")],
)
def test_a_length_of_time_in_its_two_largest_units(seconds: float, shown: str) -> None:
    assert in_words(seconds) == shown
