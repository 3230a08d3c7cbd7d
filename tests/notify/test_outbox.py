"""The outbox: each channel is tried again by itself, ever later, and gives up loudly; nobody sends what another is sending."""

import itertools
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from hubinfo.database import db, write
from hubinfo.models import Notification
from hubinfo.notify import outbox
from hubinfo.notify.channel import NotSent
from hubinfo.notify.watch import Watch
from tests.support.hubs import SetClock
from tests.support.notices import Desk
from tests.support.outbox import Recorder, courier, put, waiting

both_databases = pytest.mark.both_databases("who takes what from the outbox, and in which order")


@both_databases
def test_what_is_sent_is_not_sent_again(app: Flask, clock: SetClock, said: pytest.LogCaptureFixture) -> None:
    put(app, clock, "mail", "mail")
    recorder = Recorder()
    sends = courier(app, clock, recorder)
    sends.run()
    clock.pass_seconds(100_000)
    sends.run()
    assert (len(recorder.ids), len(set(recorder.ids)), waiting(app)) == (2, 2, 0)
    assert [record.getMessage() for record in said.records] == ["notification_sent"] * 2


def rename(app: Flask, table: str, to: str) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO {to}"))


@both_databases
def test_what_was_sent_as_the_database_went_away_is_not_sent_again(app: Flask, clock: SetClock) -> None:
    put(app, clock, "mail")
    recorder = Recorder()
    recorder.while_sending = lambda: rename(app, "notification", "gone")
    sends = courier(app, clock, recorder)
    for _ in range(2):
        with pytest.raises(SQLAlchemyError):
            sends.run()
        clock.pass_seconds(100)
    rename(app, "gone", "notification")
    assert sends.run()
    assert (len(recorder.ids), waiting(app)) == (1, 0)


@both_databases
def test_what_has_got_the_number_of_what_was_sent_is_sent_too(app: Flask, clock: SetClock) -> None:
    """Another process has sent the first again and deleted it; SQLite gives its number to the next."""
    put(app, clock, "mail")
    recorder = Recorder()
    recorder.while_sending = lambda: rename(app, "notification", "gone")
    sends = courier(app, clock, recorder)
    with pytest.raises(SQLAlchemyError):
        sends.run()
    rename(app, "gone", "notification")
    clock.pass_seconds(100)
    courier(app, clock, Recorder()).run()
    put(app, clock, "mail")
    recorder.while_sending = lambda: None
    sends.run()
    assert (len(set(recorder.ids)), waiting(app)) == (2, 0)


