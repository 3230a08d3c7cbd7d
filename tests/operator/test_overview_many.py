"""The table of parties when they are many."""

import pytest
from flask import Flask

from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.operator import overview
from hubinfo.operator.overview import Wanted
from tests.support.hubs import SetClock, connect
from tests.support.statements import counted

pytestmark = pytest.mark.both_databases("one statement for all rows")


@pytest.mark.parametrize("sort", ["party", "behind", "availability_30d"])
@pytest.mark.parametrize("many", [50, overview._MANY], ids=["a page", "more than can be named"])
def test_rows_cost_no_further_statements(app: Flask, now: SetClock, sort: str, many: int) -> None:
    def statements() -> int:
        with counted(app) as found, app.app_context():
            assert overview.parties(Wanted(sort=sort, limit=1000)).rows
            overview.counts()
            overview.choices()
            overview.mark()
        return len(found)

    connect(app, ("CPO", "NL", "AAA"))
    one = statements()
    connect(app, *(("CPO", "BE", f"{number:03}") for number in range(many // 2)))
    for number in range(5):
        connect(app, *(("EMSP", "FR", f"{number}{item:02}") for item in range(many // 10)))
    assert statements() == one


def rows(app: Flask) -> list[overview.Row]:
    with app.app_context():
        return overview.parties(Wanted()).rows


def test_of_many_rows_each_has_its_own_availability(app: Flask, now: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = connect(app, ("CPO", "NL", "AAA")), connect(app, ("CPO", "NL", "BBB"))
    now.pass_seconds(100)
    with app.app_context(), write():
        presence.probes_failed({first: "gone"})
    now.pass_seconds(100)
    few = rows(app)
    monkeypatch.setattr(overview, "_MANY", 1)
    assert rows(app) == few
    assert [row["availability_30d"] for row in few] == [0.5, 1]
