"""However many lines of history there are, a page reads few of them: it finds them by index."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from hubinfo.database import db, write
from hubinfo.hub import history
from hubinfo.operator import availability, dossier, overview, timeline
from hubinfo.operator.overview import Wanted
from tests.support.hubs import SetClock, connect
from tests.support.statements import counted

INDEX = "ix_history_client_info_id_at"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
VIEWS: dict[str, Callable[[], object]] = {
    "parties": lambda: overview.parties(Wanted()),
    "parties by availability": lambda: overview.parties(Wanted(sort="availability_30d")),
    "a party": lambda: dossier.of("NL-AAA"),
    "availability": lambda: availability.of_parties(availability.period(days=400)),
    "availability of a party": lambda: availability.of_parties(availability.period(days=400), "NL-AAA"),
    "timeline": lambda: timeline.intervals([1, 2], availability.period(days=30)),
}


def plans(statements: list[str]) -> list[str]:
    """How SQLite goes about them."""
    found: list[str] = []
    with db.engine.connect() as connection:
        for statement in statements:
            bound = (None,) * statement.count("?")
            found += [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", bound)]
    return found


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_reads_all_lines(app: Flask, now: SetClock, view: str) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"))
    now.pass_seconds(1)
    with app.app_context():
        with counted(app) as statements:
            VIEWS[view]()
        steps = [step for step in plans(statements) if "history" in step]
    assert any(INDEX in step for step in steps)
    assert [step for step in steps if step.startswith("SCAN")] == []


def test_forgetting_reads_old_lines_only(app: Flask, now: SetClock) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    with app.app_context():
        with counted(app) as statements, write() as session:
            history.forget_before(session, now.time)
        steps = plans([statement for statement in statements if statement.startswith("SELECT history")])
    assert ["ix_history_at" in steps[0], *(INDEX in step for step in steps if "history_1" in step)] == [True, True]


def test_the_plans_of_these_tests_would_show_a_scan(app: Flask) -> None:
    with app.app_context():
        db.session.execute(text("SELECT 1"))
        assert plans(["SELECT count(reason) FROM history"]) == ["SCAN history"]
