"""The mark of the table of parties: another one whenever the table would be, and not each time somebody is heard."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from hubinfo import clock
from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.models import Platform
from hubinfo.operator import actions, overview
from hubinfo.platforms import handshake
from tests.support.hubs import SetClock, connect
from tests.support.rounds import fault, keepalive, ok, push

MILLISECOND = 0.001
Change = Callable[[Flask, SetClock], object]


@pytest.fixture
def hub(app: Flask, now: SetClock) -> Flask:
    """Three platforms, which have been told of each other, and a party that was invited."""
    for party in ("AAA", "BBB", "CCC"):
        connect(app, ("CPO", "NL", party))
    with app.app_context():
        actions.invite("command", "BE", "DDD", ["CPO"], None)
    push(app, lambda put: ok(), now)
    return app


def mark(app: Flask) -> str:
    with app.app_context():
        return overview.mark()


def inside(change: Callable[[Platform], object], platform_id: int = 1) -> Change:
    """A change of a platform, in a write transaction."""

    def run(app: Flask, now: SetClock) -> None:
        with app.app_context(), write() as session:
            change(session.get_one(Platform, platform_id))

    return run


def act(action: Callable[..., Any], *arguments: Any) -> Change:
    """What an operator does."""

    def run(app: Flask, now: SetClock) -> None:
        with app.app_context():
            action("board", *arguments)

    return run


def set_values(**values: Any) -> Change:
    def change(platform: Platform) -> None:
        for name, value in values.items():
            setattr(platform, name, value)

    return inside(change)


def renew(platform: Platform) -> None:
    """As PUT credentials does, of the same roles."""
    platform.token_made_at, platform.version = clock.now(), "2.3.0"


def unregister_the_suspended(app: Flask, now: SetClock) -> None:
    """No row of it changes any more."""
    act(actions.suspend, "NL-AAA")(app, now)
    before = mark(app)
    inside(handshake.forget)(app, now)
    assert mark(app) != before


CHANGES: dict[str, Change] = {
    "offline": inside(lambda platform: presence.probes_failed({platform.id: "gone"})),
    "suspended": act(actions.suspend, "NL-AAA"),
    "invited": act(actions.invite, "FR", "NEW", ["CPO"], None),
    "invited again under another name": act(actions.invite, "BE", "DDD", ["CPO"], "Company"),
    "registered": lambda app, now: connect(app, ("CPO", "FR", "NEW")),
    "renewed": inside(renew),
    "unregistered": inside(handshake.forget),
    "unregistered while suspended": unregister_the_suspended,
    "a probe failed": lambda app, now: failed_probe(app, now),
    "told anew": act(actions.tell_again, "NL-AAA"),
}


def failed_probe(app: Flask, now: SetClock) -> None:
    set_values(next_probe_at=now.time)(app, now)
    keepalive(app, lambda request: fault("connection refused"), now)


@pytest.mark.both_databases("sums and latest times are reckoned in SQL")
@pytest.mark.parametrize("what", CHANGES)
def test_it_changes_with_the_table(hub: Flask, now: SetClock, what: str) -> None:
    before = mark(hub)
    now.pass_seconds(MILLISECOND)
    assert mark(hub) == before
    CHANGES[what](hub, now)
    after = mark(hub)
    assert after != before
    assert mark(hub) == after


def test_each_step_of_being_told_again_changes_it(hub: Flask, now: SetClock) -> None:
    marks = [mark(hub)]
    act(actions.tell_again, "NL-AAA")(hub, now)
    marks.append(mark(hub))
    push(hub, lambda put: fault("timed out") if len(marks) == 2 else ok(), now)
    marks.append(mark(hub))
    now.pass_seconds(5)
    push(hub, lambda put: ok(), now)
    marks.append(mark(hub))
    assert len(set(marks)) == 4


def test_a_suspension_that_changes_only_the_reason_changes_it(hub: Flask, now: SetClock) -> None:
    inside(handshake.forget)(hub, now)
    before = mark(hub)
    act(actions.suspend, "NL-AAA")(hub, now)
    assert mark(hub) != before


@pytest.mark.both_databases("sums and latest times are reckoned in SQL")
def test_two_that_change_places_change_it(hub: Flask, now: SetClock) -> None:
    inside(lambda platform: setattr(platform, "failed_probes", 1), 1)(hub, now)
    before = mark(hub)
    inside(lambda platform: setattr(platform, "failed_probes", 0), 1)(hub, now)
    inside(lambda platform: setattr(platform, "failed_probes", 1), 2)(hub, now)
    assert mark(hub) != before


@pytest.mark.both_databases("sums and latest times are reckoned in SQL")
def test_it_does_not_change_when_somebody_is_heard(hub: Flask, now: SetClock) -> None:
    before = mark(hub)
    now.pass_seconds(5)
    inside(lambda platform: presence.heard({platform.id: now.time}, presented=True))(hub, now)
    assert mark(hub) == before


def test_nor_when_a_platform_is_told_nothing_new(hub: Flask, now: SetClock) -> None:
    before = mark(hub)
    push(hub, lambda put: ok(), now)
    keepalive(hub, lambda request: ok(), now)
    assert mark(hub) == before


def test_it_changes_a_few_times_a_minute_since_times_go_on(hub: Flask, now: SetClock) -> None:
    marks = set()
    for _ in range(60):
        marks.add(mark(hub))
        now.pass_seconds(1)
    assert 3 <= len(marks) <= 6


def test_it_can_stand_in_a_header(hub: Flask) -> None:
    assert mark(hub).isascii()
    assert not set(mark(hub)) & set(' "\\,\r\n')


@pytest.mark.both_databases("PostgreSQL multiplies within 32 bits unless told otherwise")
def test_many_failures_of_a_late_platform_are_no_error(app: Flask) -> None:
    """Two thousand million failures times a number: the page would be an error for good."""
    platform_id = connect(app, ("CPO", "NL", "TNM"))
    with app.app_context(), write() as session:
        platform = session.get_one(Platform, platform_id)
        platform.failed_probes = platform.failed_pushes = 2_000_000_000
    connect(app, ("EMSP", "BE", "BEC"))
    with app.app_context(), write() as session:
        session.execute(update(Platform).values(failed_probes=2_000_000_000, failed_pushes=2_000_000_000))
    with app.app_context():
        assert overview.mark()
