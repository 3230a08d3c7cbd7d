"""The background thread: `schedule` ticks, jobs in threads of their own, wake-ups, a clean stop."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime

import schedule
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from hubinfo import clock, database, wakeup
from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.hub import cursors, feed
from hubinfo.hub.keepalive import Keepalive
from hubinfo.hub.push import Push
from hubinfo.lease import LEASE_SECONDS, RENEW_SECONDS, Claim
from hubinfo.logs import say
from hubinfo.ocpi.crew import Crew
from hubinfo.platforms import connections

_log = logging.getLogger(__name__)
POLL_SECONDS = 0.25
"""How often is looked for what has become due; what any process commits is seen sooner."""
CHECKPOINT_SECONDS = 10
_STOP_SECONDS = 2.0
_FINISH_SECONDS = 1.0
_LATE_SECONDS = 1.0
"""No job is further off than its interval. One that is, by more than this, was planned before the clock was set back."""


class Job:
    """Work that runs in one thread at a time; asked for while running, it runs once more."""

    def __init__(self, name: str, step: Callable[[], None], crew: Crew, stopped: threading.Event) -> None:
        self._name = name
        self._step = step
        self._crew = crew
        self._stopped = stopped
        self._lock = threading.Lock()
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
                self._step()
            except Exception as error:
                _report(self._name, error)
                self._stopped.wait(POLL_SECONDS)

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


class Worker:
    """One per serving process; of several, the one with the lease works, the others only write down whom they heard."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        with app.app_context():
            settings = current_settings()
            self._connections = connections()
        self._stopped = threading.Event()
        self._leads_until = 0.0
        self._claim = Claim()
        crew = Crew("worker")
        client, vault = self._connections.client, self._connections.vault
        self._push = Push(app, client, vault, settings, may_run=lambda: self.leads)
        self._keepalive = Keepalive(app, client, vault, settings, may_run=lambda: self.leads)
        self._push_job = Job("push", self._push.run, crew, self._stopped)
        self._keepalive_job = Job("keepalive", self._keepalive.run, crew, self._stopped)
        self._has_wal = settings.database_url.startswith("sqlite")
        self._scheduler = self._plan()
        self._newest = 0
        self._thread = threading.Thread(target=self._run, name="hubinfo-worker", daemon=True)
        self._watch = threading.Thread(target=self._watch_commits, name="hubinfo-watch", daemon=True)

    @property
    def leads(self) -> bool:
        """Whether this process holds the lease; by our own clock, so a process that was frozen does not think it still does."""
        return time.monotonic() < self._leads_until

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin; called once, by the process that serves, after any fork."""
        feed.revised.connect(self._on_revised, sender=self._app)
        self._thread.start()
        self._watch.start()

    def stop(self) -> None:
        """Drop what is in flight, write down who was heard, hand the lease over; within a few seconds.

        May be called again, by another exit hook.
        """
        feed.revised.disconnect(self._on_revised, sender=self._app)
        self.end()
        self._connections.client.close()
        for thread in (self._thread, self._watch):
            if thread.is_alive():
                thread.join(_STOP_SECONDS)

    def end(self) -> None:
        """As `stop`, without waiting for it. Takes no lock that a signal could have interrupted, so a handler may call it."""
        self._stopped.set()

    def _on_revised(self, _app: Flask) -> None:
        if self.leads:
            self._push.want()
            self._push_job.ask()

    def _watch_commits(self) -> None:
        with self._app.app_context():
            engine = db.engine
        wakeup.watch(engine, self._stopped, lambda: self._guarded(self._look_for_revision))

    def _look_for_revision(self) -> None:
        """Have what another process has just changed told at once."""
        if not self.leads:
            return
        newest = feed.newest_revision(db.session())
        if newest > self._newest:
            self._newest = newest
            self._push.want()
            self._push_job.ask()

    def _plan(self) -> schedule.Scheduler:
        """A scheduler of our own: the default one is global, and anybody's."""
        scheduler = schedule.Scheduler()
        jobs: tuple[tuple[float, Callable[[], None]], ...] = (
            (RENEW_SECONDS, self._renew),
            (1, self._claim_free_lease),
            (1, self._write_heard),
            (POLL_SECONDS, self._poll),
            (CHECKPOINT_SECONDS, self._checkpoint),
        )
        for seconds, job in jobs:
            # schedule is typed for whole numbers, and takes fractions.
            scheduler.every(seconds).seconds.do(self._guarded, job)  # type: ignore[arg-type]
        return scheduler

    def _guarded(self, job: Callable[[], None]) -> None:
        """To schedule, a job that raises has not run: it would stay due and starve those after it."""
        try:
            with self._app.app_context():
                job()
        except Exception as error:
            _report(job.__name__.strip("_"), error)

    def _run(self) -> None:
        self._guarded(self._renew)
        while not self._stopped.is_set():
            self._scheduler.run_pending()
            if self._was_clock_set_back():
                self._scheduler = self._plan()
            self._stopped.wait(max(self._scheduler.idle_seconds or 0.0, 0.0))
        self._connections.client.close()
        self._finish_jobs()
        self._guarded(self._write_heard)
        self._guarded(self._hand_over)

    def _was_clock_set_back(self) -> bool:
        """schedule reckons in naive local time: jobs planned before would wait for hours, those that ran meanwhile would not."""
        now = datetime.now()  # noqa: DTZ005
        planned = [(job.next_run, job.interval) for job in self._scheduler.jobs if job.next_run is not None]
        return any((next_run - now).total_seconds() > seconds + _LATE_SECONDS for next_run, seconds in planned)

    def _finish_jobs(self) -> None:
        """They end by themselves now that the client is closed; who leads next should find their cursors written."""
        deadline = time.monotonic() + _FINISH_SECONDS
        for job in (self._push_job, self._keepalive_job):
            job.wait(max(deadline - time.monotonic(), 0.0))

    def _renew(self) -> None:
        began = time.monotonic()
        led = self.leads
        if not self._claim.acquire():
            self._leads_until = 0.0
            return
        self._leads_until = began + LEASE_SECONDS
        if not led:
            say(_log, logging.INFO, "worker_leads", holder=self._claim.holder)
            self._poll()

    def _claim_free_lease(self) -> None:
        if not self.leads:
            self._renew()

    def _hand_over(self) -> None:
        if self.leads:
            self._leads_until = 0.0
            self._claim.release()

    def _write_heard(self) -> None:
        heard = self._connections.heard
        taken = heard.take()
        if not taken:
            return
        try:
            with write():
                self._connections.parties.heard(taken)
        except Exception:
            heard.put_back(taken)
            raise

    def _poll(self) -> None:
        """See what other processes changed, and what has become due by the clock."""
        if not self.leads:
            return
        if cursors.due(db.session(), clock.now()):
            self._push.want()
            self._push_job.ask()
        if self._keepalive.due():
            self._write_heard()  # who was heard within the last second need not be asked
            self._keepalive.want()
            self._keepalive_job.ask()

    def _checkpoint(self) -> None:
        if self._has_wal and self.leads and database.SQLITE_HAS_WAL_RESET_BUG:
            database.checkpoint(db.engine)


def _report(job: str, error: Exception) -> None:
    """A database that cannot be reached is one line, again and again; anything else is a bug of ours and shows where."""
    if isinstance(error, SQLAlchemyError):
        reason = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        say(_log, logging.ERROR, "job_failed", job=job, reason=f"database: {reason}")
    else:
        _log.error("job_failed", extra={"hubinfo": {"job": job}}, exc_info=error)
