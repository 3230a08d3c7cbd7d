"""The outbox: each channel is tried again by itself, ever later, and gives up loudly; nobody sends what another is sending."""

import itertools
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from hubinfo.database import db, write
from hubinfo.models import Notification
from hubinfo.notify import outbox
from hubinfo.notify.channel import NotSent, PartlySent
from hubinfo.notify.courier import Courier
from hubinfo.notify.outbox import Message
from hubinfo.notify.watch import Watch
from tests.support.apps import MakeApp
from tests.support.hubs import SetClock
from tests.support.notices import Desk

both_databases = pytest.mark.both_databases("who takes what from the outbox, and in which order")

EVENT: dict[str, Any] = {"type": "party.back", "timestamp": "2030-01-01T00:00:00.000Z", "data": {"parties": []}}


class Recorder:
    """A channel that notes what it is given, and fails with what `fails` says."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.fails: Exception | None = None
        self.refuses: str | None = None
        self.while_sending: Callable[[], object] = lambda: None

    def send(self, message: Message) -> None:
        self.ids.append(message.id)
        self.while_sending()
        if self.fails:
            raise self.fails
        if message.id == self.refuses:
            raise NotSent("this one never")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    logger = logging.getLogger("hubinfo")
    logger.addHandler(caplog.handler)
    logger.setLevel(logging.INFO)
    yield caplog
    logger.removeHandler(caplog.handler)


def put(app: Flask, clock: SetClock, *channels: str) -> None:
    with app.app_context(), write() as session:
        for channel in channels:
            outbox.put(session, channel, [EVENT], clock())


def waiting(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Notification)) or 0


def courier(app: Flask, clock: SetClock, channel: Recorder, name: str = "mail", **options: Any) -> Courier:
    return Courier(app, name, channel, now=clock, **options)


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


def test_who_may_not_send_says_so(app: Flask, clock: SetClock) -> None:
    """So that the fault of a courier is not taken to be over when its process only no longer leads."""
    put(app, clock, "mail")
    recorder = Recorder()
    assert courier(app, clock, recorder, may_run=lambda: False).run() is False
    assert (recorder.ids, waiting(app)) == ([], 1)


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


def ids(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Notification.message_id).order_by(Notification.id)))


def test_a_message_that_is_refused_holds_up_no_other(app: Flask, clock: SetClock) -> None:
    put(app, clock, "mail", "mail", "mail")
    recorder, [refused, *others] = Recorder(), ids(app)
    recorder.refuses = refused
    courier(app, clock, recorder).run()
    assert (recorder.ids, ids(app)) == ([refused, *others], [refused])


@both_databases
def test_what_is_told_keeps_its_order_whatever_failed_before(app: Flask, clock: SetClock) -> None:
    """That a party is back is not followed by that it is OFFLINE."""
    put(app, clock, "mail")
    recorder, sent = Recorder(), list[str]()
    recorder.fails = NotSent("connection refused")
    sends = courier(app, clock, recorder)
    for _ in range(5):
        sends.run()
        clock.pass_seconds(400)
        put(app, clock, "mail")
    recorder.fails, recorder.ids, sent = None, [], ids(app)
    sends.run()
    assert (recorder.ids, waiting(app)) == (sent, 0)
    assert len(sent) == 6


def test_a_channel_that_is_down_is_not_asked_for_each_message(app: Flask, clock: SetClock) -> None:
    put(app, clock, *["mail"] * 9)
    recorder = Recorder()
    recorder.fails = NotSent("connection refused")
    sends = courier(app, clock, recorder)
    sends.run()
    clock.pass_seconds(59)
    sends.run()
    assert recorder.ids == ids(app)[:2]
    clock.pass_seconds(1)
    sends.run()
    assert recorder.ids == ids(app)[:2] * 2
    clock.pass_seconds(86_400)
    for _ in range(5):
        sends.run()
    assert (len(recorder.ids), waiting(app)) == (4 + 9, 0)


def test_what_some_have_got_is_not_sent_again_and_the_log_says_who_has_not(
    app: Flask, clock: SetClock, said: pytest.LogCaptureFixture
) -> None:
    put(app, clock, "mail")
    recorder = Recorder()
    recorder.fails = PartlySent("mail server refuses ops@example.com: SMTP 550")
    courier(app, clock, recorder).run()
    assert (len(recorder.ids), waiting(app)) == (1, 0)
    refused, sent = said.records
    assert (refused.getMessage(), sent.getMessage()) == ("recipients_refused", "notification_sent")
    assert refused.__dict__["hubinfo"]["reason"] == "mail server refuses ops@example.com: SMTP 550"


def test_who_has_to_wait_takes_no_lock_of_writers(app: Flask, make_app: MakeApp, clock: SetClock) -> None:
    """It is looked for work every two seconds."""
    put(app, clock, "mail")
    recorder = Recorder()
    recorder.fails = NotSent("connection refused")
    sends = courier(app, clock, recorder)
    sends.run()
    put(app, clock, "mail")
    with make_app().app_context(), write():  # it would be waited for, in vain
        sends.run()
    assert (len(recorder.ids), waiting(app)) == (1, 2)


def test_what_waits_is_tried_at_once_when_it_is_made_due(app: Flask, clock: SetClock) -> None:
    put(app, clock, "mail")
    recorder = Recorder()
    recorder.fails = NotSent("connection refused")
    sends = courier(app, clock, recorder)
    sends.run()
    recorder.fails = None
    with app.app_context():
        outbox.make_due("mail", clock())
    sends.run()
    assert waiting(app) == 0


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
