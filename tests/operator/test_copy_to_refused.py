"""`copy-to` where it cannot be: one line that says why, nothing copied, no password shown."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, Table, func, insert, make_url, select, text

from hubinfo import clock, schema
from hubinfo.database import db
from hubinfo.lease import Claim
from hubinfo.models import ClientInfo, Platform
from hubinfo.operator import copying
from tests.support.commands import error_of, json_of
from tests.support.databases import at, new_database, new_postgresql
from tests.support.hubs import connect
from tests.support.live import Hub

PASSWORD = "s3cret-of-the-database"


@pytest.fixture
def source(app: Flask) -> Flask:
    """With one platform to copy."""
    connect(app, ("CPO", "NL", "AAA"))
    return app


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, source: Flask, tmp_path: Path) -> Iterator[str]:
    """A database with the schema and no rows."""
    with new_database(request.param, tmp_path) as url:
        with at(url, source):
            schema.make()
        yield url


def platforms_at(url: str, like: Flask) -> int:
    with at(url, like):
        return db.session.scalar(select(func.count()).select_from(Platform)) or 0


def run(url: str, like: Flask, *statements: str) -> None:
    with at(url, like), db.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_database_that_has_rows(source: Flask, target: str) -> None:
    now = "'2026-01-01 00:00:00'"
    run(target, source, f"INSERT INTO action (at, source, what) VALUES ({now}, 'board', 'invite'), ({now}, 'board', 'invite')")
    run(target, source, f"INSERT INTO api_token (name, token_hash, created_at) VALUES ('a', 'b', {now})")
    line = error_of(source, "copy-to", target)
    assert line.endswith(" has rows already (2 in action, 1 in api_token); copy to an empty one")
    assert error_of(source, "copy-to", target, "--force") == line


def test_a_database_that_cannot_keep_every_name(source: Flask) -> None:
    with new_postgresql("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0") as url:
        line = error_of(source, "copy-to", url)
    assert "has encoding LATIN1 and needs UTF8; make a new one: createdb --encoding UTF8" in line


def test_a_copy_is_not_copied_to_again(source: Flask, target: str) -> None:
    json_of(source, "copy-to", target)
    assert "has rows already" in error_of(source, "copy-to", target, "--json")
    assert platforms_at(target, source) == 1


@pytest.mark.parametrize("empty", [True, False])
def test_the_database_itself(app: Flask, database_url: str, empty: bool) -> None:
    if not empty:
        connect(app, ("CPO", "NL", "AAA"))
    assert error_of(app, "copy-to", database_url).endswith(" is the database that is to be copied")


def test_the_database_itself_by_another_name(source: Flask, database_url: str, tmp_path: Path) -> None:
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        (tmp_path / "link.sqlite3").symlink_to(url.database or "")
        other = url.set(database=str(tmp_path / "link.sqlite3"))
    else:
        other = url.set(host="localhost", query={"application_name": "copy"})
    line = error_of(source, "copy-to", other.render_as_string(hide_password=False))
    assert line.endswith(" is the database that is to be copied")


def test_while_the_platform_is_running(source: Flask, target: str) -> None:
    claim = Claim()
    with source.app_context():
        assert claim.acquire()
    line = error_of(source, "copy-to", target)
    assert line == "this platform is running; stop it first, or copy with --force: what changes from now on will not be in the copy"
    assert platforms_at(target, source) == 0
    json_of(source, "copy-to", target, "--force")
    assert platforms_at(target, source) == 1


def test_once_the_platform_has_been_stopped(source: Flask, target: str) -> None:
    claim = Claim()
    with source.app_context():
        assert claim.acquire()
        claim.release()
    json_of(source, "copy-to", target)


def test_a_server_that_starts_meanwhile(source: Flask, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does would be missing, as much as if it had run from the beginning."""
    copy_table = copying._copy_table

    def serve_and_copy(table: Table, here: Connection, there: Connection) -> dict[str, Any]:
        if table.name == "history":
            with source.app_context():
                assert Claim().acquire()
        return copy_table(table, here, there)

    monkeypatch.setattr(copying, "_copy_table", serve_and_copy)
    assert error_of(source, "copy-to", target).startswith("this platform is running; stop it first")
    assert platforms_at(target, source) == 0


