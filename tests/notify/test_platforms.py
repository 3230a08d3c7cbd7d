"""Platforms that cannot be told, hubs that are silent or cannot be pulled from, and the fault that is our own."""

import pytest

from tests.support.apps import MakeApp
from tests.support.hub_peer import client_info, connect_hub
from tests.support.live import Hub
from tests.support.metrics import scrape
from tests.support.notices import Desk
from tests.support.receivers import put

both_databases = pytest.mark.both_databases("outages are found and compared in SQL")

UNTOLD, TOLD = "platform.untold", "platform.told"
FAULT, FAULT_ENDED = "own_fault.begun", "own_fault.ended"


@pytest.fixture
def desk(make_app: MakeApp) -> Desk:
    """Of a hub with three parties who know all."""
    made = Desk(make_app())
    made.connect("NL-TNM", "BE-BEC", "DE-ABC")
    made.all_know_all()
    assert made.after(30) == []
    return made


def fails_to_be_told(desk: Desk, party: str) -> str:
    """The short name of its platform."""
    desk.connect("FR-NEW")
    name = desk.platform_of(party)
    newest = desk.newest_revision()
    for other in ("NL-TNM", "BE-BEC", "DE-ABC", "FR-NEW"):
        desk.change_platform(other, told_revision=newest)
    desk.change_platform(party, told_revision=newest - 1, failed_pushes=3, push_reason="HTTP 500")
    return name


@both_databases
def test_a_platform_that_cannot_be_told_for_long_is_told_of_and_so_is_its_end(desk: Desk) -> None:
    name = fails_to_be_told(desk, "NL-TNM")
    assert desk.after(870) == []
    message = desk.message_after(90)
    assert desk.subject(message) == f"[XX-HUB] {name} cannot be told of changes"
    assert "1 change behind, HTTP 500" in desk.text(message)
    assert desk.after(7200, step=60) == []
    desk.change_platform("NL-TNM", failed_pushes=0, push_reason=None)
    assert desk.after(90) == []  # it takes what it is told again, and is still behind
    desk.all_know_all()
    assert desk.after(60) == [(TOLD, [name])]


def test_who_takes_it_before_that_is_not_told_of(desk: Desk) -> None:
    fails_to_be_told(desk, "NL-TNM")
    assert desk.after(800) == []
    desk.all_know_all()
    assert desk.after(7200, step=60) == []


def test_who_cannot_be_told_since_it_is_offline_is_told_of_as_offline(desk: Desk) -> None:
    fails_to_be_told(desk, "NL-TNM")
    desk.after(300)
    desk.become("OFFLINE", "NL-TNM")
    assert desk.after(3600, step=60) == [("party.offline", ["NL-TNM"])]
    desk.become("CONNECTED", "NL-TNM")
    desk.all_know_all()
    assert desk.after(600) == [("party.back", ["NL-TNM"])]


def test_that_it_is_all_told_waits_while_the_platform_is_offline(desk: Desk) -> None:
    name = fails_to_be_told(desk, "NL-TNM")
    assert desk.after(960) == [(UNTOLD, [name])]
    desk.become("OFFLINE", "NL-TNM")
    assert desk.after(660) == [("party.offline", ["NL-TNM"])]
    desk.become("CONNECTED", "NL-TNM")
    desk.all_know_all()
    assert desk.after(60) == [("party.back", ["NL-TNM"]), (TOLD, [name])]


@both_databases
def test_our_own_fault_is_one_message_and_nothing_is_told_of_single_parties(desk: Desk) -> None:
    desk.become("OFFLINE", "NL-TNM")
    desk.connect("FR-XYZ")
    desk.after(300)
    desk.all_fail()
    message = desk.message_after(60)
    assert desk.subject(message) == "[XX-HUB] all watched platforms fail at once, so the fault is probably here"
    assert "3 platforms, since 2030-01-01 00:05:30 UTC." in desk.text(message)
    desk.become("SUSPENDED", "BE-BEC")
    assert desk.after(3600, step=60) == []
    desk.answers("DE-ABC")
    told = desk.after(60)
    assert told == [("party.offline", ["NL-TNM"]), ("party.suspended", ["BE-BEC"]), (FAULT_ENDED, [])]
    assert desk.after(7200, step=60) == []


def test_a_fault_of_seconds_is_not_told(desk: Desk) -> None:
    desk.all_fail()
    assert desk.after(20, step=5) == []
    desk.answers("DE-ABC")
    desk.change_platform("NL-TNM", failed_probes=0)
    desk.change_platform("BE-BEC", failed_probes=0)
    assert desk.after(7200, step=60) == []


