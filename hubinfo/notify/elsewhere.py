"""Everywhere else: what apprise can reach, one URL at a time."""

import importlib
import logging
import queue
import threading
from typing import Any

from hubinfo.config import Settings
from hubinfo.notify import words
from hubinfo.notify.channel import NotSent
from hubinfo.notify.outbox import Message

LIMIT_SECONDS = 30.0
_MOST = 10
"""Parties listed of each event: most of these services take short messages only."""


class Elsewhere:
    """One URL. apprise is an extra, and takes long to import, so it is loaded when there is something to send."""

    def __init__(self, settings: Settings, url: str, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._settings = settings
        self._url = url
        self._limit_seconds = limit_seconds
        self._running: dict[str, queue.SimpleQueue[bool]] = {}

    def __str__(self) -> str:
        return f"to {self._url.partition(':')[0]}://"

    def is_understood(self) -> bool:
        """Whether apprise can make sense of the URL."""
        return _apprise().Apprise.instantiate(self._url, suppress_exceptions=True) is not None

    def send(self, message: Message) -> None:
        """Raises NotSent. apprise knows no limit for all of it, so it works in a thread, which the next attempt waits for again."""
        if not self.is_understood():
            raise NotSent("apprise does not understand this URL")
        done = self._running.get(message.id) or self._start(message)
        try:
            delivered = done.get(timeout=self._limit_seconds)
        except queue.Empty:
            raise NotSent(f"timed out after {self._limit_seconds:g} s") from None
        del self._running[message.id]
        if not delivered:
            raise NotSent("apprise could not deliver it")

    def _start(self, message: Message) -> "queue.SimpleQueue[bool]":
        subject = words.subject(message, self._settings.party)
        text = words.text(message, self._settings, most=_MOST)
        done = self._running[message.id] = queue.SimpleQueue()
        threading.Thread(target=self._notify, args=(subject, text, done), name="apprise", daemon=True).start()
        return done

    def _notify(self, subject: str, text: str, done: "queue.SimpleQueue[bool]") -> None:
        delivered = False
        try:
            service = _apprise().Apprise()
            service.add(self._url)
            delivered = bool(service.notify(body=text, title=subject, body_format="text"))
        finally:
            done.put(delivered)


def _apprise() -> Any:
    """Its log lines may have in them what is secret in a URL, so there are none."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    return importlib.import_module("apprise")
