"""What the background thread survives: jobs that raise, a database that fails, a clock that is set back."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.lease import NAME
from hubinfo.models import Lease, Platform
from hubinfo.worker import Worker
from tests.support.hubs import connect, stored
from tests.support.live import LiveHub
from tests.support.peers import Peer
from tests.support.statements import Listener
from tests.support.waiting import CPO, told_at, wait_until

MakePeer = Callable[..., Peer]
MakeLiveHub = Callable[..., LiveHub]
SetLocalTime = Callable[[int], None]


class Failures(logging.Handler):
    """The `job_failed` and `job_works_again` lines, by job."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, list[logging.LogRecord]] = defaultdict(list)
        self.over: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        values = getattr(record, "hubinfo", {})
        if record.getMessage() == "job_failed":
            self.records[values["job"]].append(record)
        elif record.getMessage() == "job_works_again":
            self.over[values["job"]] = values["failures"]

    def listen(self) -> None:
        """From here on: a command run in this process has switched the log off."""
        logging.getLogger("hubinfo").addHandler(self)
        logging.getLogger("hubinfo").setLevel(logging.INFO)

    def wait_for(self, job: str) -> logging.LogRecord:
        wait_until(lambda: bool(self.records[job]))
        return self.records[job][0]


@pytest.fixture
def failures() -> Iterator[Failures]:
    made = Failures()
    yield made
    logging.getLogger("hubinfo").removeHandler(made)


@pytest.fixture
def leading(live_hub: LiveHub) -> LiveHub:
    wait_until(lambda: live_hub.worker.leads)
    return live_hub


def change_platform(app: Flask, platform_id: int, **columns: object) -> None:
    with app.app_context(), write() as session:
        for name, value in columns.items():
            setattr(session.get_one(Platform, platform_id), name, value)


def renewed_until(app: Flask) -> datetime:
    with app.app_context():
        return db.session.get_one(Lease, NAME).expires_at


def execute(app: Flask, statement: str) -> None:
    with app.app_context(), write() as session:
        session.execute(text(statement))


def assert_goes_on(hub: LiveHub, peer: Peer, token: str) -> None:
    """It writes down whom it hears, pushes, and renews its lease."""
    began, held_until = clock.now(), renewed_until(hub.app)
    hub.request("GET", "/ocpi/versions", token)
    wait_until(lambda: stored(hub.app, 1)["last_heard_at"] >= began, 10)
    connect(hub.app, ("EMSP", "BE", "END"), receiver=False)
    told_at(peer, "BE-END")
    wait_until(lambda: renewed_until(hub.app) > held_until, 15)
    assert hub.worker.leads


def test_a_job_that_raises_is_logged_and_neither_stops_nor_starves_the_others(
    make_live_hub: MakeLiveHub, make_peer: MakePeer, failures: Failures
) -> None:
    """A version that no code knows makes every push raise: a bug of ours, logged with its traceback."""
    live_hub, broken, silent = make_live_hub(keepalive_seconds=0.5), make_peer(), make_peer()
    token = live_hub.register(broken, CPO)
    live_hub.register(silent, ("EMSP", "BE", "SIL"))
    told_at(broken, "BE-SIL")
    failures.listen()
    change_platform(live_hub.app, 1, version="9.9")
    connect(live_hub.app, ("EMSP", "BE", "BEC"), receiver=False)
    assert failures.wait_for("push").exc_info is not None
    asked = probes(silent)
    silent.wait_for(lambda peer: probes(peer) > asked + 1)
    change_platform(live_hub.app, 1, version="2.2.1")
    told_at(broken, "BE-BEC")
    assert_goes_on(live_hub, broken, token)


def probes(peer: Peer) -> int:
    return len([request for request in peer.received if request.path == "/versions"])


@contextmanager
def without_two_tables(app: Flask) -> Iterator[None]:
    for table in ("counter", "client_info"):
        execute(app, f"ALTER TABLE {table} RENAME TO hidden_{table}")
    try:
        yield
    finally:
        for table in ("counter", "client_info"):
            execute(app, f"ALTER TABLE hidden_{table} RENAME TO {table}")


@pytest.mark.both_databases("the database ends connections in its own way")
def test_a_database_that_fails_is_one_line_until_it_works_again_and_nothing_is_lost(
    leading: LiveHub, peer: Peer, failures: Failures
) -> None:
    token = leading.register(peer, CPO)
    failures.listen()
    with without_two_tables(leading.app):
        began, held_until = clock.now(), renewed_until(leading.app)
        leading.request("GET", "/ocpi/versions", token)
        for failed in (failures.wait_for("poll"), failures.wait_for("write_heard")):
            reason = failed.__dict__["hubinfo"]["reason"]
            assert (reason.startswith("database: "), reason.count("\n"), failed.exc_info) == (True, 0, None)
        wait_until(lambda: renewed_until(leading.app) > held_until, 15)
    wait_until(lambda: stored(leading.app, 1)["last_heard_at"] >= began, 10)
    assert_goes_on(leading, peer, token)
    assert failures.over["poll"] > 1
    assert len(failures.records["poll"]) == 1


def test_what_is_not_tried_is_not_said_to_work_again(app: Flask, failures: Failures) -> None:
    """Who has lost the lease because the database is gone does not look for what is due."""
    worker = Worker(app)

    def fail() -> None:
        raise ZeroDivisionError

    failures.listen()
    worker._guarded(fail)
    worker._guarded_leading(fail)
    assert (len(failures.records["fail"]), failures.over) == (1, {})


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_connections_that_the_server_ends_are_made_anew(leading: LiveHub, peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody has to be shown where: it is no bug of ours, nor of SQLAlchemy."""
    token = leading.register(peer, CPO)
    with leading.app.app_context():
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        db.session.execute(text(f"{others} AND pid <> pg_backend_pid()"))
    assert_goes_on(leading, peer, token)
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.fixture
def set_local_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[SetLocalTime]:
    """To so many hours east of UTC, as the end of summer time does, or a new time zone."""

    def set_to(hours: int) -> None:
        monkeypatch.setenv("TZ", f"TST{-hours}")
        time.tzset()

    set_to(0)
    yield set_to
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("hours", [-1, 5])
def test_a_clock_that_is_set_stalls_nothing(
    set_local_time: SetLocalTime, make_live_hub: MakeLiveHub, peer: Peer, hours: int
) -> None:
    """`schedule` reckons in naive local time: what is due in a second would be due in an hour and a second."""
    live_hub = make_live_hub()
    token = live_hub.register(peer, CPO)
    wait_until(lambda: live_hub.worker.leads)
    set_local_time(hours)
    assert_goes_on(live_hub, peer, token)


def test_a_clock_that_is_set_back_while_a_job_runs_stalls_nothing(
    set_local_time: SetLocalTime, make_live_hub: MakeLiveHub, peer: Peer, listen: Callable[[Flask, Listener], None]
) -> None:
    """That job is planned by the new clock and the others by the old one."""
    live_hub, polls, was_set = make_live_hub(), list[str](), threading.Event()

    def set_back_in_the_third_poll(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if threading.current_thread().name == "hubinfo-worker" and "told_revision" in statement:
            polls.append(statement)
            if len(polls) == 3:
                set_local_time(-1)
                was_set.set()

    token = live_hub.register(peer, CPO)
    wait_until(lambda: live_hub.worker.leads)
    listen(live_hub.app, set_back_in_the_third_poll)
    assert was_set.wait(20)
    assert_goes_on(live_hub, peer, token)
