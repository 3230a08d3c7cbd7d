"""`known` and `reachable`: what hubs told a party, and whom it can send to through which of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubinfo.database import db, write
from hubinfo.models import Known, Platform
from hubinfo.receiver import known
from tests.support.apps import MakeApp
from tests.support.commands import error_of, invoke, json_of, table_of, text_of
from tests.support.hub_peer import TOLD_AT, client_info, connect_hub, set_status
from tests.support.live import Hub
from tests.support.receivers import HUB, NEWER, OLDER, put
from tests.support.statements import counted

both_databases = pytest.mark.both_databases("which of several rows wins is decided in SQL")

KNOWN = ["hub", "country_code", "party_id", "role", "status", "last_updated", "received_at", "valid", "stale"]
REACHABLE = ["reachable", "status", "hub", "since", "stale"]
SECOND = "FR-HUB"
SINCE = "2026-01-01T00:00:00.000Z"


def told(party: Hub, status: str = "CONNECTED", hub: str = HUB, **others: Any) -> None:
    """A hub has told of NL-TNM."""
    put(party, client_info(status=status, **others), hub=hub)


def no_longer_listed(app: Flask, hub: str = HUB) -> None:
    with app.app_context(), write() as session:
        for row in session.query(Known).join(Known.platform).where(Platform.name == hub):
            row.valid = False


def reachable(party: Hub, *options: str, exit_code: int = 0) -> tuple[Any, ...]:
    """(reachable, status, hub, since, stale) of NL-TNM."""
    found = json_of(party.app, "reachable", "NL", "TNM", *options, exit_code=exit_code)
    assert list(found) == REACHABLE
    return tuple(found.values())


@both_databases
def test_known_lists_what_each_hub_told_in_the_order_of_telling(party: Hub) -> None:
    connect_hub(party.app, SECOND)
    told(party, "OFFLINE", SECOND)
    put(party, client_info("be-bec", "EMSP"), "BE/BEC")
    told(party)
    rows = json_of(party.app, "known")
    assert [list(row) for row in rows] == [KNOWN] * 3
    assert [(row["hub"], row["country_code"], row["party_id"], row["role"], row["status"]) for row in rows] == [
        (HUB, "BE", "BEC", "EMSP", "CONNECTED"),
        (HUB, "NL", "TNM", "CPO", "CONNECTED"),
        (SECOND, "NL", "TNM", "CPO", "OFFLINE"),
    ]
    assert {(row["last_updated"], row["valid"], row["stale"]) for row in rows} == {(SINCE, True, False)}


@both_databases
def test_known_of_one_party_is_found_without_case_in_all_its_roles(party: Hub) -> None:
    for role in ("CPO", "EMSP"):
        told(party, role=role)
    put(party, client_info("BE-BEC"), "BE/BEC")
    assert [row["role"] for row in json_of(party.app, "known", "nl", "tnm")] == ["CPO", "EMSP"]


def test_known_as_a_table(party: Hub) -> None:
    told(party, "OFFLINE")
    no_longer_listed(party.app)
    set_status(party.app, 1, "OFFLINE")
    [row] = table_of(party.app, "known")
    assert row.pop("RECEIVED AT").endswith("Z")
    assert row == {
        "HUB": HUB,
        "COUNTRY CODE": "NL",
        "PARTY ID": "TNM",
        "ROLE": "CPO",
        "STATUS": "OFFLINE",
        "LAST UPDATED": SINCE,
        "VALID": "no",
        "STALE": "yes",
    }


def test_known_says_what_to_do_when_there_is_nothing(party: Hub) -> None:
    assert text_of(party.app, "known").endswith("flask hubinfo register VERSIONS_URL TOKEN_A\n")
    assert text_of(party.app, "known", "NL", "TNM") == "No hub has told of NL-TNM.\n"
    assert json_of(party.app, "known") == json_of(party.app, "known", "NL", "TNM") == []


@pytest.mark.parametrize("arguments", [("NL",), ("N1", "TNM"), ("NL", "T-"), ("NL", "TNM", "x")])
def test_known_of_what_is_no_party_is_wrong_usage(party: Hub, arguments: tuple[str, ...]) -> None:
    assert "known --help" in error_of(party.app, "known", *arguments, exit_code=2)


@pytest.mark.parametrize("arguments", [(), ("NL",), ("NL", "TNMX"), ("NL", "TNM", "--role", "cpo"), ("NL", "TNM", "--role", "X")])
def test_reachable_of_what_is_no_party_or_role_is_wrong_usage(party: Hub, arguments: tuple[str, ...]) -> None:
    assert "reachable --help" in error_of(party.app, "reachable", *arguments, exit_code=2)


def test_a_connected_party_is_reachable_through_the_hub_that_says_so(party: Hub) -> None:
    told(party)
    assert reachable(party) == (True, "CONNECTED", HUB, SINCE, False)
    assert text_of(party.app, "reachable", "nl", "tnm") == "NL-TNM can be reached through DE-HUB\n"
    assert text_of(party.app, "reachable", "NL", "TNM", "--role", "CPO") == "NL-TNM as CPO can be reached through DE-HUB\n"


@pytest.mark.parametrize("status", ["OFFLINE", "PLANNED", "SUSPENDED"])
def test_a_party_of_any_other_status_is_not_reachable_and_that_is_exit_1(party: Hub, status: str) -> None:
    told(party, status)
    assert reachable(party, exit_code=1) == (False, status, HUB, SINCE, False)
    result = invoke(party.app, "reachable", "NL", "TNM")
    assert (result.exit_code, result.stdout) == (1, f"NL-TNM cannot be reached: {status}, says DE-HUB\n")


def test_a_party_that_no_hub_lists_is_not_reachable(party: Hub) -> None:
    assert reachable(party, exit_code=1) == (False, None, None, None, False)
    told(party)
    no_longer_listed(party.app)
    assert reachable(party, exit_code=1) == (False, None, None, None, False)
    result = invoke(party.app, "reachable", "NL", "TNM")
    assert (result.exit_code, result.stdout) == (1, "NL-TNM cannot be reached: no hub lists it\n")


@both_databases
@pytest.mark.parametrize("status", ["OFFLINE", "SUSPENDED", "unregistered"])
def test_what_a_hub_told_is_stale_while_it_cannot_tell_of_changes(party: Hub, status: str) -> None:
    told(party)
    set_status(party.app, 1, status)
    assert [row["stale"] for row in json_of(party.app, "known")] == [True]
    assert reachable(party, exit_code=1) == (False, "CONNECTED", HUB, SINCE, True)
    result = invoke(party.app, "reachable", "NL", "TNM")
    assert "DE-HUB, which said CONNECTED, is silent itself" in result.stdout


def test_a_hub_that_is_heard_again_is_believed_again(party: Hub) -> None:
    told(party)
    set_status(party.app, 1, "OFFLINE")
    set_status(party.app, 1, "CONNECTED")
    assert reachable(party) == (True, "CONNECTED", HUB, SINCE, False)


@both_databases
@pytest.mark.parametrize("times", [(OLDER, NEWER), (NEWER, OLDER)], ids=["first is older", "first is newer"])
@pytest.mark.parametrize("open_way", [HUB, SECOND])
def test_connected_through_one_hub_and_offline_through_another_is_reachable(
    party: Hub, open_way: str, times: tuple[str, str]
) -> None:
    connect_hub(party.app, SECOND)
    for hub, time in zip((HUB, SECOND), times, strict=True):
        told(party, "CONNECTED" if hub == open_way else "OFFLINE", hub, last_updated=time)
    found = reachable(party)
    assert (found[:3], found[4]) == ((True, "CONNECTED", open_way), False)


def test_a_hub_that_is_silent_is_believed_less_than_one_that_is_heard(party: Hub) -> None:
    second = connect_hub(party.app, SECOND)
    told(party, last_updated=NEWER)
    told(party, "OFFLINE", SECOND, last_updated=OLDER)
    set_status(party.app, 1, "OFFLINE")
    assert reachable(party, exit_code=1) == (False, "OFFLINE", SECOND, OLDER, False)
    set_status(party.app, second, "OFFLINE")
    assert reachable(party, exit_code=1) == (False, "CONNECTED", HUB, NEWER, True)


def test_a_role_is_asked_for_alone_and_without_one_any_will_do(party: Hub) -> None:
    told(party, "OFFLINE", role="CPO", last_updated=NEWER)
    told(party, "CONNECTED", role="EMSP")
    assert reachable(party)[:3] == (True, "CONNECTED", HUB)
    assert reachable(party, "--role", "EMSP")[:3] == (True, "CONNECTED", HUB)
    assert reachable(party, "--role", "CPO", exit_code=1)[:3] == (False, "OFFLINE", HUB)
    assert reachable(party, "--role", "NSP", exit_code=1)[:3] == (False, None, None)


STATUSES = ("CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED")
ways = st.tuples(st.sampled_from(STATUSES), st.booleans(), st.booleans(), st.integers(0, 3))
"""What one hub says: status, whether it is valid, whether the hub is heard, how new it is."""


@pytest.fixture
def say(make_app: MakeApp) -> Callable[[list[Any]], known.Reachability]:
    """What `reachable` makes of what hubs say of one party."""
    app = make_app(roles="CPO")
    ids = [connect_hub(app, f"DE-H{number:02}") for number in range(5)]

    def reachability(said: list[Any]) -> known.Reachability:
        with app.app_context():
            with write() as session:
                session.query(Known).delete()
                for platform_id, (status, valid, heard, newness) in zip(ids, said, strict=False):
                    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=newness)
                    names = {"country_code": "NL", "party_id": "TNM", "party": "NL-TNM", "role": "CPO", "status": status}
                    session.add(Known(platform_id=platform_id, last_updated=at, received_at=at, valid=valid, **names))
                    session.get_one(Platform, platform_id).status = "CONNECTED" if heard else "OFFLINE"
            found = known.reachable("NL-TNM")
            db.session.remove()
            return found

    return reachability


@both_databases
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(ways, max_size=5))
def test_of_what_several_hubs_say_an_open_way_wins_then_what_is_sure_then_the_latest(
    say: Callable[[list[Any]], known.Reachability], said: list[tuple[str, bool, bool, int]]
) -> None:
    found, valid = say(said), [way for way in said if way[1]]
    assert found.reachable == any(status == "CONNECTED" and heard for status, _, heard, _ in valid)
    if not valid:
        assert found == known.Reachability(False, None, None, None, False)
        return
    assert found.hub is not None
    status, is_valid, heard, newness = said[int(found.hub[-2:])]
    assert (is_valid, found.status, found.stale) == (True, status, not heard)
    assert found.since is not None
    assert found.since.second == newness
    if any(way[2] for way in valid):
        assert not found.stale
    alike = [way for way in valid if (way[0], way[2]) == (status, heard)]
    assert newness == max(way[3] for way in alike)


@both_databases
@pytest.mark.parametrize("count", [1, 30])
def test_what_is_known_and_reachable_takes_one_query_however_much_it_is(party: Hub, count: int) -> None:
    for number in range(count):
        connect_hub(party.app, f"FR-{number:03}")
        told(party, hub=f"FR-{number:03}")
    for look in (known.known, lambda: known.reachable("NL-TNM")):
        with party.app.app_context(), counted(party.app) as statements:
            look()
        assert len(statements) == 1


def test_the_times_shown_are_those_told_and_of_arrival(party: Hub) -> None:
    told(party)
    [row] = json_of(party.app, "known")
    assert row["last_updated"] == TOLD_AT.replace("Z", ".000Z")
    assert row["received_at"] > row["last_updated"]
