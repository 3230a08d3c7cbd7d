"""Work in the background: in a thread of its own while there is any, and a fault in it is a line in the log."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from hubinfo.database import cause
from hubinfo.logs import say, say_where
from hubinfo.ocpi.crew import Crew

_log = logging.getLogger(__name__)
_PAUSE_SECONDS = 0.25
"""After a fault, before the next try."""
_SILENT_SECONDS = 60.0
"""Between two lines on a fault that lasts."""


@dataclass
class _Fault:
    failures: int = 0
    silent_until: dict[type[Exception], float] = field(default_factory=dict)


class Faults:
    """What fails again and again does not fill the log: a line when it begins, one each minute, and one when it is over."""

    def __init__(self) -> None:
        self._lasting: dict[str, _Fault] = {}

    def failed(self, job: str, error: Exception) -> int | None:
        """How often it has failed until now, or None when that was said a moment ago, of an error of this kind."""
        fault = self._lasting.setdefault(job, _Fault())
        fault.failures += 1
        now = time.monotonic()
        if now < fault.silent_until.get(type(error), now):
            return None
        fault.silent_until[type(error)] = now + _SILENT_SECONDS
        return fault.failures

    def report(self, job: str, error: Exception) -> None:
        """A database that cannot be reached is one line; anything else is a bug of ours and shows where."""
        failures = self.failed(job, error)
        if failures is None:
            return
        if isinstance(error, SQLAlchemyError):
            say(_log, logging.ERROR, "job_failed", job=job, failures=failures, reason=f"database: {cause(error)}")
        else:
            say_where(_log, "job_failed", error, job=job, failures=failures)

    def over(self, job: str) -> None:
        """It has not failed this time."""
        fault = self._lasting.pop(job, None)
        if fault is not None:
            say(_log, logging.INFO, "job_works_again", job=job, failures=fault.failures)


class Job:
    """Work that runs in one thread at a time; asked for while running, it runs once more.

    A step that may not run at the moment, since another process leads, returns False: that says nothing of a fault it had.
    """

    def __init__(self, name: str, step: Callable[[], bool | None], crew: Crew, stopped: threading.Event) -> None:
        self._name = name
        self._step = step
        self._crew = crew
        self._stopped = stopped
        self._lock = threading.Lock()
        self._faults = Faults()
        self._asked = False
        self._idle = threading.Event()
        self._idle.set()

    def ask(self) -> None:
        """Run soon. May be called from any thread."""
        with self._lock:
            self._asked = True
            if self.running:
                return
            self._idle.clear()
        self._crew.submit(self._run)

    def _run(self) -> None:
        while self._goes_on():
            try:
                if self._step() is not False:
                    self._faults.over(self._name)
            except Exception as error:
                self._faults.report(self._name, error)
                self._stopped.wait(_PAUSE_SECONDS)

    def _goes_on(self) -> bool:
        with self._lock:
            goes_on = self._asked and not self._stopped.is_set()
            self._asked = False
            if not goes_on:
                self._idle.set()
            return goes_on

    @property
    def running(self) -> bool:
        """Whether it is at work or about to be."""
        return not self._idle.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of what is under way, at most so long; whether it has ended."""
        return self._idle.wait(seconds)
