"""What a scrape says while the database hangs, is gone or is another's."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from hubinfo import create_app
from hubinfo.operator.metrics import stored
from tests.support.databases import schema_is
from tests.support.metrics import scrape

both_databases = pytest.mark.both_databases("every query of a scrape")


def test_without_its_database_a_scrape_still_says_what_was_counted(tmp_path: Path) -> None:
    app = create_app({"database_url": "sqlite:////nowhere/hubinfo.sqlite3"}, instance_path=tmp_path)
    app.test_client().get("/healthz")
    found = scrape(app)
    assert (found["hubinfo_database_up"], found["hubinfo_ready"]) == (0, 0)
    assert found.value("hubinfo_http_requests_total", route="/healthz", method="GET", status="200") == 1
    assert "hubinfo_own_fault" not in found.names


def test_a_database_that_hangs_does_not_hold_up_the_scrape_that_tells_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prometheus gives up after ten seconds, and would say that hubinfo itself is down."""
    monkeypatch.setattr(stored, "_LIMIT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"postgresql://hubinfo@127.0.0.1:{port}/hubinfo?connect_timeout=600"
        app = create_app({"database_url": url}, instance_path=tmp_path)
        for _ in range(3):
            found = scrape(app)
            assert (found["hubinfo_database_up"], found["hubinfo_ready"]) == (0, 0)
        asking = [thread for thread in threading.enumerate() if thread.name == "metrics"]
        assert len(asking) == 1  # who asks again while one hangs would hang too


def join_scrapes() -> None:
    for thread in threading.enumerate():
        if thread.name == "metrics":
            thread.join(60)


def test_once_it_no_longer_hangs_a_scrape_asks_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    released, read = threading.Event(), stored._read
    monkeypatch.setattr(stored, "_LIMIT_SECONDS", 0.1)
    monkeypatch.setattr(stored, "_read", lambda session: released.wait(60) and read(session))
    assert [scrape(app)["hubinfo_database_up"] for _ in range(2)] == [0, 0]
    released.set()
    join_scrapes()
    monkeypatch.undo()
    assert scrape(app)["hubinfo_database_up"] == 1


def test_a_minute_later_it_asks_on_another_connection(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    released, asked = threading.Event(), threading.Semaphore(0)

    def hang(_session: object) -> Iterator[Any]:
        asked.release()
        released.wait(60)
        yield from ()

    monkeypatch.setattr(stored, "_LIMIT_SECONDS", 0.1)
    monkeypatch.setattr(stored, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(stored, "_read", hang)
    assert [scrape(app)["hubinfo_database_up"] for _ in range(2)] == [0, 0]
    assert all(asked.acquire(timeout=60) for _ in range(2))
    released.set()
    join_scrapes()


def test_a_bug_in_a_scrape_is_500_and_shows_where(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stored, "_read", lambda _session: 1 / 0)
    assert app.test_client().get("/metrics").status_code == 500
    assert "ZeroDivisionError" in caplog.text


def test_a_schema_that_is_not_ours_is_not_ready(app: Flask) -> None:
    with schema_is(app, "later"):
        assert scrape(app)["hubinfo_ready"] == 0
