"""The watch that notices commits of other processes."""

import threading

import pytest
from flask import Flask

from hubinfo import wakeup
from hubinfo.database import db
from tests.support.waiting import WAIT_SECONDS

pytestmark = pytest.mark.both_databases("SQLite is looked at, PostgreSQL tells by NOTIFY")


def test_a_watch_that_begins_wakes_once_for_what_was_committed_before(app: Flask) -> None:
    """Also after its connection was lost: nobody has told it of what was committed meanwhile, and a quiet hub may stay quiet."""
    with app.app_context():
        engine = db.engine
    woken, stopped = threading.Event(), threading.Event()
    watching = threading.Thread(target=wakeup.watch, args=(engine, stopped, woken.set, lambda: None))
    watching.start()
    was_woken = woken.wait(WAIT_SECONDS)
    stopped.set()
    watching.join()
    assert was_woken
