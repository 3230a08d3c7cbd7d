"""A row that a receiver answers wrongly delays no other: it is set aside, and tried again by itself."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo.database import db, write
from hubinfo.hub import feed, presence
from hubinfo.models import Platform, Refusal
from hubinfo.ocpi.client import Outcome, PeerError
from hubinfo.operator import reports
from tests.support.hubs import OK, SetClock, connect, stored
from tests.support.live import LiveHub
from tests.support.peers import Behaviour, Handler, Peer
from tests.support.rounds import push_with, resume, suspend

pytestmark = pytest.mark.both_databases("what is set aside is found and written by statements of its own")
WRONG = PeerError("HTTP 500", http_status=500)
TIMED_OUT = PeerError("timed out after 10 s")
PARTIES = ["AAA", "BAD", "CCC"]


class Choking:
    """A receiver that chokes on some rows, and a hub that tells it of three parties."""

    def __init__(self, app: Flask) -> None:
        self.app, self.clock, self.sent = app, SetClock(), list[str]()
        self.wrong: dict[str, Outcome] = {"BAD": WRONG}
        self.receiver = connect(app, ("CPO", "NL", "TNM"))
        for party in PARTIES:
            connect(app, ("EMSP", "BE", party), receiver=False)
        self.push, _ = push_with(app, self._answer, self.clock)

    def _answer(self, put: Any) -> Outcome:
        party = put.url.rpartition("/")[2]
        self.sent.append(party)
        return self.wrong.get(party, OK)

    def after(self, seconds: float) -> list[str]:
        """Of whom it is told in a round after so much time."""
        self.clock.pass_seconds(seconds)
        self.sent.clear()
        self.push.run()
        return list(self.sent)

    def aside(self) -> list[tuple[int, float]]:
        """The rows that are set aside: how often each was answered wrongly, and in how many seconds it is tried again."""
        with self.app.app_context():
            rows = db.session.scalars(select(Refusal).where(Refusal.next_at.is_not(None)))
            return [(row.attempts, (row.next_at - self.clock()).total_seconds()) for row in rows if row.next_at]

    def behind(self) -> int:
        with self.app.app_context():
            return feed.behind(db.session()).get(self.receiver, 0)


@pytest.fixture
def choking(app: Flask) -> Choking:
    return Choking(app)


def set_aside(choking: Choking) -> None:
    choking.after(0)
    choking.after(2)
    assert [attempts for attempts, _ in choking.aside()] == [2]


def test_it_is_sent_twice_and_then_the_others_are_told(choking: Choking) -> None:
    assert choking.after(0) == ["AAA", "BAD"]
    assert choking.after(0.5) == []
    assert choking.after(2) == ["BAD", "CCC"]
    assert choking.behind() == 1
    assert stored(choking.app, choking.receiver)["failed_pushes"] == 0


def test_it_is_tried_again_with_growing_waits_and_no_other_with_it(choking: Choking) -> None:
    set_aside(choking)
    waits = []
    for attempts in range(3, 16):
        [(_, wait)] = choking.aside()
        waits.append(wait)
        assert choking.after(wait / 2) == []
        assert choking.after(wait / 2 + 0.01) == ["BAD"]
        assert [found for found, _ in choking.aside()] == [attempts]
    assert all(later > earlier for earlier, later in itertools.pairwise(waits[:9]))
    assert waits[-1] == 3600


def test_what_changes_meanwhile_is_told_at_once(choking: Choking) -> None:
    set_aside(choking)
    suspend(choking.app, "BE-AAA")
    assert choking.after(0) == ["AAA"]


def test_once_it_is_taken_nothing_is_left(choking: Choking) -> None:
    set_aside(choking)
    choking.wrong.clear()
    assert choking.after(10) == ["BAD"]
    assert (choking.aside(), choking.behind()) == ([], 0)


def test_its_next_change_is_told_as_a_change(choking: Choking) -> None:
    set_aside(choking)
    suspend(choking.app, "BE-BAD")
    assert choking.behind() == 1
    assert choking.after(0) == ["BAD"]
    assert [attempts for attempts, _ in choking.aside()] == [3]
    choking.wrong.clear()
    resume(choking.app, "BE-BAD")
    assert choking.after(0) == ["BAD"]
    assert (choking.aside(), choking.behind()) == ([], 0)


def test_no_answer_at_all_concerns_the_platform(choking: Choking) -> None:
    choking.wrong["BAD"] = TIMED_OUT
    for _ in range(4):
        assert choking.after(60)[-1] == "BAD"
    assert choking.aside() == []
    assert stored(choking.app, choking.receiver)["failed_pushes"] == 4


@pytest.mark.parametrize("http_status", [401, 403, 408, 429])
def test_what_is_said_of_the_token_or_the_moment_concerns_the_platform(choking: Choking, http_status: int) -> None:
    choking.wrong["BAD"] = PeerError(f"HTTP {http_status}", http_status=http_status)
    for _ in range(3):
        assert choking.after(60)[-1] == "BAD"
    assert choking.aside() == []


def test_a_receiver_that_answers_everything_wrongly_is_not_flooded(choking: Choking) -> None:
    choking.wrong = dict.fromkeys(PARTIES, WRONG)
    rounds = [choking.after(seconds) for seconds in (0, 2, 5, 20, 60)]
    assert rounds[:3] == [["AAA"], ["AAA", "BAD"], ["BAD", "CCC"]]
    assert [sorted(sent) for sent in rounds[3:]] == [["AAA", "BAD", "CCC"]] * 2, "each once, when it is due"
    choking.wrong.clear()
    suspend(choking.app, "BE-AAA")
    told = choking.after(61) + choking.after(0)
    assert set(told) == set(PARTIES), "those set aside are due as soon as it takes one"
    assert choking.behind() == 0


def test_who_returns_from_offline_owes_itself_a_get(choking: Choking) -> None:
    set_aside(choking)
    with choking.app.app_context(), write():
        presence.probes_failed({choking.receiver: "gone"})
    with choking.app.app_context(), write():
        presence.heard({choking.receiver: choking.clock()})
    assert (choking.aside(), choking.behind(), choking.after(3600)) == ([], 0, [])


def test_operators_see_it(choking: Choking) -> None:
    set_aside(choking)
    with choking.app.app_context():
        [pushed] = [row for row in reports.pushes() if row["refused"]]
        [platform] = [row for row in reports.platforms() if row["platform"] == pushed["platform"]]
    assert (pushed["behind"], pushed["reason"], platform["behind"]) == (1, "HTTP 500", 1)
    [refused] = pushed["refused"]
    assert (refused["party_id"], refused["reason"]) == ("BAD", "HTTP 500")
    assert refused["next_attempt_at"] > choking.clock()


def say(body: bytes, http_status: int = 200) -> Behaviour:
    return lambda handler: handler.raw(body, http_status=http_status)


def redirect(handler: Handler) -> None:
    handler.raw(b"", http_status=302, headers={"Location": "http://127.0.0.1:1/elsewhere"})


ANSWERS = {
    "500": say(b"", 500),
    "501": say(b"not implemented", 501),
    "503": say(json.dumps({"status_code": 3000, "timestamp": "2026-01-01T00:00:00Z"}).encode(), 503),
    "{}": say(b"{}"),
    "text": say(b"OK"),
    "code 0": say(json.dumps({"status_code": 0, "timestamp": "2026-01-01T00:00:00Z"}).encode()),
    "3000": say(json.dumps({"status_code": 3000, "timestamp": "2026-01-01T00:00:00Z"}).encode()),
    "302": redirect,
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_for_real_the_others_are_told_whatever_it_answers_to_one(
    make_live_hub: Callable[..., LiveHub], make_peer: Callable[..., Peer], answer: Behaviour
) -> None:
    hub, peer = make_live_hub(push_retry_seconds=0.05), make_peer()
    hub.register(peer, ("CPO", "NL", "TNM"))
    peer.behave("PUT", "/2.2.1/hubclientinfo/DE/BAD", answer)
    connect(hub.app, ("EMSP", "DE", "BAD"), receiver=False)
    connect(hub.app, ("EMSP", "BE", "BEC"), receiver=False)
    peer.wait_for(lambda peer: ("BE-BEC", "EMSP") in peer.told, 20)
    peer.behave("PUT", "/2.2.1/hubclientinfo/DE/BAD", None)
    before = len(peer.puts)
    peer.wait_for(lambda peer: any(put["party_id"] == "BAD" for put in peer.puts[before:]), 20)


def test_of_a_platform_at_most_so_many_rows_are_set_aside(app: Flask) -> None:
    choking = Choking(app)
    with app.app_context(), write() as session:
        session.get_one(Platform, choking.receiver).failed_pushes = 0
    for number in range(105):
        connect(app, ("NSP", "FR", f"{number:03}"), receiver=False)
    choking.wrong = {f"{number:03}": WRONG for number in range(105)}
    for _ in range(320):
        choking.after(61)
    assert len(choking.aside()) == 100
