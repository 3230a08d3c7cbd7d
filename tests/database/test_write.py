"""Write transactions and times, on both databases."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from hubinfo import create_app
from hubinfo.database import after_commit, db, write
from hubinfo.hub.feed import REVISION
from hubinfo.models import Counter, Platform

pytestmark = pytest.mark.both_databases("locks and transactions")

TIMES = 100
WAIT_SECONDS = 30.0
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def count(app: Flask, times: int = 1) -> None:
    """Read the counter and write it back one higher, so often; each time in a write transaction of its own."""
    for _ in range(times):
        with app.app_context(), write() as session:
            counter = session.get_one(Counter, REVISION)
            counter.value = counter.value + 1


def counted(app: Flask) -> int:
    with app.app_context():
        return db.session.get_one(Counter, REVISION).value


def count_in_a_process(url: str, folder: Path, all_started: threading.Barrier) -> None:
    app = create_app({"database_url": url}, instance_path=folder)
    all_started.wait(WAIT_SECONDS)
    count(app, TIMES)


def write_with(step: Callable[[Session], None]) -> None:
    with write() as session:
        step(session)


def platform(**columns: object) -> Platform:
    return Platform(**{"name": "NL-TNM", "status": "PLANNED", "created_at": NOON, **columns})


@pytest.fixture
def start() -> Iterator[Callable[..., threading.Thread]]:
    """Run in a thread; the test ends when all have."""
    threads: list[threading.Thread] = []

    def begin(target: Callable[..., None], *arguments: object) -> threading.Thread:
        threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        threads[-1].start()
        return threads[-1]

    yield begin
    for thread in threads:
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()


def test_two_threads_that_count_lose_nothing(app: Flask, start: Callable[..., threading.Thread]) -> None:
    for thread in [start(count, app, TIMES) for _ in range(2)]:
        thread.join(WAIT_SECONDS)
    assert counted(app) == 2 * TIMES


def test_two_processes_that_count_lose_nothing(app: Flask, database_url: str, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    all_started = spawn.Barrier(2)
    processes = [spawn.Process(target=count_in_a_process, args=(database_url, tmp_path, all_started)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(2 * WAIT_SECONDS)
    assert [process.exitcode for process in processes] == [0, 0]
    assert counted(app) == 2 * TIMES


def test_a_writer_waits_for_the_one_before_and_sees_what_it_wrote(app: Flask, start: Callable[..., threading.Thread]) -> None:
    arrives, done = threading.Event(), threading.Event()

    def second() -> None:
        arrives.set()
        count(app)
        done.set()

    with app.app_context(), write() as session:
        start(second)
        assert arrives.wait(WAIT_SECONDS)
        assert not done.wait(0.2)  # long enough to fail, if it would not wait
        session.get_one(Counter, REVISION).value += 10
    assert done.wait(WAIT_SECONDS)
    assert counted(app) == 11


def test_a_reader_that_turns_writer_decides_on_what_is_true_now(app: Flask, start: Callable[..., threading.Thread]) -> None:
    """Upgraded, its read transaction would fail on SQLite at once ("database is locked"), and lose an update elsewhere."""
    with app.app_context():
        seen = db.session.get_one(Counter, REVISION)
        assert seen.value == 0
        start(count, app).join(WAIT_SECONDS)
        with write():
            seen.value += 1
    assert counted(app) == 2


def test_an_error_leaves_neither_the_lock_nor_anything_to_be_written(app: Flask) -> None:
    def fail(session: Session) -> None:
        session.add(platform())
        raise ZeroDivisionError

    with app.app_context():
        with pytest.raises(ZeroDivisionError):
            write_with(fail)
        assert not db.session().in_transaction()
        write_with(lambda session: session.add(platform()))  # would be refused, if the first were still to be written


def test_a_reader_does_not_wait_for_a_writer(app: Flask) -> None:
    values: list[int] = []
    with app.app_context(), write() as session:
        session.get_one(Counter, REVISION).value = 5
        session.flush()
        reader = threading.Thread(target=lambda: values.append(counted(app)))
        reader.start()
        reader.join(WAIT_SECONDS)
    assert values == [0]


def test_an_error_rolls_back_and_the_next_writer_is_not_held_up(app: Flask) -> None:
    def set_and_fail(session: Session) -> None:
        session.get_one(Counter, REVISION).value = 5
        session.flush()
        raise ZeroDivisionError

    with app.app_context(), pytest.raises(ZeroDivisionError):
        write_with(set_and_fail)
    assert counted(app) == 0
    count(app)
    assert counted(app) == 1


def test_what_is_to_follow_a_commit_sees_it_committed(app: Flask) -> None:
    seen: list[int] = []
    with app.app_context(), write() as session:
        after_commit(lambda: seen.append(counted(app)))
        after_commit(lambda: seen.append(-1))
        session.get_one(Counter, REVISION).value = 7
        session.flush()
        assert seen == []
    assert seen == [7, -1]


def test_nothing_follows_a_rollback_not_even_the_next_commit(app: Flask) -> None:
    seen: list[str] = []

    def raise_an_error(_session: Session) -> None:
        after_commit(lambda: seen.append("raised"))
        raise ZeroDivisionError

    def make_the_commit_fail(session: Session) -> None:
        after_commit(lambda: seen.append("the commit failed"))
        session.add(Counter(name="without a value"))

    with app.app_context():
        with pytest.raises(ZeroDivisionError):
            write_with(raise_an_error)
        with pytest.raises(IntegrityError):
            write_with(make_the_commit_fail)
        write_with(lambda session: None)
    assert seen == []


def change() -> None:
    db.session.get_one(Counter, REVISION).value = 5


def make() -> None:
    db.session.add(Counter(name="other", value=1))


def drop() -> None:
    db.session.delete(db.session.get_one(Counter, REVISION))


def query() -> None:
    """Which flushes: what was changed before is no longer pending, and would be rolled back all the same."""
    db.session.query(Platform).count()


@pytest.mark.parametrize("steps", [[change], [make], [drop], [change, query]])
def test_what_was_changed_before_is_refused_rather_than_lost(app: Flask, steps: list[Callable[[], None]]) -> None:
    def do_all() -> None:
        for step in steps:
            step()
        write_with(lambda session: None)

    with app.app_context(), pytest.raises(RuntimeError, match="would be lost"):
        do_all()


def test_a_flush_without_a_change_is_no_change(app: Flask) -> None:
    with app.app_context():
        counter = db.session.get_one(Counter, REVISION)
        counter.value = int(counter.value)
        assert db.session.query(Platform).count() == 0


def test_a_write_inside_a_write_is_refused_and_leaves_nothing(app: Flask) -> None:
    def set_twice(session: Session) -> None:
        session.get_one(Counter, REVISION).value = 5
        write_with(set_twice)

    with app.app_context(), pytest.raises(RuntimeError, match="would be lost"):
        write_with(set_twice)
    assert counted(app) == 0


def test_a_time_without_zone_is_refused(app: Flask) -> None:
    with app.app_context(), pytest.raises(StatementError, match="a time without zone"), write() as session:
        session.add(platform(created_at=NOON.replace(tzinfo=None)))


@pytest.mark.parametrize("hours", [0, 2, -11])
def test_any_zone_goes_in_and_utc_comes_out(app: Flask, hours: int) -> None:
    local = NOON.astimezone(timezone(timedelta(hours=hours)))
    with app.app_context():
        with write() as session:
            session.add(platform(created_at=local))
        read = db.session.query(Platform.created_at, Platform.last_heard_at).one()
        assert (read.created_at.isoformat(), read.last_heard_at) == ("2030-01-01T12:00:00+00:00", None)
        assert db.session.query(Platform).filter(Platform.created_at == local, Platform.created_at >= NOON).count() == 1
