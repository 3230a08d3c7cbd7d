"""Any interleaving of changes, push failures, OFFLINE and CONNECTED, and crashes ends with everybody knowing everything."""

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.hub.push import Push
from hubinfo.models import Activity, ClientInfo, Counter, History, Platform, Refusal
from hubinfo.ocpi.client import Outcome, PeerError
from hubinfo.platforms import connections
from tests.support.hubs import OK, AnsweringClient, SetClock, connect

pytestmark = pytest.mark.both_databases("commits and rollbacks in any order")

PLATFORMS, ROWS = 3, 2
PARTIES = [[("CPO", "NL", f"{letter}{row:02}") for row in range(ROWS)] for letter in "ABC"]
_party = st.integers(0, PLATFORMS - 1)
STEPS = st.one_of(
    st.tuples(st.just("toggle"), _party, st.integers(0, ROWS - 1)),
    st.tuples(st.just("drop out"), _party, st.none()),
    st.tuples(st.just("return"), _party, st.none()),
    st.tuples(st.just("push"), st.sets(_party), st.none()),
    st.tuples(st.just("crash after"), st.integers(0, 4), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([1, 10, 100]), st.none()),
)


class Killed(BaseException):
    """As kill -9: nothing after it is written."""


class World:
    """Three platforms that are told about each other, and what each of them holds."""

    def __init__(self, app: Flask) -> None:
        self.app, self.clock = app, SetClock()
        self.failing: set[int] = set()
        self.crash_after: int | None = None
        with app.app_context(), write() as session:
            for table in (Activity, History, Refusal, ClientInfo, Platform):
                session.query(table).delete()
            session.get_one(Counter, "revision").value = 0
        self.ids = [connect(app, *roles) for roles in PARTIES]
        self.held: list[dict[tuple[str, str], tuple[str, str]]] = [{} for _ in self.ids]
        for index in range(PLATFORMS):
            self.pull(index)
        self.start()

    def start(self) -> None:
        client: Any = AnsweringClient(self.answer)
        with self.app.app_context():
            self.push = Push(self.app, client, connections().vault, current_settings(), now=self.clock)

    def rows(self, index: int) -> dict[tuple[str, str], tuple[str, str]]:
        """What a platform may see, as it is."""
        with self.app.app_context():
            visible = db.session.scalars(select(ClientInfo).where(ClientInfo.platform_id != self.ids[index]))
            return {(row.party, row.role): (row.last_updated.isoformat(timespec="milliseconds"), row.status) for row in visible}

    def pull(self, index: int) -> None:
        """The GET that a platform owes itself."""
        self.held[index] = self.rows(index)

    def answer(self, put: Any) -> Outcome:
        index = self.ids.index(put.platform_id)
        if self.crash_after is not None:
            self.crash_after -= 1
            if self.crash_after < 0:
                raise Killed
        if index in self.failing:
            return PeerError("timed out")
        body = json.loads(put.body)
        key = (f"{body['country_code']}-{body['party_id']}", body["role"])
        news = (body["last_updated"].replace("Z", "+00:00"), body["status"])
        assert news >= self.held[index].get(key, ("", "")) or news[0] > self.held[index][key][0], "older after newer"
        self.held[index][key] = news
        return OK

    def step(self, what: str, which: Any, row: Any) -> None:
        match what:
            case "toggle":
                self.toggle(PARTIES[which][row][2])
            case "drop out":
                self.change(lambda: presence.probes_failed({self.ids[which]: "gone"}))
            case "return":
                self.change(lambda: presence.heard({self.ids[which]: self.clock.time}))
                self.pull(which)
            case "push":
                self.failing = which
                self.push.run()
            case "crash after":
                self.crash(which)
            case "wait":
                self.clock.pass_seconds(which)

    def change(self, change: Any) -> None:
        with self.app.app_context(), write():
            change()

    def toggle(self, party_id: str) -> None:
        with self.app.app_context(), write() as session:
            row = session.scalars(select(ClientInfo).where(ClientInfo.party_id == party_id)).one()
            (presence.resumed if row.status == "SUSPENDED" else presence.suspended)([row])

    def crash(self, after: int) -> None:
        self.failing, self.crash_after = set(), after
        self.push._write = lambda: None  # type: ignore[method-assign]  # a killed process writes nothing
        try:
            self.push.run()
        except Killed:
            pass
        finally:
            self.crash_after = None
            self.start()

    def come_to_rest(self) -> None:
        self.failing = set()
        for index in range(PLATFORMS):
            for row in range(ROWS):
                if self.status(PARTIES[index][row][2]) == "SUSPENDED":
                    self.toggle(PARTIES[index][row][2])
            self.step("return", index, None)
        for _ in range(3):
            self.clock.pass_seconds(100)
            self.push.run()

    def status(self, party_id: str) -> str:
        with self.app.app_context():
            return db.session.scalars(select(ClientInfo.status).where(ClientInfo.party_id == party_id)).one()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=20))
def test_every_connected_receiver_ends_up_with_the_current_row_of_all_it_may_see(app: Flask, steps: list[Any]) -> None:
    world = World(app)
    for step in steps:
        world.step(*step)
    world.come_to_rest()
    for index in range(PLATFORMS):
        assert world.held[index] == world.rows(index)