def test_traffic_ends_our_own_fault_also_when_nobody_is_asked_any_more(desk: Desk) -> None:
    desk.all_fail()
    assert desk.after(60) == [(FAULT, [])]
    desk.hears("NL-TNM")
    assert desk.after(60) == [(FAULT_ENDED, [])]
    desk.become("SUSPENDED", "BE-BEC")
    assert desk.after(60) == [("party.suspended", ["BE-BEC"])]


@both_databases
def test_what_is_told_of_our_own_fault_is_what_the_metrics_say(desk: Desk) -> None:
    desk.all_fail(failures=1)
    assert (scrape(desk.app)["hubinfo_own_fault"], desk.after(60)) == (0, [])
    desk.all_fail()
    assert (scrape(desk.app)["hubinfo_own_fault"], desk.after(60)) == (1, [(FAULT, [])])
    desk.hears("DE-ABC")
    assert (scrape(desk.app)["hubinfo_own_fault"], desk.after(60)) == (0, [(FAULT_ENDED, [])])


def test_who_is_judged_ends_what_only_looked_like_our_own_fault(desk: Desk) -> None:
    desk.all_fail()
    desk.passes(10)
    desk.clock.pass_seconds(5)
    desk.become("OFFLINE", "NL-TNM")
    assert desk.after(600) == []
    assert desk.after(60) == [("party.offline", ["NL-TNM"])]


def test_two_platforms_are_too_few_to_blame_ourselves(make_app: MakeApp) -> None:
    desk = Desk(make_app())
    desk.connect("NL-TNM", "BE-BEC")
    desk.all_know_all()
    desk.after(30)
    desk.all_fail()
    assert desk.after(600) == []


def test_pushes_that_failed_by_our_own_fault_have_their_time_afterwards(desk: Desk) -> None:
    fails_to_be_told(desk, "NL-TNM")
    desk.all_fail()
    assert desk.after(1800) == [(FAULT, [])]
    desk.answers("DE-ABC")
    assert desk.after(600) == [(FAULT_ENDED, [])]
    desk.all_know_all()
    assert desk.after(3600, step=60) == []


@pytest.fixture
def party(make_app: MakeApp) -> Desk:
    """Of a CPO that is connected with DE-HUB."""
    app = make_app(roles="CPO", country_code="NL", party_id="OUR")
    connect_hub(app, "DE-HUB")
    made = Desk(app)
    made.become("CONNECTED", "DE-HUB")
    assert made.after(30) == []
    return made


@both_databases
def test_a_hub_that_is_silent_is_told_of_by_a_party(party: Desk) -> None:
    party.become("OFFLINE", "DE-HUB")
    assert party.after(600) == []
    message = party.message_after(60)
    assert party.subject(message) == "[NL-OUR] DE-HUB is silent, a hub"
    assert "connection refused" in party.text(message)
    party.become("CONNECTED", "DE-HUB")
    assert party.after(60) == [("hub.back", ["DE-HUB"])]


@both_databases
def test_a_hub_that_cannot_be_pulled_from_for_long_is_told_of(party: Desk) -> None:
    name = party.platform_of("DE-HUB")
    party.change_platform("DE-HUB", failed_syncs=2, sync_reason="HTTP 502")
    assert party.after(870) == []
    message = party.message_after(90)
    assert party.subject(message) == f"[NL-OUR] {name} cannot be pulled from, a hub"
    assert "HTTP 502" in party.text(message)
    party.change_platform("DE-HUB", failed_syncs=0, sync_reason=None)
    assert party.after(60) == [("hub.pulled", [name])]


def test_whom_a_hub_says_to_be_planned_or_suspended_is_to_be_got_in_touch_with(make_app: MakeApp) -> None:
    app = make_app(roles="CPO", country_code="NL", party_id="OUR")
    connect_hub(app, "DE-HUB")
    hub = Hub(app)
    put(hub, client_info("FR-OLD", status="PLANNED"), "FR/OLD")
    desk = Desk(app)
    desk.become("CONNECTED", "DE-HUB")
    assert desk.after(60) == []
    put(hub, client_info("FR-NEW", status="PLANNED"), "FR/NEW")
    put(hub, client_info("FR-OLD", status="SUSPENDED"), "FR/OLD")
    message = desk.message_after(60)
    assert desk.subject(message) == "[NL-OUR] FR-OLD is SUSPENDED; FR-NEW is PLANNED: get in touch with them"
    assert "http://127.0.0.1:5000/known?text=FR-NEW" in desk.text(message)
    assert desk.text(message).count(", says DE-HUB") == 2
    assert desk.after(7200, step=60) == []
