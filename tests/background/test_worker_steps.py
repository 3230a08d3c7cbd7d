"""Single steps of a worker whose thread has not been started: nothing happens but what a test asks for."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask

from hubinfo import clock
from hubinfo.lease import LEASE_SECONDS
from hubinfo.platforms import connections
from hubinfo.worker import Worker
from tests.support.heard import change
from tests.support.hubs import connect
from tests.support.peers import Peer
from tests.support.waiting import CPO, WAIT_SECONDS


@pytest.fixture
def worker(app: Flask) -> Iterator[Worker]:
    made = Worker(app)
    yield made
    made.stop()


def test_a_lease_is_trusted_from_when_it_was_asked_for(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database may be slow to answer, and by then the lease has been running for others."""
    acquire, asked_at = worker._claim.acquire, list[float]()

    def ask() -> bool:
        asked_at.append(time.monotonic())
        return acquire()

    monkeypatch.setattr(worker._claim, "acquire", ask)
    worker._guarded(worker._renew)
    assert worker.leads
    assert worker._leads_until <= asked_at[0] + LEASE_SECONDS


@pytest.mark.parametrize(("is_heard", "asked"), [(True, []), (False, ["/versions"])])
def test_who_was_heard_a_moment_ago_is_not_asked(
    app: Flask, worker: Worker, make_peer: Callable[..., Peer], is_heard: bool, asked: list[str]
) -> None:
    """Also where that has not been written down yet."""
    peer, platform_id = make_peer(), connect(app, CPO, receiver=False)
    worker._guarded(worker._renew)
    change(app, platform_id, versions_url=peer.versions_url, last_heard_at=clock.now() - timedelta(hours=1))
    with app.app_context():
        if is_heard:
            connections().heard.note(platform_id, clock.now())
    worker._guarded(worker._poll)
    assert worker._keepalive_job.wait(WAIT_SECONDS)
    assert [request.path for request in peer.received] == asked
