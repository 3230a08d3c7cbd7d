"""The background thread: what it does when all is well; what it survives is in test_worker_faults.py."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import schedule
from flask import Flask

from hubinfo import clock
from hubinfo.database import db
from hubinfo.job import Job
from hubinfo.lease import is_held
from hubinfo.ocpi.crew import Crew
from hubinfo.platforms import connections
from hubinfo.worker import POLL_SECONDS, Worker
from tests.support.apps import MakeApp
from tests.support.hubs import connect, stored
from tests.support.live import Hub, LiveHub
from tests.support.peers import Handler, Peer
from tests.support.waiting import CPO, EMSP, WAIT_SECONDS, told_at, wait_until

pytestmark = pytest.mark.both_databases("commits of other processes are noticed by NOTIFY there")

MakePeer = Callable[..., Peer]
MakeLiveHub = Callable[..., LiveHub]


def lease_is_held(app: Flask) -> bool:
    with app.app_context():
        return is_held(db.session())


STARTS_NOTHING = """
import os, sys, threading
from pathlib import Path
before = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else set()
import hubinfo.startup, hubinfo.worker
app = hubinfo.create_app(dict(database_url=url) if (url := sys.argv[1]) else {}, instance_path=Path("instance"))
hubinfo.worker.Worker(app)
after = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else set()
print(threading.active_count(), os.listdir("."), len(after - before))
"""


@pytest.mark.parametrize(
    "url",
    ["", "sqlite:///data/hub.sqlite3", "postgresql://nobody@127.0.0.1:1/nothing"],
    ids=["sqlite", "sqlite in a folder", "postgresql"],
)
def test_neither_import_nor_create_app_starts_or_opens_anything(tmp_path: Path, url: str) -> None:
    """One thread, no file, no descriptor; and a server that is not there is not missed."""
    result = subprocess.run([sys.executable, "-c", STARTS_NOTHING, url], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("1 [] 0\n", "")


def test_the_scheduler_that_everybody_shares_is_left_alone(live_hub: LiveHub, peer: Peer) -> None:
    wait_until(lambda: lease_is_held(live_hub.app))
    assert schedule.jobs == []
    schedule.clear()
    live_hub.register(peer, CPO)
    connect(live_hub.app, EMSP, receiver=False)
    told_at(peer, "BE-BEC")


def test_a_request_is_written_down_soon_and_changes_no_client_info(live_hub: LiveHub, peer: Peer) -> None:
    token = live_hub.register(peer, CPO)
    [before] = live_hub.run("parties")
    began = clock.now()
    assert live_hub.request("GET", "/ocpi/2.2.1/hubclientinfo", token).status_code == 200
    wait_until(lambda: stored(live_hub.app, 1)["last_heard_at"] >= began, 5)
    [after] = live_hub.run("parties")
    assert (after["last_updated"], after["status"]) == (before["last_updated"], "CONNECTED")


def test_many_requests_are_one_write(live_hub: LiveHub, peer: Peer) -> None:
    token = live_hub.register(peer, CPO)
    written, began = set[datetime](), time.monotonic()
    for _ in range(50):
        live_hub.request("GET", "/ocpi/versions", token)
        written.add(stored(live_hub.app, 1)["last_heard_at"])
    assert len(written) <= 3 + (time.monotonic() - began)


def test_a_change_made_through_another_process_is_pushed(live_hub: LiveHub, make_app: MakeApp, peer: Peer) -> None:
    """As far as one process can show it: no signal of the other app reaches this one, only its rows do."""
    live_hub.register(peer, CPO)
    for number in range(3):
        connect(make_app(), ("EMSP", "BE", f"BE{number}"), receiver=False)
        told_at(peer, f"BE-BE{number}")


def never_poll(worker: Worker) -> None:
    """What has become due is no longer looked for."""
    wait_until(lambda: worker.leads)
    [poll] = [job for job in worker._scheduler.jobs if job.interval == POLL_SECONDS]
    worker._scheduler.cancel_job(poll)


def test_a_commit_of_this_process_is_pushed_without_any_tick(live_hub: LiveHub, peer: Peer) -> None:
    live_hub.register(peer, CPO)
    never_poll(live_hub.worker)
    for number in range(5):
        connect(live_hub.app, ("EMSP", "BE", f"BE{number}"), receiver=False)
        told_at(peer, f"BE-BE{number}")


def test_a_commit_of_another_process_is_pushed_without_any_tick(live_hub: LiveHub, make_app: MakeApp, peer: Peer) -> None:
    live_hub.register(peer, CPO)
    never_poll(live_hub.worker)
    other = make_app()
    for number in range(5):
        connect(other, ("EMSP", "BE", f"BE{number}"), receiver=False)
        told_at(peer, f"BE-BE{number}")


def test_stopping_writes_down_who_was_heard_and_hands_the_lease_over(live_hub: LiveHub, peer: Peer) -> None:
    live_hub.register(peer, CPO)
    wait_until(lambda: live_hub.worker.leads)
    heard_at = clock.now() + timedelta(seconds=1)
    with live_hub.app.app_context():
        connections().heard.note(1, heard_at)
    live_hub.worker.stop()
    assert stored(live_hub.app, 1)["last_heard_at"] == heard_at
    assert not lease_is_held(live_hub.app)
    assert not live_hub.worker.alive
    live_hub.worker.stop()  # as a second exit hook does


def test_stopping_does_not_wait_for_a_receiver_that_hangs(make_live_hub: MakeLiveHub, peer: Peer) -> None:
    live_hub, released = make_live_hub(request_timeout_seconds=120), threading.Event()

    def hang(_handler: Handler) -> None:
        released.wait(120)

    peer.behave("PUT", "/", hang)
    live_hub.register(peer, CPO)
    connect(live_hub.app, EMSP, receiver=False)
    peer.wait_for(lambda peer: peer.puts != [])
    live_hub.worker.stop()
    assert not live_hub.worker.alive, "though nothing is released yet"
    assert not lease_is_held(live_hub.app)
    released.set()


def test_of_two_processes_one_pushes_and_the_other_takes_over_when_it_stops(make_live_hub: MakeLiveHub, peer: Peer) -> None:
    first = make_live_hub()
    wait_until(lambda: first.worker.leads)
    second = make_live_hub()
    first.register(peer, CPO)
    connect(second.app, ("EMSP", "BE", "BE1"), receiver=False)
    told_at(peer, "BE-BE1")
    leaders = [hub.worker.leads for hub in (first, second)]
    first.worker.stop()
    connect(first.app, ("EMSP", "BE", "BE2"), receiver=False)
    told_at(peer, "BE-BE2")
    assert [leaders, [hub.worker.leads for hub in (first, second)]] == [[True, False], [False, True]]
    assert [put["party_id"] for put in peer.puts] == ["BE1", "BE2"]


def test_who_does_not_lead_writes_down_whom_it_heard(make_live_hub: MakeLiveHub, peer: Peer) -> None:
    first = make_live_hub()
    wait_until(lambda: first.worker.leads)
    second, token = make_live_hub(), first.register(peer, CPO)
    began = clock.now()
    second.request("GET", "/ocpi/versions", token)
    wait_until(lambda: stored(first.app, 1)["last_heard_at"] >= began, 5)
    assert not second.worker.leads


class Steps:
    """A step that a test lets go on, and a job made of it."""

    def __init__(self, raises: bool = False) -> None:
        self.began, self.may_end, self.stopped = threading.Semaphore(0), threading.Semaphore(0), threading.Event()
        self.raises, self.at_once, self.most_at_once, self.runs = raises, 0, 0, 0
        self.job = Job("test", self._step, Crew("test"), self.stopped)

    def _step(self) -> None:
        self.runs, self.at_once = self.runs + 1, self.at_once + 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.began.release()
        self.may_end.acquire(timeout=WAIT_SECONDS)
        self.at_once -= 1
        if self.raises:
            raise ValueError("on purpose")


@pytest.mark.parametrize("raises", [False, True])
def test_a_job_asked_for_while_it_runs_runs_once_more_and_never_twice_at_once(raises: bool) -> None:
    steps = Steps(raises)
    steps.job.ask()
    assert steps.began.acquire(timeout=WAIT_SECONDS)
    for _ in range(5):
        steps.job.ask()
    steps.may_end.release(2)
    assert steps.began.acquire(timeout=WAIT_SECONDS)
    assert steps.job.wait(WAIT_SECONDS)
    assert (steps.runs, steps.most_at_once, steps.job.running) == (2, 1, False)


def test_a_job_asked_for_after_the_stop_does_not_run() -> None:
    steps = Steps()
    steps.stopped.set()
    steps.job.ask()
    assert steps.job.wait(WAIT_SECONDS)
    assert steps.runs == 0


def test_a_hub_that_only_answers_has_no_background_thread(hub: Hub, peer: Peer) -> None:
    before = threading.active_count()
    hub.call("GET", "/ocpi/versions", hub.invite("NL", "TNM", "CPO"))
    assert threading.active_count() == before
