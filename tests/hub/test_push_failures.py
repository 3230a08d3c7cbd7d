"""Pushes that fail, are refused or are overtaken: what is told later, and what no more."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo.database import db, write
from hubinfo.hub import feed, presence
from hubinfo.models import Refusal
from hubinfo.ocpi.client import Outcome, PeerError
from tests.support.apps import MakeApp
from tests.support.hubs import OK, SetClock, connect, stored
from tests.support.rounds import HANGS, REFUSES, push_with, resume, suspend

pytestmark = pytest.mark.both_databases("cursors are moved by one statement for all")


def test_a_refusal_for_good_is_noted_and_passed_over(app: Flask) -> None:
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    connect(app, ("EMSP", "NL", "CCC"), receiver=False)
    push, client = push_with(app, lambda put: REFUSES if put.url.endswith("BBB") else OK)
    push.run()
    push.run()
    assert [url[-3:] for url in client.urls] == ["BBB", "CCC"]
    with app.app_context():
        assert db.session.scalars(select(Refusal.reason)).all() == [REFUSES.reason]
        assert stored(app, platform)["told_revision"] == feed.newest_revision(db.session())


def test_a_refusal_is_forgotten_once_a_later_change_is_taken(app: Flask) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    answers: Iterator[Outcome] = iter([REFUSES, REFUSES, OK])
    push, client = push_with(app, lambda _: next(answers))
    for _ in range(3):
        push.run()
        with app.app_context():
            noted = len(db.session.scalars(select(Refusal)).all())
        assert noted == (1 if len(client.requests) < 3 else 0)
        suspend(app, "NL-BBB")
        resume(app, "NL-BBB")


def test_a_failure_is_retried_later_with_the_row_as_it_is_then(app: Flask) -> None:
    clock = SetClock()
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    answers: list[Outcome] = [HANGS, OK]
    push, client = push_with(app, lambda _: answers.pop(0), clock)
    push.run()
    suspend(app, "NL-BBB")
    push.run()
    assert len(client.requests) == 1
    assert stored(app, platform)["push_reason"] == HANGS.reason
    clock.pass_seconds(1.3)
    push.run()
    assert [json.loads(put.body)["status"] for put in client.requests] == ["CONNECTED", "SUSPENDED"]
    assert stored(app, platform)["failed_pushes"] == 0


def test_waits_double_with_jitter_up_to_a_minute(app: Flask) -> None:
    clock = SetClock()
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    push, client = push_with(app, lambda _: HANGS, clock)
    waits = []
    for _ in range(9):
        push.run()
        waits.append((stored(app, platform)["next_push_at"] - clock.time).total_seconds())
        clock.pass_seconds(waits[-1])
    assert all(0.8 * 2**n <= wait <= 1.2 * 2**n for n, wait in enumerate(waits[:5]))
    assert 45 < waits[-1] <= 60
    assert len(client.requests) == 9


def test_retry_after_is_obeyed(app: Flask) -> None:
    clock = SetClock()
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    push, _ = push_with(app, lambda _: PeerError("HTTP 429", http_status=429, retry_after_seconds=120), clock)
    push.run()
    assert (stored(app, platform)["next_push_at"] - clock.time).total_seconds() == 120


def test_repeated_failure_makes_the_keepalive_look_at_once(app: Flask) -> None:
    clock = SetClock()
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    push, _ = push_with(app, lambda _: HANGS, clock)
    push.run()
    assert stored(app, platform)["next_probe_at"] is None
    clock.pass_seconds(2)
    push.run()
    assert stored(app, platform)["next_probe_at"] == clock.time


@pytest.mark.parametrize(("catch_up", "told"), [(False, []), (True, ["CCC"])], ids=["owes itself a GET", "CATCH_UP"])
def test_a_platform_that_returns(make_app: MakeApp, catch_up: bool, told: list[str]) -> None:
    app, clock = make_app(catch_up=catch_up), SetClock()
    platform = connect(app, ("CPO", "NL", "AAA"))
    with app.app_context(), write():
        presence.probes_failed({platform: "gone"})
    connect(app, ("EMSP", "NL", "CCC"), receiver=False)
    with app.app_context(), write():
        presence.heard({platform: clock.time})
    push, client = push_with(app, lambda _: OK, clock)
    push.run()
    assert [url[-3:] for url in client.urls] == told


def test_what_changes_while_others_are_told_is_told_in_the_same_run(app: Flask) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)

    def answer(put: Any) -> Outcome:
        if put.url.endswith("BBB"):
            connect(app, ("EMSP", "NL", "CCC"), receiver=False)
            push.want()
        return OK

    push, client = push_with(app, answer)
    push.run()
    assert [url[-3:] for url in client.urls] == ["BBB", "CCC"]


def test_a_receiver_that_goes_offline_while_being_told_is_told_no_more(app: Flask) -> None:
    platform = connect(app, ("CPO", "NL", "AAA"))
    for party in ("BBB", "CCC", "DDD"):
        connect(app, ("EMSP", "NL", party), receiver=False)

    def answer(put: Any) -> Outcome:
        with app.app_context(), write():
            presence.probes_failed({platform: "gone"})
        push.want()
        push._more()
        return OK

    push, client = push_with(app, answer)
    push.run()
    assert [url[-3:] for url in client.urls] == ["BBB"]


def test_a_cursor_never_goes_back(app: Flask) -> None:
    """The platform returned, and its cursor jumped, while an answer of before was under way."""
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    connect(app, ("EMSP", "NL", "CCC"), receiver=False)

    def answer(put: Any) -> Outcome:
        with app.app_context(), write():
            presence.probes_failed({platform: "gone"})
        with app.app_context(), write():
            presence.heard({platform: SetClock().time})
        return OK

    push, _ = push_with(app, answer)
    push.run()
    with app.app_context():
        assert stored(app, platform)["told_revision"] == feed.newest_revision(db.session())


def test_a_token_that_cannot_be_decrypted_is_a_reason_and_no_traceback(app: Flask, make_app: MakeApp) -> None:
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    push, client = push_with(make_app(secret_key="another-key-much-longer"), lambda _: OK)
    push.run()
    assert client.requests == []
    assert "SECRET_KEY" in stored(app, platform)["push_reason"]
