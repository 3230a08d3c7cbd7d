"""What SQLite needs on top: its connections, and the checkpoints that one of its bugs makes ours."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hubinfo import create_app, database
from hubinfo.database import BUSY_TIMEOUT_SECONDS, checkpoint, db, has_wal_reset_bug, write
from hubinfo.hub.feed import REVISION
from hubinfo.models import Counter
from hubinfo.worker import Worker

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("version", "has_bug"),
    [
        *[(fixed, False) for fixed in ((3, 44, 6), (3, 44, 7), (3, 50, 7), (3, 51, 3), (3, 51, 4), (3, 52, 0), (4, 0, 0))],
        *[
            (buggy, True)
            for buggy in ((3, 7, 0), (3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 49, 9), (3, 50, 6), (3, 51, 0), (3, 51, 2))
        ],
    ],
)
def test_which_sqlite_has_the_wal_reset_bug(version: tuple[int, int, int], has_bug: bool) -> None:
    """sqlite.org/wal.html: fixed in 3.51.3, and in 3.50.7 and 3.44.6."""
    assert has_wal_reset_bug(version) is has_bug


def count(app: Flask) -> int:
    with app.app_context(), write() as session:
        counter = session.get_one(Counter, REVISION)
        counter.value += 1
        return counter.value


def pragmas(*names: str) -> list[list[object]]:
    """Of two connections at a time, each new."""
    with db.engine.connect() as first, db.engine.connect() as second:
        return [[one.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names] for one in (first, second)]


@ON_SQLITE
def test_every_sqlite_connection_is_as_it_must_be(app: Flask) -> None:
    with app.app_context():
        assert pragmas("journal_mode", "foreign_keys", "busy_timeout") == [["wal", 1, 10_000]] * 2


@ON_SQLITE
@pytest.mark.parametrize(("has_bug", "pages"), [(True, 0), (False, 1000)])
def test_with_the_bug_no_connection_checkpoints_by_itself(
    app: Flask, monkeypatch: pytest.MonkeyPatch, has_bug: bool, pages: int
) -> None:
    monkeypatch.setattr(database, "SQLITE_HAS_WAL_RESET_BUG", has_bug)
    with app.app_context():
        assert pragmas("wal_autocheckpoint") == [[pages]] * 2


@pytest.fixture
def log(sqlite_path: Path) -> Path:
    return sqlite_path.with_name(f"{sqlite_path.name}-wal")


@ON_SQLITE
def test_a_checkpoint_empties_the_log_and_keeps_the_rows(app: Flask, log: Path) -> None:
    count(app)
    assert log.stat().st_size > 0
    with app.app_context():
        checkpoint(db.engine)
    assert log.stat().st_size == 0
    assert count(app) == 2


@ON_SQLITE
@pytest.mark.parametrize("has_bug", [True, False])
def test_only_a_worker_that_leads_checkpoints_and_only_with_the_bug(
    app: Flask, log: Path, monkeypatch: pytest.MonkeyPatch, has_bug: bool
) -> None:
    monkeypatch.setattr(database, "SQLITE_HAS_WAL_RESET_BUG", has_bug)
    worker = Worker(app)
    count(app)
    worker._guarded_leading(worker._checkpoint)
    assert log.stat().st_size > 0
    worker._guarded(worker._renew)
    worker._guarded_leading(worker._checkpoint)
    assert (log.stat().st_size == 0) is has_bug


@ON_SQLITE
def test_a_checkpoint_does_not_wait_for_a_reader_while_all_writers_wait_for_it(app: Flask, sqlite_path: Path) -> None:
    """Somebody looks at the database with sqlite3, or makes a backup: the next checkpoint is soon enough."""
    count(app)
    with closing(sqlite3.connect(sqlite_path, isolation_level=None)) as reader, app.app_context():
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM counter").fetchall()
        count(app)
        said = list[str]()
        with db.engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            raw.set_trace_callback(said.append)
        checkpoint(db.engine)
        at = said.index("PRAGMA wal_checkpoint(TRUNCATE)")
        assert said[at - 1 : at + 2 : 2] == ["PRAGMA busy_timeout=200", "PRAGMA busy_timeout=10000"]
        assert pragmas("busy_timeout") == [[10_000]] * 2


@ON_SQLITE
def test_a_checkpoint_that_fails_leaves_the_connection_as_it_was(app: Flask, tmp_path: Path) -> None:
    count(app)
    with app.app_context():
        with db.engine.connect() as first:
            raw: Any = first.connection.dbapi_connection
            raw.set_authorizer(lambda _action, name, *_rest: sqlite3.SQLITE_DENY if name == "wal_checkpoint" else sqlite3.SQLITE_OK)
        with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
            checkpoint(db.engine)
        assert pragmas("busy_timeout") == [[10_000]] * 2


def test_the_folder_of_a_file_in_the_instance_is_made_when_it_is_opened_and_not_before(tmp_path: Path) -> None:
    with create_app({"database_url": "sqlite:///data/hub.sqlite3"}, instance_path=tmp_path / "instance").app_context():
        assert list(tmp_path.iterdir()) == []
        db.session.execute(text("CREATE TABLE first (id INTEGER)"))
        db.session.remove()
        db.engine.dispose()
    assert [path.name for path in (tmp_path / "instance/data").iterdir()] == ["hub.sqlite3"]


def test_a_folder_elsewhere_is_not_made(tmp_path: Path) -> None:
    """It may be that of a disk which is not mounted."""
    app = create_app({"database_url": f"sqlite:///{tmp_path / 'elsewhere/hub.sqlite3'}"}, instance_path=tmp_path / "instance")
    with app.app_context(), pytest.raises(OperationalError, match="unable to open database file"):
        db.engine.connect()
    assert list(tmp_path.iterdir()) == []


def test_who_finds_a_new_file_locked_by_another_first_start_waits(tmp_path: Path) -> None:
    """SQLite itself does not: switching to WAL while another writes fails at once, whatever busy_timeout is."""
    file, failed, done = tmp_path / "new.sqlite3", list[Exception](), threading.Event()

    def start() -> None:
        with create_app({"database_url": f"sqlite:///{file}"}, instance_path=tmp_path).app_context():
            try:
                assert pragmas("journal_mode") == [["wal"]] * 2
            except Exception as error:
                failed.append(error)
            db.engine.dispose()
        done.set()

    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("CREATE TABLE first (id INTEGER)")
        threading.Thread(target=start).start()
        assert not done.wait(0.3) or failed == []
        other.execute("COMMIT")
    assert done.wait(2 * BUSY_TIMEOUT_SECONDS)
    assert failed == []
