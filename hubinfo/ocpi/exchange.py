"""Many requests side by side, so that a platform that hangs delays no other."""

import functools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from hubinfo.ocpi.crew import Crew

PATIENCE_SECONDS = 0.2
SLOW_LANE = 4
"""The slow lane is so many times as wide as the fast one: it costs threads that do nothing but wait."""
_TICK_SECONDS = 0.02


class Sendable(Protocol):
    """What the exchange needs to know of a request."""

    @property
    def platform_id(self) -> int:
        """Whose turn it is."""
        ...


@dataclass
class _Flight:
    request: Any
    started: float
    slow: bool


class Exchange:
    """One run of requests over two lanes.

    1. A platform begins in the fast lane, or in the slow one when it last answered late or not at all.
    2. A request under way longer than PATIENCE_SECONDS moves to the slow lane, so its place is free for another.
    3. So hanging platforms fill the slow lane, and the fast lane goes on at the pace of those that answer.
    """

    def __init__(
        self,
        call: Callable[[Any], Any],
        crew: Crew,
        concurrency: int,
        slow: set[int],
        closed: threading.Event,
    ) -> None:
        self._call = call
        self._crew = crew
        self._room = {False: concurrency, True: concurrency * SLOW_LANE}
        self._slow = slow
        self._closed = closed
        self._waiting: dict[bool, deque[Any]] = {False: deque(), True: deque()}
        self._held: dict[int, deque[Any]] = {}
        self._flying: dict[int, _Flight] = {}
        self._sent = 0
        """Requests whose end has not been taken notice of."""
        self._ended: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()

    def run(
        self,
        requests: Iterable[Sendable],
        then: Callable[[Any, Any], Any],
        more: Callable[[], Iterable[Any]],
    ) -> None:
        """Until nothing is under way and nothing follows, or the client is closed.

        Raises what `then` or `more` raise, once what is under way has ended: the next run would send another beside it.
        """
        self._add(requests)
        try:
            while not self._closed.is_set():
                self._add(more())
                self._move_late()
                self._launch()
                if not self._flying:
                    return
                for request, outcome in self._take_ended():
                    self._land(request, then(request, outcome))
        except BaseException:
            self._wait_for_all()
            raise

    def _wait_for_all(self) -> None:
        """As long as requests take at most; what comes of them is lost, and is asked or told again."""
        while self._sent and not self._closed.is_set():
            self._take_ended()

    def _add(self, requests: Iterable[Any]) -> None:
        for request in requests:
            self._waiting[request.platform_id in self._slow].append(request)

    def _launch(self) -> None:
        for lane, waiting in self._waiting.items():
            while waiting and self._room[lane] > 0:
                request = waiting.popleft()
                if request.platform_id in self._flying:
                    self._held.setdefault(request.platform_id, deque()).append(request)
                    continue
                self._room[lane] -= 1
                self._flying[request.platform_id] = _Flight(request, time.monotonic(), lane)
                self._sent += 1
                self._crew.submit(functools.partial(self._send, request))

    def _send(self, request: Any) -> None:
        self._ended.put((request, self._call(request)))

    def _take(self, wait_seconds: float | None) -> tuple[Any, Any]:
        ended = self._ended.get(timeout=wait_seconds) if wait_seconds else self._ended.get_nowait()
        self._sent -= 1
        return ended

    def _take_ended(self) -> list[tuple[Any, Any]]:
        """All that have ended; waits a moment for the first."""
        ended: list[tuple[Any, Any]] = []
        try:
            ended.append(self._take(_TICK_SECONDS))
            while True:
                ended.append(self._take(None))
        except queue.Empty:
            return ended

    def _land(self, request: Any, following: Any) -> None:
        flight = self._flying.pop(request.platform_id)
        self._room[flight.slow] += 1
        late = time.monotonic() - flight.started > PATIENCE_SECONDS
        (self._slow.add if late else self._slow.discard)(request.platform_id)
        self._add(() if following is None else (following,))
        self._add(self._held.pop(request.platform_id, ()))

    def _move_late(self) -> None:
        """The flights are in the order of their start, so the first young one ends the search."""
        patience_ended = time.monotonic() - PATIENCE_SECONDS
        for flight in self._flying.values():
            if flight.started > patience_ended or self._room[True] <= 0:
                return
            if not flight.slow:
                flight.slow = True
                self._room[True] -= 1
                self._room[False] += 1
