"""The background thread: `schedule` ticks, jobs in threads of their own, wake-ups, a clean stop."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import schedule
from flask import Flask

from hubinfo import clock, database, wakeup
from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.hub import cursors, feed, retention
from hubinfo.hub.keepalive import Keepalive
from hubinfo.hub.push import Push
from hubinfo.job import Faults, Job
from hubinfo.lease import LEASE_SECONDS, RENEW_SECONDS, Claim
from hubinfo.logs import say
from hubinfo.notify import LOOK_SECONDS, Notify
from hubinfo.ocpi.crew import Crew
from hubinfo.ocpi.dialect import HUB
from hubinfo.platforms import connections
from hubinfo.receiver.sync import Sync

_log = logging.getLogger(__name__)
POLL_SECONDS = 0.25
"""How often is looked for what has become due; what any process commits is seen sooner."""
CHECKPOINT_SECONDS = 10
TIDY_SECONDS = 600
_STOP_SECONDS = 2.0
_FINISH_SECONDS = 1.0
_LATE_SECONDS = 1.0
"""No job is further off than its interval. One that is, by more than this, was planned before the clock was set back."""


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
        self._faults = Faults()
        crew = Crew("worker")
        client, vault = self._connections.client, self._connections.vault
        self._push = Push(app, client, vault, settings, may_run=lambda: self.leads)
        self._keepalive = Keepalive(app, client, vault, settings, may_run=lambda: self.leads)
        self._sync = Sync(app, client, vault, settings, may_run=lambda: self.leads)
        self._is_hub, self._is_party = HUB in settings.roles, bool(set(settings.roles) - {HUB})
        self._push_job = Job("push", self._push.run, crew, self._stopped)
        self._keepalive_job = Job("keepalive", self._keepalive.run, crew, self._stopped)
        self._sync_job = Job("sync", self._sync.run, crew, self._stopped)
        self._heard_job = Job("write_heard", self._write_heard_at_once, crew, self._stopped)
        self._tidy_job = Job("tidy", self._tidy, crew, self._stopped)
        self._notify = Notify(app, settings, crew, self._stopped, may_run=lambda: self.leads)
        self._history_days = settings.history_days
        self._has_led = False
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
        self._connections.heard.wake = self._heard_job.ask
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
        if self.leads and self._is_hub:
            self._push.want()
            self._push_job.ask()

    def _watch_commits(self) -> None:
        with self._app.app_context():
            engine = db.engine
        wakeup.watch(engine, self._stopped, lambda: self._guarded(self._look_at_commit), self._watch_is_lost)

    def _watch_is_lost(self) -> None:
        self._connections.directory.is_watched = False

    def _look_at_commit(self) -> None:
        self._look_at_holders()
        self._look_for_revision()

    def _look_at_holders(self) -> None:
        """Watched from here on, unless this fails."""
        directory = self._connections.directory
        directory.is_watched = False
        directory.look()
        directory.is_watched = True

    def _look_for_revision(self) -> None:
        """Have what another process has just changed told at once."""
        if not self.leads or not self._is_hub:
            return
        newest = feed.newest_revision(db.session())
        if newest > self._newest:
            self._newest = newest
            self._push.want()
            self._push_job.ask()

    def _plan(self) -> schedule.Scheduler:
        """A scheduler of our own: the default one is global, and anybody's."""
        scheduler = schedule.Scheduler()
        jobs: tuple[tuple[float, Callable[..., None], Callable[[], None]], ...] = (
            (RENEW_SECONDS, self._guarded, self._renew),
            (1, self._guarded, self._claim_free_lease),
            (1, self._guarded, self._write_heard),
            (1, self._guarded, self._connections.directory.follow),
            (POLL_SECONDS, self._guarded_leading, self._poll),
            (CHECKPOINT_SECONDS, self._guarded_leading, self._checkpoint),
            (TIDY_SECONDS, self._guarded, self._tidy_job.ask),
            (LOOK_SECONDS, self._guarded, self._notify.ask),
        )
        for seconds, run, job in jobs:
            # schedule is typed for whole numbers, and takes fractions.
            scheduler.every(seconds).seconds.do(run, job)  # type: ignore[arg-type]
        return scheduler

    def _guarded_leading(self, job: Callable[[], None]) -> None:
        """Not run, it has neither failed nor worked again."""
        if self.leads:
            self._guarded(job)

    def _guarded(self, job: Callable[[], None]) -> None:
        """To schedule, a job that raises has not run: it would stay due and starve those after it."""
        name = job.__name__.strip("_")
        try:
            with self._app.app_context():
                job()
            self._faults.over(name)
        except Exception as error:
            self._faults.report(name, error)

    def _run(self) -> None:
        self._guarded(self._renew)
        while not self._stopped.is_set():
            self._scheduler.run_pending()
            if self._was_clock_set_back():
                self._scheduler = self._plan()
            self._stopped.wait(max(self._scheduler.idle_seconds or 0.0, 0.0))
        self._connections.client.close()
        self._finish_jobs()
        self._connections.heard.wake = None
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
        for job in (self._push_job, self._keepalive_job, self._sync_job, self._heard_job, self._tidy_job):
            job.wait(max(deadline - time.monotonic(), 0.0))
        self._notify.wait(deadline)

    def _renew(self) -> None:
        began = time.monotonic()
        led = self.leads
        if not self._claim.acquire():
            self._leads_until = 0.0
            return
        self._leads_until = began + LEASE_SECONDS
        if not led:
            say(_log, logging.INFO, "worker_leads", holder=self._claim.holder)
            self._begin()
            self._poll()

    def _begin(self) -> None:
        """The first time this process leads: pull what hubs told while nobody was there to listen."""
        if self._is_party and not self._has_led:
            self._sync.all_are_due()
        self._has_led = True

    def _claim_free_lease(self) -> None:
        if not self.leads:
            self._renew()

    def _hand_over(self) -> None:
        if self.leads:
            self._leads_until = 0.0
            self._claim.release()

    def _write_heard(self) -> None:
        self._connections.heard.write(self._connections.parties)

    def _write_heard_at_once(self) -> None:
        with self._app.app_context():
            self._write_heard()

    def _poll(self) -> None:
        """See what other processes changed, and what has become due by the clock."""
        if self._is_hub and cursors.due(db.session(), clock.now()):
            self._push.want()
            self._push_job.ask()
        if self._is_party and self._sync.due():
            self._sync.want()
            self._sync_job.ask()
        if self._keepalive.due():
            self._write_heard()  # who was heard within the last second need not be asked
            self._keepalive.want()
            self._keepalive_job.ask()

    def _checkpoint(self) -> None:
        if self._has_wal and database.SQLITE_HAS_WAL_RESET_BUG:
            database.checkpoint(db.engine)

    def _tidy(self) -> bool:
        if not self.leads:
            return False
        with self._app.app_context():
            cutoff = clock.now() - timedelta(days=self._history_days)
            retention.forget_before(cutoff, lambda: self.leads and not self._stopped.is_set())
        return True
