"""When a party pulls the full list from its hubs, step by step (OCPI 2.2.1 hubclientinfo, pull); for real in test_sync_live.py."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hubinfo import clock
from hubinfo.database import write
from hubinfo.models import Platform
from hubinfo.ocpi.client import Outcome
from hubinfo.platforms import connections
from tests.support.apps import MakeApp
from tests.support.hub_peer import HubPeer, connect_hub, set_status, token_of
from tests.support.hubs import connect, stored
from tests.support.live import Hub, LiveHub
from tests.support.pulling import NOTHING, Pulls

both_databases = pytest.mark.both_databases("who is due is compared in SQL")

MakeLiveHub = Callable[..., LiveHub]
MakeHubPeer = Callable[..., HubPeer]
DAY = 86400


@pytest.fixture
def pulls(make_app: MakeApp) -> Pulls:
    return Pulls(make_app(roles="CPO"))


def test_a_hub_we_have_just_registered_with_is_due_at_once_and_then_a_day_later(pulls: Pulls) -> None:
    assert pulls.after(0) == pulls.ids
    assert pulls.after(0.89 * DAY) == []
    assert pulls.after(0.22 * DAY) == pulls.ids


@pytest.mark.parametrize("form", ["base64", "raw"])
def test_the_first_page_is_asked_for_with_the_token_this_hub_gave_as_it_wants_it(pulls: Pulls, form: str) -> None:
    with pulls.app.app_context(), write() as session:
        session.get_one(Platform, pulls.ids[0]).token_form = form
    pulls.after(0)
    [request] = pulls.client.requests
    assert (request.method, request.url) == ("GET", "http://DE-H00.test/2.2.1/hubclientinfo?offset=0&limit=100")
    assert (request.token, request.token_form) == ("our-token-at-DE-H00", form)


def test_the_waits_are_splayed_by_a_tenth_both_ways(make_app: MakeApp) -> None:
    pulls = Pulls(make_app(roles="CPO", sync_seconds=1000), hubs=40)
    pulls.after(0)
    waits = [pulls.wait(platform_id) for platform_id in pulls.ids]
    assert all(900 <= wait <= 1100 for wait in waits)
    assert min(waits) < 960
    assert max(waits) > 1040


@both_databases
def test_a_broken_pull_is_retried_with_growing_waits_until_one_comes_through(pulls: Pulls) -> None:
    pulls.broken, waits = set(pulls.ids), []
    assert pulls.after(0) == pulls.ids
    for _ in range(11):
        wait = pulls.wait(pulls.ids[0])
        waits.append(wait)
        assert pulls.after(wait - 0.5) == []
        assert pulls.after(0.5) == pulls.ids
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    assert (stored(pulls.app, pulls.ids[0])["failed_syncs"], stored(pulls.app, pulls.ids[0])["sync_reason"]) == (12, "HTTP 500")
    pulls.broken = set()
    pulls.after(3600)
    row = stored(pulls.app, pulls.ids[0])
    assert (row["failed_syncs"], row["sync_reason"], row["synced_at"]) == (0, None, pulls.clock.time)
    assert pulls.wait(pulls.ids[0]) >= 0.9 * DAY


def test_a_broken_pull_is_never_retried_later_than_the_next_would_be(make_app: MakeApp) -> None:
    pulls = Pulls(make_app(roles="CPO", sync_seconds=30))
    pulls.broken, waits = set(pulls.ids), []
    for _ in range(4):
        pulls.after(1000)
        waits.append(pulls.wait(pulls.ids[0]))
    assert waits == [10, 20, 30, 30]


def test_one_broken_hub_delays_no_other(make_app: MakeApp) -> None:
    pulls = Pulls(make_app(roles="CPO"), hubs=3)
    pulls.broken = {pulls.ids[1]}
    assert sorted(pulls.after(0)) == pulls.ids
    assert [stored(pulls.app, key)["synced_at"] is not None for key in pulls.ids] == [True, False, True]
    assert pulls.after(10) == [pulls.ids[1]]


@both_databases
@pytest.mark.parametrize("status", ["OFFLINE", "SUSPENDED", "unregistered"])
def test_a_hub_that_cannot_be_reached_is_not_asked_and_one_that_returns_is_at_once(pulls: Pulls, status: str) -> None:
    pulls.after(0)
    set_status(pulls.app, pulls.ids[0], status)
    assert pulls.after(2 * DAY) == []
    if status == "SUSPENDED":
        pulls.app.test_cli_runner().invoke(args=["hubinfo", "resume", "DE", "H00"])
        set_status(pulls.app, pulls.ids[0], "CONNECTED")
    elif status == "OFFLINE":
        set_status(pulls.app, pulls.ids[0], "CONNECTED")
    else:
        return
    assert pulls.after(0) == pulls.ids


@both_databases
def test_a_hub_that_returns_is_due_at_once_though_the_last_pull_was_just_now(pulls: Pulls) -> None:
    pulls.after(0)
    for status in ("OFFLINE", "CONNECTED"):
        set_status(pulls.app, pulls.ids[0], status)
    assert pulls.after(0) == pulls.ids


def test_a_hub_that_goes_and_returns_during_a_pull_is_pulled_from_once_more(pulls: Pulls) -> None:
    """What it told while it was away did not arrive, and the pull may have been past it."""
    pulls.after(0)
    answer = pulls.client.answer

    def go_and_return(request: Any) -> Outcome:
        for status in ("OFFLINE", "CONNECTED"):
            set_status(pulls.app, pulls.ids[0], status)
        return NOTHING

    pulls.client.answer = go_and_return
    assert pulls.after(1.2 * DAY) == pulls.ids
    pulls.client.answer = answer
    assert pulls.after(0) == pulls.ids
    assert pulls.after(0) == []


@both_databases
def test_only_those_that_are_hubs_now_and_have_a_sender_are_asked(pulls: Pulls) -> None:
    connect(pulls.app, ("CPO", "BE", "BEC"))
    without_sender, no_longer_hub = connect_hub(pulls.app, "FR-HUB"), connect_hub(pulls.app, "BE-HUB")
    with pulls.app.app_context(), write() as session:
        session.get_one(Platform, without_sender).sender_url = None
        session.get_one(Platform, no_longer_hub).client_infos[0].registered = False
    assert pulls.after(0) == pulls.ids


@both_databases
def test_all_are_due_at_start_the_silent_as_soon_as_they_are_heard(make_app: MakeApp) -> None:
    pulls = Pulls(make_app(roles="CPO"), hubs=2)
    pulls.after(0)
    set_status(pulls.app, pulls.ids[1], "OFFLINE")
    with pulls.app.app_context():
        pulls.sync.all_are_due()
    assert pulls.after(0) == pulls.ids[:1]
    set_status(pulls.app, pulls.ids[1], "CONNECTED")
    assert pulls.after(0) == pulls.ids[1:]


@both_databases
def test_renewed_credentials_are_a_reason_to_pull(party: Hub, make_hub_peer: MakeHubPeer) -> None:
    with party.app.app_context(), write() as session:
        session.get_one(Platform, 1).next_sync_at = clock.parse("2100-01-01T00:00:00Z")
    said = make_hub_peer().credentials(("HUB", "DE", "HUB"))
    answer = party.call("PUT", "/ocpi/2.2.1/credentials", token_of("DE-HUB"), json=said).json
    assert answer is not None
    assert answer["status_code"] == 1000
    assert stored(party.app, 1)["next_sync_at"] <= clock.now() + timedelta(seconds=1)


def test_a_pull_that_comes_through_is_hearing_the_hub_and_a_broken_one_is_not(pulls: Pulls) -> None:
    pulls.broken = set(pulls.ids)
    pulls.after(100)
    assert stored(pulls.app, pulls.ids[0])["last_heard_at"] < pulls.clock.time
    pulls.broken = set()
    pulls.after(100)
    assert stored(pulls.app, pulls.ids[0])["last_heard_at"] == pulls.clock.time


def test_a_token_that_cannot_be_decrypted_is_a_reason_and_delays_no_other(make_app: MakeApp) -> None:
    pulls = Pulls(make_app(roles="CPO"), hubs=2)
    with make_app(secret_key="another-key-much-longer").app_context(), write() as session:
        session.get_one(Platform, pulls.ids[0]).token_out = connections().vault.encrypt("unreadable")
    assert pulls.after(0) == pulls.ids[1:]
    row = stored(pulls.app, pulls.ids[0])
    assert "SECRET_KEY" in row["sync_reason"]
    assert (row["failed_syncs"], pulls.wait(pulls.ids[0])) == (1, 10)


@both_databases
def test_looking_for_what_is_due_and_pulling_nothing_writes_nothing(pulls: Pulls) -> None:
    pulls.after(0)
    before = stored(pulls.app, pulls.ids[0])
    pulls.after(1)
    assert stored(pulls.app, pulls.ids[0]) == before