@both_databases
def test_it_is_tried_again_with_growing_waits_and_given_up_after_a_day(
    app: Flask, clock: SetClock, said: pytest.LogCaptureFixture
) -> None:
    put(app, clock, "mail")
    recorder, tried_at, began = Recorder(), list[timedelta](), clock.time
    recorder.fails = NotSent("connection refused")
    recorder.while_sending = lambda: tried_at.append(clock.time - began)
    sends = courier(app, clock, recorder)
    while waiting(app):
        sends.run()
        clock.pass_seconds(60)
    minutes = [at // timedelta(minutes=1) for at in tried_at]
    assert minutes[:8] == [0, 1, 3, 7, 15, 31, 63, 123]
    assert {later - earlier for earlier, later in itertools.pairwise(minutes[7:])} == {60}
    assert timedelta(hours=23) < tried_at[-1] <= timedelta(days=1)
    assert len(set(recorder.ids)) == 1
    *retries, given_up = said.records
    assert {(record.levelname, record.getMessage()) for record in retries} == {("WARNING", "notification_failed")}
    assert (given_up.levelname, given_up.getMessage()) == ("ERROR", "notification_given_up")
    assert given_up.__dict__["hubinfo"]["reason"] == "connection refused"


@both_databases
def test_each_channel_is_tried_by_itself(app: Flask, clock: SetClock) -> None:
    put(app, clock, "mail", "webhook")
    broken, whole = Recorder(), Recorder()
    broken.fails = NotSent("no")
    couriers = [courier(app, clock, broken), courier(app, clock, whole, "webhook")]
    for sends in couriers * 2:
        sends.run()
    assert (len(broken.ids), len(whole.ids), waiting(app)) == (1, 1, 1)


@both_databases
def test_nobody_else_sends_what_is_being_sent(app: Flask, clock: SetClock) -> None:
    """The leader changes while a server hangs."""
    put(app, clock, "mail", "mail")
    first, second = Recorder(), Recorder()
    first.while_sending = courier(app, clock, second).run
    courier(app, clock, first).run()
    assert (len(first.ids), second.ids, waiting(app)) == (2, [], 0)


@both_databases
def test_what_was_being_sent_by_who_died_is_sent_by_the_next_with_the_same_id(app: Flask, clock: SetClock) -> None:
    class Died(BaseException):
        """As good as kill -9 for what is stored."""

    put(app, clock, "mail")
    first, second = Recorder(), Recorder()
    first.fails = Died()  # type: ignore[assignment]
    with pytest.raises(Died):
        courier(app, clock, first).run()
    sends = courier(app, clock, second)
    sends.run()
    assert second.ids == []
    clock.pass_seconds(outbox.FIRST_WAIT_SECONDS)
    sends.run()
    assert (second.ids, waiting(app)) == (first.ids, 0)


def test_who_does_not_lead_sends_nothing_and_finds_nothing(app: Flask, clock: SetClock) -> None:
    put(app, clock, "mail")
    recorder = Recorder()
    courier(app, clock, recorder, may_run=lambda: False).run()
    desk = Desk(app, clock=clock)
    assert Watch(app, desk.settings, ["mail"], may_run=lambda: False, now=clock).look() is False
    assert (recorder.ids, desk.concerns()) == ([], [])


def test_who_no_longer_leads_stops_after_what_is_under_way(app: Flask, clock: SetClock) -> None:
    put(app, clock, "mail", "mail")
    recorder = Recorder()
    courier(app, clock, recorder, may_run=lambda: not recorder.ids).run()
    assert (len(recorder.ids), waiting(app)) == (1, 1)


@both_databases
def test_the_database_is_not_held_while_sending(app: Flask, clock: SetClock) -> None:
    put(app, clock, "mail")
    recorder, pooled = Recorder(), list[str]()

    def look() -> None:
        pooled.append(db.engine.pool.status())
        with write() as session:  # would wait for ten seconds, and fail, if a transaction were open
            session.execute(select(1))

    recorder.while_sending = look
    courier(app, clock, recorder).run()
    assert (len(pooled), waiting(app)) == (1, 0)
    assert "Checked out connections: 0" in pooled[0] or "NullPool" in pooled[0]


def test_a_bug_in_a_channel_is_logged_and_tried_again(app: Flask, clock: SetClock, said: pytest.LogCaptureFixture) -> None:
    put(app, clock, "mail")
    recorder = Recorder()
    recorder.fails = KeyError("a bug")
    sends = courier(app, clock, recorder)
    sends.run()
    assert [record.getMessage() for record in said.records] == ["notification_broke", "notification_failed"]
    recorder.fails = None
    clock.pass_seconds(61)
    sends.run()
    assert waiting(app) == 0


@both_databases
def test_what_waits_for_a_channel_that_is_gone_is_forgotten(app: Flask, clock: SetClock) -> None:
    put(app, clock, "mail", "webhook")
    desk = Desk(app, channels=("webhook",), clock=clock)
    desk.watch.look()
    with app.app_context():
        assert db.session.scalars(select(Notification.channel)).all() == ["webhook"]


@both_databases
def test_noted_as_told_and_put_into_the_outbox_in_one_transaction(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens in between, it is neither lost nor told twice."""
    desk = Desk(app)
    desk.connect("NL-TNM")
    desk.passes(30)
    desk.become("OFFLINE", "NL-TNM")
    desk.passes(600)

    def fail(*_arguments: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(outbox, "put", fail)
    desk.clock.pass_seconds(60)
    with pytest.raises(RuntimeError):
        desk.watch.look()
    monkeypatch.undo()
    desk.start_anew()
    assert desk.after(60) == [("party.offline", ["NL-TNM"])]
    assert desk.after(600) == []
