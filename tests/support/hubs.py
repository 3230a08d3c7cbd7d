"""A hub without sockets: connected platforms made in the database, a client that a test answers for, a clock it sets."""

import itertools
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.models import Platform
from hubinfo.ocpi.client import Answer, Outcome, Request
from hubinfo.ocpi.schemas import CredentialsRole
from hubinfo.platforms import connections

OK = Answer(200, 1000, None, 0.001)
_numbers = itertools.count(1)


class SetClock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.time = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class AnsweringClient:
    """Stands where the client does; `answer(request)` is what every request comes to."""

    def __init__(self, answer: Callable[[Any], Outcome]) -> None:
        self.answer = answer
        self.requests: list[Any] = []

    def exchange(
        self, requests: Iterable[Any], then: Callable[[Any, Outcome], Any], more: Callable[[], Iterable[Any]] = tuple
    ) -> None:
        pending = list(requests)
        while True:
            pending += more()
            if not pending:
                return
            request = pending.pop(0)
            self.requests.append(request)
            following = then(request, self.answer(request))
            pending += [] if following is None else [following]

    @property
    def urls(self) -> list[str]:
        return [request.url for request in self.requests]


def connect(app: Flask, *roles: tuple[str, str, str], receiver: bool = True, version: str = "2.2.1") -> int:
    """A platform that has registered these (role, country_code, party_id); its id."""
    number = next(_numbers)
    brought = [CredentialsRole(role, country, party, {"name": party}) for role, country, party in roles]
    with app.app_context(), write() as session:
        platform = Platform(
            name=f"P{number}",
            status="PLANNED",
            created_at=clock.now(),
            token_hash=f"hash-{number}",
            token_out=connections().vault.encrypt(f"token-b-{number}"),
            token_form="base64",
            version=version,
            versions_url=f"http://peer-{number}.test/versions",
            receiver_url=f"http://peer-{number}.test/hubclientinfo" if receiver else None,
            last_heard_at=clock.now(),
        )
        session.add(platform)
        session.flush()
        presence.registered(platform, brought, starts_anew=True)
        return platform.id


def stored(app: Flask, platform_id: int) -> dict[str, Any]:
    """The columns of a platform, as they are in the database."""
    with app.app_context():
        platform = db.session.get_one(Platform, platform_id)
        return {column.key: getattr(platform, column.key) for column in Platform.__table__.columns}


def request_of(platform_id: int) -> Callable[[Request], bool]:
    """Whether a request is for this platform."""
    return lambda request: request.platform_id == platform_id
