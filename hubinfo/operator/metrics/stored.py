"""What the database says at the moment of a scrape: the same from every process and every host."""

import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from importlib.metadata import version

from flask import Flask, current_app
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hubinfo import clock, lease, schema
from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.hub import own_fault, untold
from hubinfo.models import ClientInfo, ConnectionStatus, Lease
from hubinfo.notify import channels, outbox
from hubinfo.ocpi.dialect import HUB
from hubinfo.operator.health import unreadable_tokens, why_not_ready

_STORED = "hubinfo.metrics.stored"
_Found = tuple[bool, list[Metric]]
"""Whether it is ready, and what else is known."""
_LIMIT_SECONDS = 4.0
"""Prometheus waits for 10, less what it has set for itself, and a scrape in vain would say that the process is gone."""
_PAUSE_SECONDS = 60.0
"""It may be one connection that hangs, and another that would not."""


class Stored:
    """Asks the database in a thread of its own: one that hangs does not hold up the scrape that is to tell of it."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._hanging: threading.Thread | None = None
        self._ask_again_at = 0.0

    def read(self) -> Iterable[Metric]:
        """Every gauge; without the database, only that it is gone."""
        is_ready, found = self._ask() or (False, [])
        yield InfoMetricFamily("hubinfo_build", "The hubinfo that runs here.", {"version": version("hubinfo")})
        yield _gauge("hubinfo_ready", "Whether /readyz says so.", is_ready)
        yield _gauge("hubinfo_database_up", "Whether the database answers, in the schema it should have.", bool(found))
        yield from found

    def _ask(self) -> _Found | None:
        """None when it takes too long, and at once for a minute while the one before does."""
        if self._hanging is not None and self._hanging.is_alive() and time.monotonic() < self._ask_again_at:
            return None
        found = Future[_Found]()
        thread = threading.Thread(target=self._read_into, args=(found,), name="metrics", daemon=True)
        thread.start()
        try:
            return found.result(_LIMIT_SECONDS)
        except TimeoutError:
            self._hanging, self._ask_again_at = thread, time.monotonic() + _PAUSE_SECONDS
            return None

    def _read_into(self, found: Future[_Found]) -> None:
        try:
            with self._app.app_context():
                answer = why_not_ready() is None, _all()
            found.set_result(answer)
        except Exception as bug:  # for the scrape to raise
            found.set_exception(bug)


def current_stored() -> Stored:
    """Of the app whose context is active."""
    stored = current_app.extensions[_STORED]
    assert isinstance(stored, Stored)
    return stored


def equip(app: Flask) -> None:
    """Make ready to ask; opens nothing."""
    app.extensions[_STORED] = Stored(app)


def _all() -> list[Metric]:
    try:
        return list(_read(db.session()))
    except (SQLAlchemyError, schema.SchemaError):
        return []


def _read(session: Session) -> Iterator[Metric]:
    yield InfoMetricFamily("hubinfo_schema", "The revision of the database's schema.", {"revision": schema.current() or ""})
    yield _parties(session)
    yield from _untold(session)
    yield from _notifications(session)
    yield from _worker(session)
    failing = own_fault.read(session).is_ours(current_settings().offline_after_failures)
    yield _gauge("hubinfo_own_fault", "Whether all platforms fail at once, so that no status changes.", failing)
    about = "Stored tokens that this process cannot decrypt: it neither tells nor asks their platforms."
    yield _gauge("hubinfo_tokens_unreadable", about, unreadable_tokens())


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, float(value))


def _parties(session: Session) -> Metric:
    """Each role in use with all statuses: one that nobody has is 0, not absent."""
    counted = select(ClientInfo.role, ClientInfo.status, func.count()).group_by(ClientInfo.role, ClientInfo.status)
    found = {(row[0], row[1]): row[2] for row in session.execute(counted)}
    family = GaugeMetricFamily("hubinfo_parties", "Parties by status and role.", labels=["status", "role"])
    for role in sorted({role for role, _ in found}):
        for status in ConnectionStatus:
            family.add_metric([status.value, role], found.get((role, status.value), 0))
    return family


def _untold(session: Session) -> Iterator[Metric]:
    is_hub = HUB in current_settings().roles
    found = untold.read(session) if is_hub else untold.Untold()
    age = clock.now() - found.oldest_at if found.oldest_at else timedelta()
    yield _gauge("hubinfo_platforms_behind", "CONNECTED platforms that have not been told everything.", found.platforms)
    yield _gauge("hubinfo_changes_untold", "PUTs that these have still to get.", found.changes)
    about = "Age of the oldest change that any of these has not been told; 0: all know all."
    yield _gauge("hubinfo_oldest_untold_change_age_seconds", about, max(age.total_seconds(), 0.0))


def _notifications(session: Session) -> Iterator[Metric]:
    """Of each channel that is configured; 0 where none waits."""
    about = "Messages to the operator that have not been sent."
    counts = GaugeMetricFamily("hubinfo_notifications_waiting", about, labels=["channel"])
    about = "Age of the oldest message that waits; 0: none does."
    ages = GaugeMetricFamily("hubinfo_oldest_notification_age_seconds", about, labels=["channel"])
    now, found = clock.now(), outbox.oldest(session)
    for channel in channels.names(current_settings()):
        count, made_at = found.get(channel, (0, now))
        counts.add_metric([channel], count)
        ages.add_metric([channel], max((now - made_at).total_seconds(), 0.0))
    yield from (counts, ages)


def _worker(session: Session) -> Iterator[Metric]:
    about = "Whether some process does the background work."
    yield _gauge("hubinfo_worker_lease_held", about, lease.is_held(session))
    row = session.get(Lease, lease.NAME)
    if row is None:
        return
    yield InfoMetricFamily("hubinfo_worker", "Who does the background work, or did so last.", {"holder": row.holder})
    renewed_at = row.expires_at - timedelta(seconds=lease.LEASE_SECONDS)
    age = max((lease.time_of(session) - renewed_at).total_seconds(), 0.0)
    yield _gauge("hubinfo_worker_tick_age_seconds", "Time since the lease was last renewed.", age)
