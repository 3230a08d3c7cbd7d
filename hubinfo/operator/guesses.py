"""Guessing of the operator's password is slowed down, in this process: for each source, and for all of them together."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask

FREE = 5
"""Wrong ones in a row from one source that cost nothing."""
FREE_IN_TOTAL = 50
"""From all sources, whatever right ones come between them: a proxy hides who is who."""
FIRST_WAIT_SECONDS = 4.0
LONGEST_WAIT_SECONDS = 60.0
FORGOTTEN_AFTER_SECONDS = 60.0
_SOURCES = 10_000
"""More are not told apart: the one that was wrong first is forgotten."""
_STRANGERS, _KNOWN = "hubinfo.guesses", "hubinfo.guesses_of_known"


@dataclass(frozen=True)
class Judged:
    """What came of an attempt."""

    is_right: bool
    wait_seconds: float = 0.0
    """Until the next attempt may be made; this one was not looked at."""


class _Count:
    """Wrong passwords, and until when nobody may try again."""

    def __init__(self, free: int, now: float) -> None:
        self._free, self._wrong = free, 0
        self._last_at = now
        self.closed_until = now

    def wrong(self, now: float) -> None:
        """From the last free one on a wait that doubles, never longer than a minute."""
        if now > max(self._last_at, self.closed_until) + FORGOTTEN_AFTER_SECONDS:
            self._wrong = 0
        self._wrong, self._last_at = self._wrong + 1, now
        if self._wrong >= self._free:
            wait = FIRST_WAIT_SECONDS * 2.0 ** min(self._wrong - self._free, 10)
            self.closed_until = now + min(wait, LONGEST_WAIT_SECONDS)


class Guesses:
    """Judges passwords one after the other, so that none passes before the one beside it is known. Used by any thread.

    Nobody is held: attempts are refused until the wait is over.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._sources: dict[str, _Count] = {}
        self._total = _Count(FREE_IN_TOTAL, self._now())

    def judge(self, source: str, is_right: Callable[[], bool]) -> Judged:
        """Whether the password is right, unless there is still a wait; `is_right` is asked at most once."""
        with self._lock:
            now = self._now()
            counts = [count for count in (self._sources.get(source), self._total) if count is not None]
            wait = max(count.closed_until for count in counts) - now
            if wait > 0:
                return Judged(is_right=False, wait_seconds=wait)
            if is_right():
                self._sources.pop(source, None)  # who knows it may mistype it again; others have proven nothing
                return Judged(is_right=True)
            self._wrong(source, now)
            return Judged(is_right=False)

    def _wrong(self, source: str, now: float) -> None:
        count = self._sources.setdefault(source, _Count(FREE, now))
        for each in (count, self._total):
            each.wrong(now)
        if len(self._sources) > _SOURCES:
            del self._sources[next(iter(self._sources))]


def equip(app: Flask) -> None:
    """One count for the board and `/api`, and another for browsers that had the password before."""
    app.extensions[_STRANGERS], app.extensions[_KNOWN] = Guesses(), Guesses()


def of(app: Flask, *, known: bool = False) -> Guesses:
    """The count of this app. With `known` the one of known browsers, so that who guesses on and on does not lock them out."""
    found = app.extensions[_KNOWN if known else _STRANGERS]
    assert isinstance(found, Guesses)
    return found