def test_a_database_that_is_being_served(source: Flask, target: str) -> None:
    with at(target, source):
        assert Claim().acquire()
    assert error_of(source, "copy-to", target, "--force").startswith("a server is running on database ")


def test_another_schema(source: Flask, target: str) -> None:
    run(target, source, "UPDATE alembic_version SET version_num = '0001'")
    line = error_of(source, "copy-to", target)
    assert line.endswith("; run: flask db upgrade")
    assert " has schema 0001 and needs " in line
    run(target, source, "UPDATE alembic_version SET version_num = '9000'")
    assert error_of(source, "copy-to", target).endswith(" has schema 9000, made by a newer hubinfo; install that one")


def test_somebody_elses_table_of_the_same_name(source: Flask, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'theirs.sqlite3'}"
    run(url, source, "CREATE TABLE platform (id INTEGER)", "INSERT INTO platform VALUES (1)")
    assert "table platform already exists" in error_of(source, "copy-to", url)


def test_postgresql_that_cannot_be_reached(source: Flask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    line = error_of(source, "copy-to", f"postgresql://hub:{PASSWORD}@127.0.0.1:{port}/hubinfo")
    assert line.startswith(f"database postgresql+psycopg://hub:***@127.0.0.1:{port}/hubinfo cannot be opened: ")
    assert PASSWORD not in line


def test_postgresql_that_has_no_such_database(source: Flask) -> None:
    with new_postgresql() as url:
        gone = make_url(url).set(database="no_such_database", password=PASSWORD).render_as_string(hide_password=False)
        line = error_of(source, "copy-to", gone)
    assert "cannot be opened" in line
    assert PASSWORD not in line


def test_a_folder_that_is_not_there(source: Flask, tmp_path_factory: pytest.TempPathFactory) -> None:
    missing = tmp_path_factory.mktemp("elsewhere") / "missing"  # a folder of the instance would be made
    line = error_of(source, "copy-to", f"sqlite:///{missing / 'hubinfo.sqlite3'}")
    assert line.endswith("cannot be opened: unable to open database file")


@pytest.mark.parametrize("url", [f"mysql://hub:{PASSWORD}@db/hubinfo", f"hub:{PASSWORD}@db", "sqlite://", "sqlite:///:memory:"])
def test_a_wrong_url(source: Flask, url: str) -> None:
    line = error_of(source, "copy-to", url, exit_code=2)
    assert "must be sqlite:///FILE or postgresql://USER@HOST/DATABASE; see: " in line
    assert PASSWORD not in line


def test_rows_that_do_not_arrive(source: Flask, target: str) -> None:
    """They would be missed later; so nothing stays of those that did arrive."""
    if target.startswith("sqlite"):
        loses = "CREATE TRIGGER loses BEFORE INSERT ON history BEGIN SELECT RAISE(IGNORE); END"
    else:
        loses = "CREATE RULE loses AS ON INSERT TO history DO INSTEAD NOTHING"
    run(target, source, loses)
    line = error_of(source, "copy-to", target)
    assert line.startswith("nothing was copied to ")
    assert line.endswith(": table history: 0 rows of 1 have arrived")
    assert platforms_at(target, source) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_row_that_the_database_refuses(hub: Hub) -> None:
    """SQLite has taken texts of any length."""
    hub.invite("NL", "AAA", "CPO")
    with new_postgresql() as url:
        with hub.app.app_context(), db.engine.begin() as connection:
            row = {"country_code": "NL", "party_id": "BBB", "party": "NL-BBB", "role": "CPO", "status": "PLANNED" * 9}
            more = {"last_updated": clock.now(), "revision": 99, "platform_id": 1, "business_details": {}}
            connection.execute(insert(ClientInfo).values(row | more))
        line = error_of(hub.app, "copy-to", url)
        assert line.startswith("nothing was copied to ")
        assert ": table client_info: value too long" in line
        assert platforms_at(url, hub.app) == 0
