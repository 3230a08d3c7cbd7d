"""What is kept how long, and that forgetting keeps nobody from writing."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, insert, select

from hubinfo import clock, worker
from hubinfo.database import db, write
from hubinfo.hub import activity, history, retention
from hubinfo.models import Action, Activity, ClientInfo, History
from tests.support.hubs import SetClock, connect
from tests.support.live import LiveHub
from tests.support.waiting import wait_until

pytestmark = pytest.mark.both_databases("what is deleted in steps, and who waits meanwhile")

STEP = 2000
DAY = timedelta(days=1)


def remember(app: Flask, lines: int, at: datetime) -> None:
    """A party, and lines of history that were overtaken, a millisecond apart."""
    connect(app, ("CPO", "NL", "AAA"))
    values = [
        {"client_info_id": 1, "at": at + timedelta(milliseconds=number), "event": "heard", "status": "CONNECTED"}
        for number in range(lines)
    ]
    with app.app_context(), write() as session:
        session.execute(insert(History), values)


def count(table: type[Action | Activity | History]) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_history_is_forgotten_in_steps_between_which_others_can_write(app: Flask, now: SetClock) -> None:
    remember(app, 2 * STEP + 10, now.time - 10 * DAY)
    left: list[int] = []

    def pause(seconds: float) -> None:
        assert seconds > 0
        assert not db.session().in_transaction()
        left.append(count(History))
        db.session.rollback()

    with app.app_context():
        retention.forget_before(now.time - DAY, lambda: True, pause)
        assert left == [STEP + 11, 11, 2]
        assert count(History) == 2


def test_forgetting_stops_when_it_is_told_to(app: Flask, now: SetClock) -> None:
    remember(app, 2 * STEP + 10, now.time - 10 * DAY)
    answers = iter([True, False])
    with app.app_context():
        retention.forget_before(now.time - DAY, lambda: next(answers), lambda seconds: None)
        assert count(History) == STEP + 11
        retention.forget_before(now.time - DAY, lambda: False, lambda seconds: None)
        assert count(History) == STEP + 11


def test_where_nothing_is_old_nobody_waits(app: Flask, now: SetClock) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    pauses: list[float] = []
    with app.app_context():
        retention.forget_before(now.time - DAY, lambda: True, pauses.append)
        assert count(History) == 1
    assert pauses == []


def test_what_a_row_is_stays_known_however_long_ago_it_became_so(app: Flask, now: SetClock) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    now.pass_seconds(1000 * DAY.total_seconds())
    with app.app_context():
        retention.forget_before(now.time, lambda: True, lambda seconds: None)
        assert count(History) == 1
        [totals] = history.between(db.session(), now.time - DAY, now.time).values()
    assert totals.availability == 1
    assert totals.up_ms == DAY // timedelta(milliseconds=1)


def test_actions_are_kept_from_the_cutoff_on(app: Flask, now: SetClock) -> None:
    with app.app_context():
        with write() as session:
            for days in (0, 1, 2, 3):
                session.add(Action(at=now.time - days * DAY, source="board", what=f"{days} days ago"))
        retention.forget_before(now.time - 2 * DAY, lambda: True)
        assert db.session.scalars(select(Action.what).order_by(Action.id)).all() == [f"{days} days ago" for days in (0, 1, 2)]


def test_of_pushes_and_probes_the_latest_are_kept_however_old(app: Flask, now: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "KEPT", 5)
    platform = connect(app, ("CPO", "NL", "AAA"))
    with app.app_context():
        with write() as session:
            entries = {"at": now.time - 1000 * DAY, "kind": "probe", "platform_id": platform, "outcome": "ok", "seconds": 0.1}
            session.execute(insert(Activity), [entries | {"reason": str(number)} for number in range(12)])
        for _ in range(2):
            retention.forget_before(now.time, lambda: True)
            assert db.session.scalars(select(Activity.reason).order_by(Activity.id)).all() == ["7", "8", "9", "10", "11"]


def test_the_worker_forgets_what_is_older_than_history_days(
    make_live_hub: Callable[..., LiveHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "TIDY_SECONDS", 0.1)
    hub = make_live_hub(history_days=3)
    with hub.app.app_context():
        with write() as session:
            session.add(Action(at=clock.now() - 4 * DAY, source="board", what="old"))
            session.add(Action(at=clock.now() - 2 * DAY, source="board", what="new"))
        platform = connect(hub.app, ("CPO", "NL", "AAA"))
        with write() as session:
            row = session.scalars(select(ClientInfo).where(ClientInfo.platform_id == platform)).one()
            for days, status in ((5, "PLANNED"), (4, "OFFLINE"), (2, "CONNECTED")):
                session.add(History(client_info=row, at=clock.now() - days * DAY, event="heard", status=status))
    wait_until(lambda: kept(hub.app) == (["new"], ["OFFLINE", "CONNECTED", "CONNECTED"]))


def kept(app: Flask) -> tuple[list[str], list[str]]:
    """What operators did, and what rows became."""
    with app.app_context():
        actions = db.session.scalars(select(Action.what)).all()
        return list(actions), list(db.session.scalars(select(History.status).order_by(History.at)).all())
