"""The schema: made and upgraded on start with SQLite, by `flask db upgrade` elsewhere; models and migrations agree."""

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, create_engine, inspect, text

from hubinfo import create_app, schema, startup
from hubinfo.database import db, write
from hubinfo.hub.feed import REVISION
from hubinfo.models import Counter
from tests.support.databases import new_database, new_postgresql

TABLES = {
    "action",
    "activity",
    "api_token",
    "client_info",
    "alternative_token",
    "concern",
    "counter",
    "history",
    "known",
    "lease",
    "notification",
    "pending_token",
    "platform",
    "refusal",
}
WAIT_SECONDS = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with new_database(request.param, tmp_path) as url:
        yield url


def app_on(url: str, folder: Path) -> Flask:
    return create_app({"database_url": url}, instance_path=folder)


@pytest.fixture
def empty(new_url: str, tmp_path: Path) -> Iterator[None]:
    """In the context of an app whose database has no schema."""
    with app_on(new_url, tmp_path).app_context():
        yield
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def migrated(empty: None) -> Iterator[Connection]:
    """A database as the migrations make it."""
    upgrade()
    with db.engine.connect() as connection:
        yield connection


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names())


def set_version(version: str) -> None:
    with write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def test_models_and_migrations_agree(migrated: Connection) -> None:
    context = MigrationContext.configure(migrated, opts={"compare_type": True, "compare_server_default": True})
    assert compare_metadata(context, db.metadata) == []


def test_every_constraint_is_named_in_the_database_as_in_the_models(migrated: Connection) -> None:
    inspector = inspect(migrated)
    for table in db.metadata.tables.values():
        found: list[str | None] = [inspector.get_pk_constraint(table.name)["name"]]
        found += [constraint["name"] for constraint in inspector.get_foreign_keys(table.name)]
        found += [constraint["name"] for constraint in inspector.get_unique_constraints(table.name)]
        found += [constraint["name"] for constraint in inspector.get_check_constraints(table.name)]
        assert sorted(map(str, found)) == sorted(str(constraint.name) for constraint in table.constraints)
        assert None not in found


def test_down_to_nothing_and_up_again(migrated: Connection) -> None:
    migrated.close()
    assert tables() == TABLES | {"alembic_version"}
    downgrade(revision="base")
    assert tables() == {"alembic_version"}
    assert schema.current() is None
    upgrade()
    assert tables() == TABLES | {"alembic_version"}
    schema.check()
    assert db.session.get_one(Counter, REVISION).value == 0


def test_the_schema_of_a_newer_hubinfo_is_refused_and_left_alone(migrated: Connection) -> None:
    migrated.close()
    set_version("9999")
    for refuse in (schema.check, schema.ensure):
        with pytest.raises(schema.SchemaError, match=r"has schema 9999, made by a newer hubinfo; install that one$"):
            refuse()
    assert schema.current() == "9999"


def test_sqlite_gets_its_schema_on_the_first_start_and_keeps_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = app_on(f"sqlite:///{tmp_path / 'new.sqlite3'}", tmp_path)
    startup.prepare(app)
    assert "hubinfo is set up" in capsys.readouterr().out
    with app.app_context():
        assert tables() == TABLES | {"alembic_version"}
        with write() as session:
            session.get_one(Counter, REVISION).value = 7
        assert schema.ensure() is False
        assert db.session.get_one(Counter, REVISION).value == 7
        db.session.remove()
        db.engine.dispose()


def test_postgresql_without_schema_is_refused_naming_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with new_postgresql() as url:
        app = app_on(url.replace("@", ":hush@"), tmp_path)
        with pytest.raises(SystemExit):
            startup.prepare(app)
        with app.app_context():
            assert tables() == set()
            db.engine.dispose()
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(f"has no schema yet and needs {schema._head()}; run: flask db upgrade")
    assert "hush" not in line


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_an_encoding_that_cannot_keep_every_name_is_refused_at_once(
    encoding: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with new_postgresql(f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0") as url, app_on(url, tmp_path).app_context():
        for use in (schema.current, schema.ensure, schema.make, upgrade):
            with pytest.raises((schema.SchemaError, SystemExit)):
                use()
        assert tables() == set()
        with pytest.raises(schema.SchemaError) as raised:
            schema.check()
        db.engine.dispose()
    reason = f"has encoding {encoding} and needs UTF8; make a new one: createdb --encoding UTF8 --locale C --template template0 …"
    assert str(raised.value).endswith(reason)
    assert caplog.text.rstrip().endswith(reason)


def ensure_in_a_process(url: str, folder: Path, all_started: threading.Barrier) -> None:
    with app_on(url, folder).app_context():
        all_started.wait(WAIT_SECONDS)
        schema.ensure()


def upgrade_in_a_process(url: str, folder: Path, all_started: threading.Barrier) -> None:
    with app_on(url, folder).app_context():
        all_started.wait(WAIT_SECONDS)
        upgrade()


def test_of_processes_that_start_at_once_one_migrates_and_none_fails(new_url: str, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    all_started = spawn.Barrier(4)
    target = ensure_in_a_process if new_url.startswith("sqlite") else upgrade_in_a_process
    processes = [spawn.Process(target=target, args=(new_url, tmp_path, all_started)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(WAIT_SECONDS)
    assert [process.exitcode for process in processes] == [0] * 4
    engine = create_engine(new_url)
    with closing(engine.connect()) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).all() == [(schema._head(),)]
        assert connection.execute(text("SELECT name, value FROM counter")).all() == [(REVISION, 0)]
    engine.dispose()
