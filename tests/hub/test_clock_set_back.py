"""A clock that ran ahead and was set right: no probe, push or pull waits for the time it had written."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.hub import cursors
from hubinfo.models import Platform
from hubinfo.notify import outbox
from hubinfo.platforms import connections
from hubinfo.receiver.sync import Sync
from tests.support.apps import MakeApp
from tests.support.hub_peer import connect_hub
from tests.support.hubs import AnsweringClient, SetClock, connect, stored
from tests.support.outbox import put
from tests.support.past import set_clock
from tests.support.rounds import GONE, Watch, push

pytestmark = pytest.mark.both_databases("times are compared in SQL")
AHEAD_SECONDS = pytest.mark.parametrize("ahead_seconds", [3700, 7200, 30 * 86400])
LONGEST_WAIT_SECONDS = 3600


def change(app: Flask, platform_id: int, **values: Any) -> None:
    with app.app_context(), write() as session:
        for name, value in values.items():
            setattr(session.get_one(Platform, platform_id), name, value)


@AHEAD_SECONDS
def test_who_was_heard_in_the_future_was_heard_now(app: Flask, ahead_seconds: int) -> None:
    watch = Watch(app, 1)
    change(app, watch.ids[0], last_heard_at=watch.clock.time + timedelta(seconds=ahead_seconds))
    with app.app_context():
        assert watch.keepalive.due()
    assert watch.pass_seconds(0) == []
    assert stored(app, watch.ids[0])["last_heard_at"] == watch.clock.time
    assert watch.pass_seconds(299) == []
    assert watch.pass_seconds(2) == watch.ids


@AHEAD_SECONDS
def test_a_probe_planned_in_the_future_is_due(app: Flask, ahead_seconds: int) -> None:
    watch = Watch(app, 1)
    change(app, watch.ids[0], next_probe_at=watch.clock.time + timedelta(seconds=ahead_seconds), failed_probes=1)
    assert watch.pass_seconds(0) == watch.ids


def test_a_probe_planned_for_later_waits(app: Flask) -> None:
    watch = Watch(app, 1)
    change(app, watch.ids[0], next_probe_at=watch.clock.time + timedelta(seconds=300), failed_probes=1)
    assert watch.pass_seconds(0) == []


def test_who_failed_in_the_future_goes_offline_when_another_answers(app: Flask) -> None:
    watch = Watch(app, 3)
    watch.dead.add(watch.ids[0])
    ahead = watch.clock.time + timedelta(hours=2)
    change(app, watch.ids[0], failing_since=ahead, failed_probes=1, next_probe_at=ahead)
    watch.pass_seconds(0)
    assert watch.statuses() == ["OFFLINE", "CONNECTED", "CONNECTED"]


def test_an_answer_of_the_future_is_no_witness(app: Flask) -> None:
    watch = Watch(app, 3)
    watch.pass_seconds(7200)
    watch.dead.update(watch.ids)
    watch.clock.pass_seconds(-7200)
    for _ in range(4):
        watch.pass_seconds(301)
    assert watch.statuses() == ["CONNECTED"] * 3, "all fail, so the fault is ours"


@AHEAD_SECONDS
def test_a_push_planned_in_the_future_is_due(app: Flask, ahead_seconds: int) -> None:
    clock, told = SetClock(), list[str]()
    receiver = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "BE", "BBB"), receiver=False)
    change(app, receiver, next_push_at=clock.time + timedelta(seconds=ahead_seconds), failed_pushes=1)
    with app.app_context():
        assert cursors.due(db.session(), clock())
    push(app, lambda put: told.append(put.url) or GONE, now=clock)  # type: ignore[func-returns-value]
    assert len(told) == 1


def test_a_push_that_waits_as_long_as_one_can_is_not_due(app: Flask) -> None:
    clock = SetClock()
    receiver = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "BE", "BBB"), receiver=False)
    change(app, receiver, next_push_at=clock.time + timedelta(seconds=LONGEST_WAIT_SECONDS), failed_pushes=1)
    with app.app_context():
        assert not cursors.due(db.session(), clock())


@pytest.mark.parametrize(("ahead_seconds", "due"), [(86400, False), (2 * 86400, True), (365 * 86400, True)])
def test_a_pull_planned_in_the_future_is_due(make_app: MakeApp, ahead_seconds: int, due: bool) -> None:
    clock, app = SetClock(), make_app(roles="CPO")
    change(app, connect_hub(app), next_sync_at=clock.time + timedelta(seconds=ahead_seconds))
    with app.app_context():
        client: Any = AnsweringClient(lambda _request: GONE)
        assert Sync(app, client, connections().vault, current_settings(), now=clock).due() is due


@AHEAD_SECONDS
def test_a_notification_planned_in_the_future_is_due(app: Flask, clock: SetClock, ahead_seconds: int) -> None:
    put(app, clock, "mail")
    with app.app_context():
        assert outbox.take("mail", clock()) is not None
    clock.pass_seconds(-ahead_seconds)
    with app.app_context():
        assert outbox.take("mail", clock()) is not None


def test_who_is_heard_again_is_heard_now(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    now = set_clock(monkeypatch)
    watch = Watch(app, 1)
    watch.clock.time = now.time
    change(app, watch.ids[0], last_heard_at=now.time + timedelta(hours=2))
    watch.hear(watch.ids[0])
    assert stored(app, watch.ids[0])["last_heard_at"] == now.time
