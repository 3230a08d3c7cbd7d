"""Telling a platform everything again, also while it is being told."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.hub import feed, presence
from hubinfo.hub.push import Push
from hubinfo.models import Platform, Refusal
from hubinfo.ocpi.client import Outcome
from hubinfo.operator import actions, log_book
from hubinfo.operator.refused import NoSuchParty, Refused
from hubinfo.platforms import connections
from tests.support.apps import MakeApp
from tests.support.hub_peer import connect_hub
from tests.support.hubs import AnsweringClient, connect, stored
from tests.support.live import LiveHub
from tests.support.peers import Handler, Peer
from tests.support.rounds import fault, ok, push

both_databases = pytest.mark.both_databases("a cursor that goes back while it is being moved")

OTHERS = ["BBB", "CCC", "DDD"]


def tell_again(app: Flask, party: str = "NL-AAA") -> list[str]:
    with app.app_context():
        return actions.tell_again("board", party)


class Telling:
    """A platform that has been told nothing of three others, and a push that a test may break in on."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.receiver = connect(app, ("CPO", "NL", "AAA"))
        for party in OTHERS:
            connect(app, ("EMSP", "NL", party), receiver=False)
        self.answers: Callable[[Any], Outcome] = lambda put: ok()
        client: Any = AnsweringClient(lambda put: self.answers(put))
        self.requests: list[Any] = client.requests
        with app.app_context():
            self.push = Push(app, client, connections().vault, current_settings())

    @property
    def told(self) -> list[str]:
        return [json.loads(put.body)["party_id"] for put in self.requests]

    def breaks_in(self, on: str, do: Callable[[], object]) -> None:
        """The first time that it is told of this party, and before it answers."""
        pending: Iterator[Callable[[], object]] = iter([do])

        def answer(put: Any) -> Outcome:
            if put.url.endswith(on):
                next(pending, lambda: None)()
            return ok()

        self.answers = answer

    def has_been_told_all(self) -> bool:
        with self.app.app_context():
            newest = feed.newest_revision(db.session())
        return bool(stored(self.app, self.receiver)["told_revision"] == newest)


@pytest.fixture
def telling(app: Flask) -> Telling:
    return Telling(app)


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


def suspend(app: Flask, platform_id: int) -> None:
    with app.app_context(), write() as session:
        presence.suspended(session.get_one(Platform, platform_id).client_infos)


def go_offline(app: Flask, platform_id: int) -> None:
    with app.app_context(), write():
        presence.probes_failed({platform_id: "gone"})


@pytest.mark.parametrize(
    ("made_so", "reason"),
    [
        (go_offline, "it is OFFLINE, and owes itself a GET when it is back"),
        (suspend, "it is SUSPENDED, and owes itself a GET when it is back"),
    ],
)
def test_who_is_not_connected_is_not_told(telling: Telling, made_so: Callable[[Flask, int], None], reason: str) -> None:
    made_so(telling.app, telling.receiver)
    name = stored(telling.app, telling.receiver)["name"]
    assert refusal(telling.app) == f"{name} cannot be told: {reason}"


def refusal(app: Flask, party: str = "NL-AAA") -> str:
    """What it says; it leaves no trace."""
    with app.app_context():
        before = [row.told_revision for row in db.session.scalars(select(Platform))]
        with pytest.raises(Refused) as refused:
            actions.tell_again("board", party)
        assert [row.told_revision for row in db.session.scalars(select(Platform))] == before
        assert log_book.actions(party=party) == []
    return str(refused.value)


def test_who_has_no_receiver_or_has_not_registered_is_not_told(telling: Telling) -> None:
    assert refusal(telling.app, "NL-BBB").endswith(" cannot be told: it has no Receiver")
    with telling.app.app_context():
        actions.invite("command", "NL", "NEW", ["CPO"], None)
    with telling.app.app_context(), pytest.raises(Refused, match=r"^NL-NEW cannot be told: it has not registered$"):
        actions.tell_again("board", "NL-NEW")


def test_a_party_that_there_is_not(app: Flask) -> None:
    with app.app_context(), pytest.raises(NoSuchParty, match="no such party: NL-ZZZ"):
        actions.tell_again("board", "NL-ZZZ")


def test_of_two_platforms_of_a_party_the_one_that_can_be_told_is(app: Flask) -> None:
    first, second = connect(app, ("CPO", "NL", "AAA")), connect(app, ("EMSP", "NL", "AAA"))
    go_offline(app, first)
    assert tell_again(app) == [stored(app, second)["name"]]
    assert [stored(app, key)["tellings"] for key in (first, second)] == [0, 1]


def test_on_the_partys_side_nobody_is_told(make_app: MakeApp) -> None:
    app = make_app(roles="CPO", country_code="NL", party_id="OUR")
    connect_hub(app, "DE-HUB")
    assert refusal(app, "DE-HUB") == "DE-HUB cannot be told: only a hub tells others"


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
