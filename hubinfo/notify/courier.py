"""Sends what waits for one channel: a message at a time, each again and again until it gets through or is a day old."""

import logging
from collections.abc import Callable

from blinker import Namespace
from flask import Flask

from hubinfo import clock
from hubinfo.logs import say
from hubinfo.notify import outbox
from hubinfo.notify.channel import Channel, NotSent
from hubinfo.notify.outbox import Entry, Message

_log = logging.getLogger(__name__)
SENT, FAILED, GIVEN_UP = OUTCOMES = "sent", "failed", "given_up"
attempted = Namespace().signal("attempted")
"""Sent by an app as each attempt ends: its `channel` and `outcome`."""


class Courier:
    """Used by one thread at a time, which may wait for long: the database is never held meanwhile."""

    def __init__(
        self,
        app: Flask,
        name: str,
        channel: Channel,
        *,
        may_run: Callable[[], bool] = lambda: True,
        now: clock.Clock = clock.now,
    ) -> None:
        self._app = app
        self._name = name
        self._channel = channel
        self._may_run = may_run
        self._now = now

    def run(self) -> None:
        """Try all that is due, once each."""
        with self._app.app_context():
            while self._may_run() and (entry := outbox.take(self._name, self._now())):
                self._deliver(entry)

    def _deliver(self, entry: Entry) -> None:
        reason = self._send(entry.message)
        values = {"channel": self._name, "message": entry.message.id, "attempts": entry.attempts}
        if reason is None:
            outbox.sent(entry)
            outcome = SENT
            say(_log, logging.INFO, "notification_sent", **values)
        elif outbox.failed(entry, reason):
            outcome = GIVEN_UP
            say(_log, logging.ERROR, "notification_given_up", **values, reason=reason)
        else:
            outcome = FAILED
            say(_log, logging.WARNING, "notification_failed", **values, reason=reason)
        attempted.send(self._app, channel=self._name, outcome=outcome)

    def _send(self, message: Message) -> str | None:
        """Why it did not get through."""
        try:
            self._channel.send(message)
        except NotSent as error:
            return str(error)
        except Exception:
            # A bug of ours, and still tried again and given up in the end.
            _log.exception("notification_broke")
            return "our own fault, see the log"
        return None
