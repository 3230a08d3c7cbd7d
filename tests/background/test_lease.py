"""The lease: of all who claim it, exactly one holds it, and a dead holder is not waited for."""

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from flask import Flask

from hubinfo import create_app
from hubinfo.database import db, write
from hubinfo.lease import LEASE_SECONDS, NAME, RENEW_SECONDS, Claim, is_held, time_of
from hubinfo.models import Lease
from tests.support.apps import MakeApp
from tests.support.hubs import SetClock

pytestmark = pytest.mark.both_databases("who of several writers gets the lease, and by whose clock")

ELSEWHERE = "another-host/pid:[4026531836]/1/0a1b2c3d"
WAIT_SECONDS = 60.0


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def claim_by(clock: SetClock) -> Claim:
    return Claim(now=lambda _session: clock.time)


def give_to(holder: str, expires_at: datetime) -> None:
    with write() as session:
        session.merge(Lease(name=NAME, holder=holder, expires_at=expires_at))


def holder() -> str:
    found = db.session.get_one(Lease, NAME, populate_existing=True).holder
    db.session.rollback()
    return found


def database_time() -> datetime:
    found = time_of(db.session())
    db.session.rollback()
    return found


def test_a_free_lease_is_taken_and_a_second_claimant_refused(context: None) -> None:
    first, second = Claim(), Claim()
    assert not is_held(db.session())
    assert first.acquire()
    assert not second.acquire()
    assert (holder(), is_held(db.session())) == (first.holder, True)


def test_two_claims_of_one_process_are_two(context: None) -> None:
    assert Claim().holder != Claim().holder


def test_the_holder_renews_its_lease(context: None, clock: SetClock) -> None:
    first, second = claim_by(clock), claim_by(clock)
    for _ in range(10):
        assert first.acquire()
        clock.pass_seconds(RENEW_SECONDS)
        assert not second.acquire()


def test_an_expired_lease_is_taken_and_lost_to_who_had_it(context: None, clock: SetClock) -> None:
    first, second = claim_by(clock), claim_by(clock)
    first.acquire()
    clock.pass_seconds(LEASE_SECONDS - 0.001)
    assert not second.acquire()
    clock.pass_seconds(0.001)
    assert second.acquire()
    assert not first.acquire()


def test_who_was_late_and_was_not_replaced_holds_it_again(context: None, clock: SetClock) -> None:
    first = claim_by(clock)
    first.acquire()
    clock.pass_seconds(10 * LEASE_SECONDS)
    assert first.acquire()


def test_a_released_lease_is_taken_at_once(context: None) -> None:
    first, second = Claim(), Claim()
    first.acquire()
    first.release()
    assert not is_held(db.session())
    assert second.acquire()


def test_nobody_releases_the_lease_of_another(context: None) -> None:
    first, second = Claim(), Claim()
    second.release()
    first.acquire()
    second.release()
    assert (holder(), is_held(db.session())) == (first.holder, True)


def test_a_holder_on_another_host_is_replaced_only_when_it_expires(context: None, clock: SetClock) -> None:
    """Process 1 of another host says nothing about process 1 of this one."""
    for elsewhere in (ELSEWHERE, ELSEWHERE.replace("/1/", "/4194305/")):
        claim = claim_by(clock)
        give_to(elsewhere, clock.time)
        assert claim.acquire()
        give_to(elsewhere, clock.time + timedelta(seconds=LEASE_SECONDS))
        assert not claim.acquire()


@pytest.mark.parametrize("odd", ["", "x", "a/b/c", f"{Claim().holder.rsplit('/', 2)[0]}/-1/0a1b2c3d", "/".join("abcdef")])
def test_a_holder_that_makes_no_sense_is_waited_for(context: None, clock: SetClock, odd: str) -> None:
    give_to(odd, clock.time + timedelta(seconds=LEASE_SECONDS))
    assert not claim_by(clock).acquire()
    clock.pass_seconds(LEASE_SECONDS)
    assert claim_by(clock).acquire()


@pytest.mark.parametrize("hours", [0.01, 2, 24 * 365])
def test_a_lease_that_expires_later_than_one_can_is_of_a_clock_that_was_set_back(
    context: None, clock: SetClock, hours: float
) -> None:
    give_to(ELSEWHERE, clock.time + timedelta(hours=hours))
    assert claim_by(clock).acquire()


def test_a_clock_that_is_set_back_takes_the_lease_from_nobody_who_is_alive(context: None, clock: SetClock) -> None:
    first, second = claim_by(clock), claim_by(clock)
    assert first.acquire()
    clock.pass_seconds(-7200)
    assert not second.acquire()
    assert first.acquire()


def hold_in_a_process(url: str, folder: Path, holds: Event) -> None:
    with create_app({"database_url": url}, instance_path=folder).app_context():
        assert Claim().acquire()
    holds.set()
    threading.Event().wait()


@contextmanager
def holding_process(url: str, folder: Path) -> Iterator[multiprocessing.process.BaseProcess]:
    spawn = multiprocessing.get_context("spawn")
    holds = spawn.Event()
    process = spawn.Process(target=hold_in_a_process, args=(url, folder, holds), daemon=True)
    process.start()
    assert holds.wait(WAIT_SECONDS)
    yield process
    process.kill()
    process.join(WAIT_SECONDS)


def test_a_process_of_this_host_that_was_killed_is_replaced_at_once(context: None, database_url: str, tmp_path: Path) -> None:
    with holding_process(database_url, tmp_path) as process:
        assert not Claim().acquire()
        process.kill()
        process.join(WAIT_SECONDS)
        assert db.session.get_one(Lease, NAME).expires_at > database_time()  # it would not have expired
        assert not is_held(db.session())
        assert Claim().acquire()


def test_a_lease_runs_by_the_time_of_the_database(context: None) -> None:
    Claim().acquire()
    left = db.session.get_one(Lease, NAME).expires_at - database_time()
    assert LEASE_SECONDS - RENEW_SECONDS < left.total_seconds() <= LEASE_SECONDS


def rivals(app: Flask, claims: list[Claim]) -> list[bool]:
    """What becomes of each, when all try at once."""
    all_there, outcomes = threading.Barrier(len(claims)), [False] * len(claims)

    def acquire(number: int) -> None:
        with app.app_context():
            db.session.connection()
            all_there.wait(WAIT_SECONDS)
            outcomes[number] = claims[number].acquire()

    threads = [threading.Thread(target=acquire, args=(number,)) for number in range(len(claims))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    return outcomes


@pytest.mark.parametrize("was", ["never held", "expired"])
def test_of_many_who_claim_it_at_once_exactly_one_gets_it(make_app: MakeApp, clock: SetClock, was: str) -> None:
    app = make_app()
    for _ in range(10):
        with app.app_context(), write() as session:
            session.query(Lease).delete()
        if was == "expired":
            with app.app_context():
                give_to(ELSEWHERE, clock.time)
        claims = [claim_by(clock) for _ in range(8)]
        outcomes = rivals(app, claims)
        with app.app_context():
            assert [claim.holder for claim, holds in zip(claims, outcomes, strict=True) if holds] == [holder()]
