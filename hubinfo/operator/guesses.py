"""Guessing of the operator's password is slowed down, in this process, for everybody together: a proxy hides who is who."""

import threading
import time
from collections.abc import Callable

from flask import Flask

FREE = 5
"""Wrong ones in a row that cost nothing."""
FIRST_WAIT_SECONDS = 4.0
LONGEST_WAIT_SECONDS = 60.0
FORGOTTEN_AFTER_SECONDS = 60.0
_STRANGERS, _KNOWN = "hubinfo.guesses", "hubinfo.guesses_of_known"


class Guesses:
    """Counts wrong passwords; nobody is ever held, attempts are refused until the wait is over. Used by any thread."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._wrong = 0
        self._closed_until = self._last_at = now()

    def wait_seconds(self) -> float:
        """How long until the next attempt may be made; 0 when it may be made now."""
        with self._lock:
            return max(0.0, self._closed_until - self._now())

    def wrong(self) -> None:
        """A wrong password: from the fifth in a row on a wait that doubles, never longer than a minute."""
        with self._lock:
            now = self._now()
            if now > max(self._last_at, self._closed_until) + FORGOTTEN_AFTER_SECONDS:
                self._wrong = 0
            self._wrong, self._last_at = self._wrong + 1, now
            if self._wrong >= FREE:
                wait = FIRST_WAIT_SECONDS * 2.0 ** min(self._wrong - FREE, 10)
                self._closed_until = now + min(wait, LONGEST_WAIT_SECONDS)

    def right(self) -> None:
        """The password: who knows it may mistype it again."""
        with self._lock:
            self._wrong, self._closed_until = 0, self._now()


def equip(app: Flask) -> None:
    """One count for the board and `/api`, and another for browsers that had the password before."""
    app.extensions[_STRANGERS], app.extensions[_KNOWN] = Guesses(), Guesses()


def of(app: Flask, *, known: bool = False) -> Guesses:
    """The count of this app. With `known` the one of known browsers, so that who guesses on and on does not lock them out."""
    found = app.extensions[_KNOWN if known else _STRANGERS]
    assert isinstance(found, Guesses)
    return found
