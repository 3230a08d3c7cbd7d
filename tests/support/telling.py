"""A hub whose platforms are told everything again."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask

from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.hub import feed
from hubinfo.hub.push import Push
from hubinfo.ocpi.client import Outcome
from hubinfo.operator import actions
from hubinfo.platforms import connections
from tests.support.hubs import AnsweringClient, connect, stored
from tests.support.rounds import ok

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
