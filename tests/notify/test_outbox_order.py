"""In which order messages are sent, and what waits for which."""

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo.database import db, write
from hubinfo.models import Notification
from hubinfo.notify import outbox
from hubinfo.notify.channel import NotSent, PartlySent
from tests.support.apps import MakeApp
from tests.support.hubs import SetClock
from tests.support.outbox import Recorder, courier, put, waiting

both_databases = pytest.mark.both_databases("who takes what from the outbox, and in which order")


def test_who_may_not_send_says_so(app: Flask, clock: SetClock) -> None:
    """So that the fault of a courier is not taken to be over when its process only no longer leads."""
    put(app, clock, "mail")
    recorder = Recorder()
    assert courier(app, clock, recorder, may_run=lambda: False).run() is False
    assert (recorder.ids, waiting(app)) == ([], 1)


def ids(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Notification.message_id).order_by(Notification.id)))


def test_a_message_that_is_refused_holds_up_no_other(app: Flask, clock: SetClock) -> None:
    put(app, clock, "mail", "mail", "mail")
    recorder, [refused, *others] = Recorder(), ids(app)
    recorder.refuses = refused
    courier(app, clock, recorder).run()
    assert (recorder.ids, ids(app)) == ([refused, *others], [refused])


def test_messages_that_are_refused_now_and_then_hold_up_no_other(app: Flask, clock: SetClock) -> None:
    """Two in a row would mean that the channel is down."""
    put(app, clock, *["mail"] * 5)
    recorder, waiting_ids = Recorder(), ids(app)
    refused = waiting_ids[::2]

    def refuse() -> None:
        if recorder.ids[-1] in refused:
            raise NotSent("this one never")

    recorder.while_sending = refuse
    courier(app, clock, recorder).run()
    assert (recorder.ids, ids(app)) == (waiting_ids, refused)


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
