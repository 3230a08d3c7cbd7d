"""How many registrations run at the same time: each holds a thread of the server while the other side is called back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hubinfo.ocpi.envelope import Busy, TooManyRequests

SHARE = 4
"""Registrations together have one thread in so many."""
_THREADS = 16
"""Of the server, where nobody says how many it has: as gunicorn.conf.py has it."""
_RETRY_AFTER_SECONDS = 2


class Registrations:
    """Those under way in this process. Used by any thread; nobody waits."""

    def __init__(self, threads: int = _THREADS) -> None:
        self._lock = threading.Lock()
        self._platforms: set[int] = set()
        self.serve_with(threads)

    def serve_with(self, threads: int) -> None:
        """The server has so many threads."""
        self._room = max(1, threads // SHARE)

    @contextmanager
    def one(self, platform_id: int) -> Iterator[None]:
        """While inside, this platform registers. Raises TooManyRequests while it does so already, Busy while too many do."""
        with self._lock:
            if platform_id in self._platforms:
                raise TooManyRequests("this platform is registering already; wait for the answer", _RETRY_AFTER_SECONDS)
            if len(self._platforms) >= self._room:
                raise Busy(f"{self._room} platforms are registering at the moment; try again", _RETRY_AFTER_SECONDS)
            self._platforms.add(platform_id)
        try:
            yield
        finally:
            with self._lock:
                self._platforms.discard(platform_id)
