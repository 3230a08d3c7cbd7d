"""The latest pushes and probes: what went out and what came of it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.hub import activity, presence
from hubinfo.hub.push import Push
from hubinfo.models import Activity
from hubinfo.operator import actions, log_book
from hubinfo.platforms import connections
from tests.support.apps import MakeApp
from tests.support.hubs import SetClock, connect, stored
from tests.support.live import Hub
from tests.support.peers import Peer, hang
from tests.support.rounds import fault, keepalive, ok, push

both_databases = pytest.mark.both_databases("lengths are checked there, and what is kept is cut in SQL")

CPO, EMSP = ("CPO", "NL", "TNM"), ("EMSP", "BE", "BEC")
MakePeer = Callable[..., Peer]


def noted(app: Flask, *names: str, **wanted: Any) -> list[tuple[Any, ...]]:
    """These columns of what is kept, oldest first."""
    with app.app_context():
        rows = reversed(log_book.activity(**wanted))
        return [tuple(row[name] for name in names) for row in rows]


@both_databases
def test_every_push_is_noted_with_outcome_reason_and_seconds(app: Flask) -> None:
    receiver = connect(app, ("CPO", "NL", "AAA"))
    for party in ("BBB", "CCC", "DDD"):
        connect(app, ("EMSP", "NL", party), receiver=False)
    answers = {"BBB": ok(0.25), "CCC": fault("HTTP 200, OCPI 2001: no", permanent=True), "DDD": fault("timed out", seconds=10)}
    time = SetClock()
    push(app, lambda put: answers[put.url[-3:]], time)
    names = ("kind", "party_id", "role", "told", "outcome", "reason", "seconds", "at")
    assert noted(app, *names) == [
        ("push", "BBB", "EMSP", "CONNECTED", "ok", None, 0.25, time.time),
        ("push", "CCC", "EMSP", "CONNECTED", "refused", "HTTP 200, OCPI 2001: no", 0.5, time.time),
        ("push", "DDD", "EMSP", "CONNECTED", "failed", "timed out", 10, time.time),
    ]
    assert set(noted(app, "platform")) == {(stored(app, receiver)["name"],)}


@both_databases
def test_a_push_that_is_tried_again_is_noted_each_time_with_what_it_told(app: Flask) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    told = connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    time, answers = SetClock(), [fault("timed out"), ok(0.1)]
    push(app, lambda put: answers.pop(0), time)
    with app.app_context(), write():
        presence.probes_failed({told: "gone"})
    time.pass_seconds(60)
    push(app, lambda put: answers.pop(0), time)
    assert noted(app, "told", "outcome") == [("CONNECTED", "failed"), ("OFFLINE", "ok")]


@both_databases
def test_every_probe_is_noted(app: Flask) -> None:
    first, second = connect(app, ("CPO", "NL", "AAA")), connect(app, ("CPO", "NL", "BBB"))
    time = SetClock()
    time.time = clock.now() + timedelta(seconds=400)
    answers = {first: ok(0.125), second: fault("connection refused", seconds=0.002)}
    keepalive(app, lambda request: answers[request.platform_id], time)
    names = ("kind", "platform", "outcome", "reason", "seconds", "at", "party_id", "role", "told")
    assert noted(app, *names) == [
        ("probe", stored(app, first)["name"], "ok", None, 0.125, time.time, None, None, None),
        ("probe", stored(app, second)["name"], "failed", "connection refused", 0.002, time.time, None, None, None),
    ]


@both_databases
@pytest.mark.parametrize("reason", ["", "x" * 300, "é" * 300])
def test_a_reason_of_any_length_is_kept_as_far_as_it_fits(app: Flask, reason: str) -> None:
    platform = connect(app, ("CPO", "NL", "AAA"))
    with app.app_context(), write() as session:
        entries = [
            activity.probe(platform, fault(reason), clock.now()),
            activity.push(platform, 1, "OFFLINE", fault(reason), clock.now()),
        ]
        activity.write(session, entries)
    assert noted(app, "outcome", "reason") == [("failed", reason[:255])] * 2


@both_databases
def test_what_was_never_sent_is_not_noted(app: Flask, make_app: MakeApp) -> None:
    """Its token cannot be read: there is nothing to send."""
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    other_key, time = make_app(secret_key="another-key-much-longer"), SetClock()
    time.time = clock.now() + timedelta(seconds=400)
    push(other_key, lambda put: ok(0.1), time)
    keepalive(other_key, lambda request: ok(0.1), time)
    assert "SECRET_KEY" in stored(app, platform)["push_reason"]
    assert "SECRET_KEY" in stored(app, platform)["probe_reason"]
    assert noted(app, "kind") == []
    assert stored(app, platform)["token_out_used_at"] is None


def test_a_platform_without_receiver_leaves_no_trace(app: Flask) -> None:
    connect(app, ("CPO", "NL", "AAA"), receiver=False)
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    push(app, lambda put: ok(0.1))
    assert noted(app, "kind") == []


@both_databases
def test_the_latest_are_kept(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "KEPT", 3)
    platform = connect(app, ("CPO", "NL", "AAA"))
    with app.app_context():
        for _ in range(2):
            with write() as session:
                entries = [activity.probe(platform, fault(str(number)), clock.now()) for number in range(5)]
                activity.write(session, entries)
                activity.forget(session)
        assert db.session.query(Activity).count() == 3
    assert noted(app, "reason") == [("2",), ("3",), ("4",)]


def test_for_real_a_probe_takes_time_also_where_nobody_answers(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    hub.register(peer, CPO)
    hub.run("probe", "NL", "TNM")
    peer.stop()
    hub.app.test_cli_runner().invoke(args=["hubinfo", "probe", "NL", "TNM"])
    [first, second] = noted(hub.app, "kind", "outcome", "reason", "seconds")
    assert first[:3] == ("probe", "ok", None)
    assert second[:3] == ("probe", "failed", "connection refused")
    assert first[3] > 0
    assert second[3] > 0


def test_for_real_a_push_that_times_out_took_as_long(make_app: MakeApp, make_peer: MakePeer) -> None:
    hub, peer = Hub(make_app(request_timeout_seconds=0.3)), make_peer()
    hub.register(peer, CPO)
    hub.register(make_peer(receiver=False), EMSP)
    peer.behave("PUT", "/", hang(3))
    with hub.app.app_context():
        Push(hub.app, connections().client, connections().vault, current_settings()).run()
    [(outcome, reason, seconds)] = noted(hub.app, "outcome", "reason", "seconds")
    assert (outcome, reason) == ("failed", "timed out after 0.3 s")
    assert seconds > 0.25


@pytest.fixture
def busy(app: Flask) -> Flask:
    """Two platforms, one of two parties, that were probed and told of each other."""
    first, second = connect(app, ("CPO", "NL", "AAA"), ("EMSP", "NL", "AAB")), connect(app, ("EMSP", "NL", "BBB"))
    at = clock.now()
    entries = [activity.probe(first, ok(0.1), at), activity.push(first, 3, "CONNECTED", ok(0.2), at)]
    entries += [activity.probe(second, ok(0.3), at), activity.push(second, 1, "OFFLINE", ok(0.4), at)]
    with app.app_context(), write() as session:
        activity.write(session, entries)
    return app


@pytest.mark.parametrize(
    ("wanted", "seconds"),
    [
        ({}, [0.1, 0.2, 0.3, 0.4]),
        ({"kind": "push"}, [0.2, 0.4]),
        ({"kind": "probe"}, [0.1, 0.3]),
        ({"party": "NL-AAA"}, [0.1, 0.2]),
        ({"party": "NL-AAB", "kind": "push"}, [0.2]),
        ({"party": "NL-BBB"}, [0.3, 0.4]),
        ({"party": "NL-ZZZ"}, []),
        ({"limit": 3}, [0.2, 0.3, 0.4]),
        ({"before": 3}, [0.1, 0.2]),
        ({"before": 3, "limit": 1}, [0.2]),
        ({"before": 1}, []),
    ],
)
def test_the_log_book_in_part(busy: Flask, wanted: Mapping[str, Any], seconds: list[float]) -> None:
    assert [row[0] for row in noted(busy, "seconds", **wanted)] == seconds


def test_a_push_is_shown_with_the_party_that_it_told_of(busy: Flask) -> None:
    shown = noted(busy, "country_code", "party_id", "role", "told", kind="push")
    assert shown == [("NL", "BBB", "EMSP", "CONNECTED"), ("NL", "AAA", "CPO", "OFFLINE")]


def test_the_mark_of_the_log_book_changes_with_each_entry(busy: Flask) -> None:
    def mark() -> str:
        with busy.app_context():
            return log_book.mark()

    marks = [mark(), mark()]
    assert marks[0] == marks[1]
    with busy.app_context(), write() as session:
        activity.write(session, [activity.probe(1, ok(0.1), clock.now())])
    marks.append(mark())
    with busy.app_context():
        actions.record("board", "probe", "NL-AAA", None)
    marks.append(mark())
    assert len(set(marks)) == 3
