"""GET /api/heard while the database is busy, slow, silent or gone: roaming traffic must not stop with it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from hubinfo import clock, create_app
from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.platforms import connections, directory, trouble
from hubinfo.platforms.heard import Heard
from tests.support.apps import MakeApp
from tests.support.heard import CPO, TOKEN, ask, connected, directory_of, is_watched, set_offline, suspend
from tests.support.live import Hub, LiveHub
from tests.support.statements import BreakDatabase, Listener
from tests.support.waiting import wait_until


@pytest.fixture
def served(app: Flask) -> Flask:
    """An app with a connected platform, which has asked."""
    connected(app, CPO)
    assert ask(app).status_code == 204
    return app


@pytest.fixture
def silent_port() -> Iterator[int]:
    """It takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening.getsockname()[1]


def test_no_request_waits_for_a_writer_and_offline_ends_soon_after_it(
    live_hub: LiveHub, make_app: MakeApp, listen: Callable[[Flask, Listener], None]
) -> None:
    platform_id, other = connected(live_hub.app, CPO), make_app()
    set_offline(live_hub.app, platform_id)
    wait_until(lambda: is_watched(live_hub.app))
    writers = set[str]()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement == "BEGIN IMMEDIATE":
            writers.add(threading.current_thread().name)

    listen(live_hub.app, note)
    with other.app_context(), write():
        for path in ("/api/heard", "/ocpi/versions"):
            assert live_hub.request("GET", path, TOKEN).ok
    wait_until(lambda: live_hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED"})
    assert writers
    assert {name for name in writers if "process_request" in name} == set()


def test_with_a_worker_an_offline_party_is_connected_without_any_tick(live_hub: LiveHub) -> None:
    platform_id = connected(live_hub.app, CPO)
    wait_until(lambda: live_hub.worker.leads)
    live_hub.worker._scheduler.clear()
    set_offline(live_hub.app, platform_id)
    assert ask(live_hub.app).status_code == 204
    wait_until(lambda: live_hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED"})


def test_who_could_not_be_written_down_passes_and_is_written_down_later(
    served: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In a process without background work."""
    set_offline(served, 1)

    def fail(*_arguments: Any, **_options: Any) -> None:
        raise OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))

    with monkeypatch.context() as patched:
        patched.setattr(presence, "heard", fail)
        assert ask(served).status_code == 204
    assert Hub(served).statuses() == {("NL-TNM", "CPO"): "OFFLINE"}
    assert [record.exc_info for record in caplog.records if record.getMessage() == "job_failed"] == [None]
    assert ask(served).status_code == 204
    assert Hub(served).statuses() == {("NL-TNM", "CPO"): "CONNECTED"}


def test_who_is_heard_while_writing_fails_keeps_the_later_time(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    heard, earlier = Heard(), clock.now()
    later = earlier + timedelta(seconds=1)

    def fail(*_arguments: Any, **_options: Any) -> None:
        heard.note(1, later)
        raise OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))

    monkeypatch.setattr(presence, "heard", fail)
    heard.note(1, earlier)
    heard.note(2, earlier)
    with app.app_context(), pytest.raises(OperationalError):
        heard.write(presence)
    assert heard.take() == {1: later, 2: earlier}


def test_that_a_party_has_gone_offline_does_not_refuse_all_others_when_the_database_goes_next(
    served: Flask, break_database: BreakDatabase
) -> None:
    other = connected(served, ("EMSP", "BE", "BEC"), token="another-token-of-somebody-else")
    set_offline(served, other)
    with served.app_context():
        connections().directory.follow()
    break_database(served)
    assert ask(served).status_code == 204


def test_what_nobody_has_asked_for_is_not_read_in_the_background(app: Flask, break_database: BreakDatabase) -> None:
    connected(app, CPO)
    with app.app_context():
        connections().directory.follow()
    break_database(app)
    assert ask(app).status_code == 503


def test_what_was_last_known_holds_while_it_is_young(
    served: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, break_database: BreakDatabase
) -> None:
    broken = break_database(served)
    assert [ask(served).status_code for _ in range(3)] == [204, 204, 204]
    assert ask(served, "wrong").status_code == 401
    assert broken.asked == 1
    monkeypatch.setattr(directory, "_OLD_SECONDS", 0.0)
    response = ask(served)
    assert (response.status_code, response.data, response.headers["Cache-Control"]) == (503, b"", "no-store")
    [record] = [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert (record.getMessage(), record.exc_info) == ("holders_unreadable", None)
    assert vars(record)["hubinfo"] == {"reason": "database: server closed the connection unexpectedly"}


def test_a_watched_directory_does_not_trust_a_watch_that_has_said_nothing_for_long(
    served: Flask, monkeypatch: pytest.MonkeyPatch, break_database: BreakDatabase
) -> None:
    directory_of(served).is_watched = True
    break_database(served)
    assert ask(served).status_code == 204
    monkeypatch.setattr(directory, "_OLD_SECONDS", 0.0)
    assert ask(served).status_code == 503


def test_what_is_known_to_have_changed_does_not_hold(served: Flask, break_database: BreakDatabase) -> None:
    directory_of(served).is_watched = True
    suspend(served, 1)
    broken = break_database(served)
    assert ask(served).status_code == 503
    broken.is_broken = False
    directory_of(served)._trouble.ended()
    assert ask(served).status_code == 403


def test_the_database_is_asked_again_after_a_pause(
    served: Flask, monkeypatch: pytest.MonkeyPatch, break_database: BreakDatabase
) -> None:
    broken = break_database(served)
    monkeypatch.setattr(trouble, "_PAUSE_SECONDS", 0.0)
    assert ask(served).status_code == 204
    broken.is_broken = False
    suspend(served, 1)
    assert ask(served).status_code == 403


def test_after_a_pause_one_asks_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go on with what was last known, and do not wait for a timeout each."""
    lasting = trouble.Trouble()
    monkeypatch.setattr(trouble, "_PAUSE_SECONDS", 0.0)
    lasting.began(OperationalError("SELECT", {}, Exception("timeout expired")))
    monkeypatch.setattr(trouble, "_PAUSE_SECONDS", 3600.0)
    assert [lasting.may_ask() for _ in range(3)] == [True, False, False]
    lasting.ended()
    assert [lasting.may_ask() for _ in range(3)] == [True, True, True]


def test_the_worker_s_look_ends_the_pause(served: Flask, break_database: BreakDatabase) -> None:
    broken = break_database(served)
    assert ask(served).status_code == 204
    broken.is_broken = False
    suspend(served, 1)
    with served.app_context():
        connections().directory.look()
    assert ask(served).status_code == 403


def test_those_who_wait_for_one_who_reads_in_vain_do_not_each_wait_in_turn(served: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    tries, found, directory = list[float](), list[int](), directory_of(served)
    directory.is_watched = True
    suspend(served, 1)

    def read_in_vain() -> None:
        tries.append(time.monotonic())
        time.sleep(1)
        raise OperationalError("SELECT", {}, Exception("timeout expired"))

    monkeypatch.setattr(directory, "_read_all", read_in_vain)
    threads = [threading.Thread(target=lambda: found.append(ask(served).status_code)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(tries), found) == (1, [503] * 4)


@pytest.mark.parametrize(("path", "http_status"), [("/api/heard", 503), ("/readyz", 503)])
def test_a_server_that_takes_the_connection_and_says_nothing_is_given_up(
    tmp_path: Path, silent_port: int, path: str, http_status: int
) -> None:
    url = f"postgresql://nobody@127.0.0.1:{silent_port}/nothing?connect_timeout=2"
    app = create_app({"database_url": url, "secret_key": "0123456789abcdef"}, instance_path=tmp_path)
    assert app.test_client().get(path, headers={"Authorization": f"Token {TOKEN}"}).status_code == http_status


@pytest.mark.parametrize(
    ("query", "connect_timeout", "keepalives_idle"),
    [("", 5, 10), ("&connect_timeout=3", "3", 10), ("&connect_timeout=3&keepalives_idle=77", "3", "77")],
)
def test_what_the_url_says_of_timeouts_holds(
    tmp_path: Path, query: str, connect_timeout: str | int, keepalives_idle: str | int
) -> None:
    url = f"postgresql://nobody@127.0.0.1:1/nothing?application_name=x{query}"
    app, seen = create_app({"database_url": url, "secret_key": "0123456789abcdef"}, instance_path=tmp_path), dict[str, Any]()

    def note(_dialect: object, _record: object, _arguments: object, options: dict[str, Any]) -> None:
        seen.update(options)

    with app.app_context():
        event.listen(db.engine, "do_connect", note)
        with pytest.raises(OperationalError):
            db.session.connection()
    assert (seen["connect_timeout"], seen["keepalives_idle"], seen["application_name"]) == (connect_timeout, keepalives_idle, "x")
    assert (seen["tcp_user_timeout"], seen["keepalives_interval"], seen["keepalives_count"]) == (10_000, 5, 3)
