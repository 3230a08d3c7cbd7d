"""`copy-to`: all that a platform keeps, in another database, from where it goes on."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, delete, event, func, insert, select, text

from hubinfo import clock, schema
from hubinfo.database import db, write
from hubinfo.hub import feed
from hubinfo.models import ClientInfo, Counter, History, Platform
from hubinfo.operator import copying
from tests.support.commands import json_of, table_of
from tests.support.databases import at, new_database
from tests.support.hubs import connect
from tests.support.live import Hub, LiveHub
from tests.support.peers import Peer
from tests.support.rows import SECOND_ID, Rows, fill, one_more, rows_of

LEFT_OUT = {"lease", "pending_token"}


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a schema, of each kind."""
    with new_database(request.param, tmp_path) as url:
        yield url


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


def rows_in(url: str) -> Rows:
    with engine_of(url) as engine, engine.connect() as connection:
        return rows_of(connection)


@pytest.fixture
def filled(app: Flask) -> Iterator[Rows]:
    """What the source has; afterwards its counters are again those of the schema, as other tests have it."""
    with app.app_context(), db.engine.begin() as connection:
        fill(connection)
        rows = rows_of(connection)
    yield rows
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(delete(Counter))
        connection.execute(insert(Counter).values(name=feed.REVISION, value=0))


def test_every_row_arrives_as_it_was(app: Flask, filled: Rows, target: str) -> None:
    table_of(app, "copy-to", target, "--force")
    after = rows_in(target)
    assert {name for name, rows in after.items() if not rows} == LEFT_OUT
    assert {name: rows for name, rows in after.items() if name not in LEFT_OUT} == {
        name: rows for name, rows in filled.items() if name not in LEFT_OUT
    }


def test_a_file_that_it_makes_is_for_its_owner_only(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Wherever it is: it has all tokens in it."""
    made = tmp_path_factory.mktemp("elsewhere") / "hubinfo.sqlite3"
    table_of(app, "copy-to", f"sqlite:///{made}", "--force")
    assert made.stat().st_mode & 0o777 == 0o600


def test_it_says_how_many_rows_of_each_table_are_on_both_sides(app: Flask, filled: Rows, target: str) -> None:
    said = json_of(app, "copy-to", target, "--force")
    names = [table.name for table in db.metadata.sorted_tables if table.name not in LEFT_OUT]
    assert said == [{"table": name, "source": 2, "target": 2} for name in names]


def test_a_column_without_a_document_does_not_get_an_empty_one(app: Flask, filled: Rows, target: str) -> None:
    table_of(app, "copy-to", target, "--force")
    with engine_of(target) as engine, engine.connect() as connection:
        assert connection.scalars(text("SELECT id FROM platform WHERE endpoints IS NULL")).all() == [SECOND_ID]


def test_the_next_row_of_each_table_gets_the_next_id(app: Flask, filled: Rows, target: str) -> None:
    table_of(app, "copy-to", target, "--force")
    with engine_of(target) as engine, engine.begin() as connection:
        for table in db.metadata.sorted_tables:
            if table.autoincrement_column is not None:
                made = connection.execute(insert(table).values(one_more(table)))
                assert made.inserted_primary_key == (SECOND_ID + 1,), table.name


def test_a_database_that_has_the_schema_already_is_welcome(app: Flask, target: str) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    with at(target, app):
        schema.make()
    counts = {row["table"]: row["target"] for row in json_of(app, "copy-to", target)}
    assert (counts["platform"], counts["client_info"], counts["counter"]) == (1, 1, 2)


def test_nothing_at_all_can_be_copied_too(app: Flask, target: str) -> None:
    assert {row["target"] for row in json_of(app, "copy-to", target) if row["table"] != "counter"} == {0}
    with at(target, app):
        schema.check()


def test_it_is_one_state_that_is_copied_while_the_hub_goes_on(app: Flask, target: str) -> None:
    """What is written once the copying has begun is in none of the tables, also in those that come later."""
    connect(app, ("CPO", "NL", "AAA"))
    written: list[str] = []

    def write_on(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO platform") and not written:
            written.append(statement)
            connect(app, ("EMSP", "NL", "BBB"))

    event.listen(Engine, "before_cursor_execute", write_on)
    try:
        counts = {row["table"]: row for row in json_of(app, "copy-to", target)}
    finally:
        event.remove(Engine, "before_cursor_execute", write_on)
    assert written
    assert {(row["source"], row["target"]) for name, row in counts.items() if name in {"platform", "client_info"}} == {(1, 1)}
    assert counts["history"]["target"] == 1
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Platform)) == 2


def test_memory_does_not_grow_with_the_rows(app: Flask, target: str) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    rows = 15 * copying.BATCH
    with app.app_context(), write() as session:
        line = {"client_info_id": session.scalars(select(ClientInfo.id)).one(), "at": clock.now(), "status": "OFFLINE"}
        session.execute(insert(History), [line | {"event": "heard", "reason": f"{number:0200d}"} for number in range(rows)])
    with at(target, app):
        schema.make()  # what is loaded for it stays
    tracemalloc.start()
    try:
        counts = {row["table"]: row["target"] for row in json_of(app, "copy-to", target)}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counts["history"] == rows + 1
    assert peak < rows * 250  # bytes: the reasons alone, all at once, would be about as many


def test_a_hub_goes_on_from_the_copy(
    hub: Hub, target: str, make_peer: Callable[..., Peer], make_live_hub: Callable[..., LiveHub]
) -> None:
    first, second, third = make_peer(), make_peer(), make_peer()
    hub.register(first, ("CPO", "NL", "AAA"))
    token = hub.register(second, ("EMSP", "BE", "BBB"))
    counts = {row["table"]: row["target"] for row in hub.run("copy-to", target)}
    assert (counts["platform"], counts["client_info"]) == (2, 2)
    live = make_live_hub(database_url=target)
    first.wait_for(lambda peer: len(peer.puts) == 1)
    assert [put["party_id"] for put in first.puts] == ["BBB"]  # not told before; second knew of first when it came
    assert live.request("GET", "/ocpi/2.2.1/hubclientinfo", token).json()["data"][0]["party_id"] == "AAA"
    live.register(third, ("NSP", "FR", "CCC"))
    for peer in (first, second):
        peer.wait_for(lambda peer: "CCC" in [put["party_id"] for put in peer.puts])
    assert [put["party_id"] for put in second.puts] == ["CCC"]
    sent = [request.headers["Authorization"] for request in first.received if request.method == "PUT"]
    assert len(set(sent)) == 1
