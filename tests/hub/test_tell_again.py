"""Telling a platform everything again, also while it is being told."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo.database import db
from hubinfo.hub import feed
from hubinfo.models import Refusal
from hubinfo.ocpi.client import Outcome
from hubinfo.operator import log_book
from tests.support.hubs import connect, stored
from tests.support.live import LiveHub
from tests.support.peers import Handler, Peer
from tests.support.rounds import fault, ok, push
from tests.support.telling import OTHERS, Telling, tell_again

both_databases = pytest.mark.both_databases("a cursor that goes back while it is being moved")


@both_databases
def test_every_row_is_told_again_and_in_order(telling: Telling) -> None:
    telling.push.run()
    assert telling.told == OTHERS
    assert tell_again(telling.app) == [stored(telling.app, telling.receiver)["name"]]
    with telling.app.app_context():
        assert feed.behind(db.session()) == {telling.receiver: 3}
    telling.push.run()
    assert telling.told == OTHERS * 2
    assert telling.has_been_told_all()
    telling.push.run()
    assert telling.told == OTHERS * 2


@both_databases
@pytest.mark.parametrize("on", OTHERS)
@pytest.mark.parametrize("looks", [True, False], ids=["push looks again at once", "push looks later"])
def test_while_it_is_being_told_every_row_is_told_again(telling: Telling, on: str, looks: bool) -> None:
    def break_in() -> None:
        tell_again(telling.app)
        if looks:
            telling.push.want()
            telling.push._more()

    telling.breaks_in(on, break_in)
    telling.push.run()
    telling.push.run()
    before = OTHERS.index(on) + 1
    assert telling.told[:before] == OTHERS[:before]
    assert telling.told[-3:] == OTHERS
    assert len(telling.told) <= 6
    assert telling.has_been_told_all()


@both_databases
def test_a_batch_of_before_does_not_undo_it(telling: Telling) -> None:
    """What was answered is written only after it was put back."""
    telling.breaks_in("DDD", lambda: tell_again(telling.app))
    telling.push.run()
    assert stored(telling.app, telling.receiver)["told_revision"] == 0
    with telling.app.app_context():
        assert feed.behind(db.session()) == {telling.receiver: 3}


@both_databases
def test_a_failure_of_before_does_not_make_it_wait(telling: Telling) -> None:
    def fail(put: Any) -> Outcome:
        tell_again(telling.app)
        return fault("timed out")

    telling.answers = fail
    telling.push.run()
    row = stored(telling.app, telling.receiver)
    assert (row["told_revision"], row["failed_pushes"], row["push_reason"], row["next_push_at"]) == (0, 0, None, None)


@both_databases
def test_twice_while_being_told_is_as_once(telling: Telling) -> None:
    telling.breaks_in("CCC", lambda: [tell_again(telling.app) for _ in range(2)])
    telling.push.run()
    telling.push.run()
    assert telling.told == [*OTHERS, *OTHERS]
    assert stored(telling.app, telling.receiver)["tellings"] == 2


@both_databases
def test_it_need_not_wait_for_a_retry_that_is_planned(telling: Telling) -> None:
    telling.answers = lambda put: fault("timed out")
    telling.push.run()
    assert stored(telling.app, telling.receiver)["next_push_at"] is not None
    telling.answers = lambda put: ok()
    tell_again(telling.app)
    telling.push.run()
    assert telling.told == ["BBB", *OTHERS]


@both_databases
def test_what_it_refused_before_is_offered_again(telling: Telling) -> None:
    telling.answers = lambda put: fault("HTTP 200, OCPI 2001: no", permanent=True)
    telling.push.run()
    telling.answers = lambda put: ok()
    tell_again(telling.app)
    telling.push.run()
    with telling.app.app_context():
        assert db.session.scalars(select(Refusal)).all() == []
    assert telling.told == OTHERS * 2


def test_only_the_platform_of_this_party_is_told_again(app: Flask) -> None:
    first, second = connect(app, ("CPO", "NL", "AAA"), ("EMSP", "NL", "AAB")), connect(app, ("EMSP", "NL", "BBB"))
    push(app, lambda put: ok())
    tell_again(app, "NL-AAB")
    assert (stored(app, first)["tellings"], stored(app, second)["tellings"]) == (1, 0)
    with app.app_context():
        assert feed.behind(db.session()) == {first: 1}


def test_it_is_recorded(telling: Telling) -> None:
    tell_again(telling.app)
    with telling.app.app_context():
        [action] = log_book.actions()
    name = stored(telling.app, telling.receiver)["name"]
    said = {name: action[name] for name in ("source", "what", "about", "details")}
    assert said == {"source": "board", "what": "tell again", "about": "NL-AAA", "details": name}


def test_for_real_a_peer_that_holds_its_answer_is_told_every_row_again(live_hub: LiveHub, make_peer: Callable[..., Peer]) -> None:
    peer, holding, let_go = make_peer(), threading.Event(), threading.Event()
    live_hub.register(peer, ("CPO", "NL", "AAA"))

    def hold(handler: Handler) -> None:
        holding.set()
        assert let_go.wait(20)
        handler.answer()

    peer.behave("PUT", "/", hold)
    for party in OTHERS:
        connect(live_hub.app, ("EMSP", "NL", party), receiver=False)
    assert holding.wait(20)
    tell_again(live_hub.app)
    peer.behave("PUT", "/", None)
    let_go.set()
    peer.wait_for(lambda peer: len(peer.puts) > 3 and [put["party_id"] for put in peer.puts[-3:]] == OTHERS, 20)
