"""Sends what waits for one channel: in order, a message at a time, each again and again until it gets through or is a day old."""

import logging
from collections.abc import Callable

from blinker import Namespace
from flask import Flask

from hubinfo import clock
from hubinfo.logs import say, say_where
from hubinfo.notify import outbox
from hubinfo.notify.channel import Channel, NotSent, PartlySent
from hubinfo.notify.outbox import Entry, Message

_log = logging.getLogger(__name__)
_FAILURES = 2
"""After so many in a row it is not the message but the channel; one alone holds up no other."""
SENT, FAILED, GIVEN_UP = OUTCOMES = "sent", "failed", "given_up"
_LEVELS = {SENT: logging.INFO, FAILED: logging.WARNING, GIVEN_UP: logging.ERROR}
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
        self._sent: set[str] = set()
        """What the database has not taken our word for yet: never to be sent again."""

    def run(self) -> bool:
        """When anything is due, try all that waits, once each, the oldest first. Whether it may do so."""
        if not self._may_run():
            return False
        after, failures = 0, 0
        with self._app.app_context():
            self._note_sent()
            while self._may_run() and (entry := outbox.take(self._name, self._now(), after)):
                after, failures = entry.id, 0 if self._deliver(entry) else failures + 1
                if failures == _FAILURES:
                    outbox.hold_back(self._name, self._now())
                    break
        return True

    def _note_sent(self) -> None:
        if self._sent:
            outbox.sent(self._sent)
            self._sent.clear()

    def _deliver(self, entry: Entry) -> bool:
        """Whether it got through."""
        reason = self._send(entry.message)
        if reason is None:
            self._sent.add(entry.message.id)
            try:
                self._note_sent()
            finally:  # sent it is, whatever the database says
                self._say(entry, SENT)
        else:
            self._say(entry, GIVEN_UP if outbox.failed(entry, reason) else FAILED, reason=reason)
        return reason is None

    def _say(self, entry: Entry, outcome: str, **why: str) -> None:
        values = {"channel": self._name, "message": entry.message.id, "attempts": entry.attempts}
        say(_log, _LEVELS[outcome], f"notification_{outcome}", **values, **why)
        attempted.send(self._app, channel=self._name, outcome=outcome)

    def _send(self, message: Message) -> str | None:
        """Why it did not get through."""
        try:
            self._channel.send(message)
        except PartlySent as partly:
            say(_log, logging.WARNING, "recipients_refused", channel=self._name, message=message.id, reason=str(partly))
        except NotSent as error:
            return str(error)
        except Exception as bug:
            # And still tried again, and given up in the end.
            say_where(_log, "notification_broke", bug, channel=self._name, message=message.id)
            return "our own fault, see the log"
        return None
