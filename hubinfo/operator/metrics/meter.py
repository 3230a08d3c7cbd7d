"""What is counted as it happens: pushes, probes, pulls, notifications, requests."""

import functools
import itertools
import os
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask import Flask, Response, current_app, g, request, request_finished, request_started
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from hubinfo import clock
from hubinfo.hub import activity
from hubinfo.hub.activity import FAILED, OK, PROBE, PUSH, REFUSED, Entry
from hubinfo.notify.channels import names
from hubinfo.notify.courier import OUTCOMES, attempted
from hubinfo.operator.metrics.folder import VARIABLE
from hubinfo.receiver.pull import Pull
from hubinfo.receiver.sync import pulled

_METER = "hubinfo.meter"
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_TOLD_WITHIN = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_ANSWERED_WITHIN = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SERVED_WITHIN = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Meter:
    """The counters of one app; those of all processes of its server where they share a folder."""

    def __init__(self, channels: Sequence[str]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # processes that share a folder have none
        self._registry = own = CollectorRegistry()
        self._pushes = Counter("hubinfo_pushes", "PUTs that ended, by what came of them.", ["outcome"], registry=own)
        self._push_seconds = Histogram(
            "hubinfo_push_seconds",
            "From the change of a ClientInfo to its acknowledgement by one platform.",
            buckets=_TOLD_WITHIN,
            registry=own,
        )
        self._probes = Counter("hubinfo_probes", "Still-alive checks that ended.", ["outcome"], registry=own)
        self._probe_seconds = Histogram(
            "hubinfo_probe_seconds", "How long a still-alive check took.", ["outcome"], buckets=_ANSWERED_WITHIN, registry=own
        )
        self._pulls = Counter("hubinfo_pulls", "Full pulls from hubs that ended (party side).", ["outcome"], registry=own)
        about = "Attempts to send a message to the operator, by what came of them."
        self._notifications = Counter("hubinfo_notifications", about, ["channel", "outcome"], registry=own)
        self._requests = Counter("hubinfo_http_requests", "Requests answered.", ["route", "method", "status"], registry=own)
        self._request_seconds = Histogram(
            "hubinfo_http_request_seconds",
            "How long a request took to answer.",
            ["route", "method"],
            buckets=_SERVED_WITHIN,
            registry=own,
        )
        self._series_of = functools.cache(self._series)
        self._begin_at_zero(channels)

    def _begin_at_zero(self, channels: Sequence[str]) -> None:
        """A rate does not see the first of a series that was not there before."""
        for outcome in (OK, REFUSED, FAILED):
            self._pushes.labels(outcome)
        for outcome in (OK, FAILED):
            self._probes.labels(outcome)
            self._probe_seconds.labels(outcome)
            self._pulls.labels(outcome)
        for channel, outcome in itertools.product(channels, OUTCOMES):
            self._notifications.labels(channel, outcome)

    def collect(self) -> Iterable[Metric]:
        """As prometheus_client takes them."""
        folder = os.environ.get(VARIABLE)
        shared: Any = MultiProcessCollector
        found: Iterable[Metric] = shared(None, folder).collect() if folder else self._registry.collect()
        return found

    def on_ended(self, _app: Flask, entry: Entry, changed_at: datetime | None) -> None:
        """A push or a probe."""
        if entry.kind == PROBE:
            self._probes.labels(entry.outcome).inc()
            if entry.seconds is not None:
                self._probe_seconds.labels(entry.outcome).observe(entry.seconds)
        if entry.kind == PUSH:
            self._pushes.labels(entry.outcome).inc()
            if entry.outcome == OK and changed_at is not None:
                # The change may have been committed by a host whose clock is ahead.
                self._push_seconds.observe(max((clock.now() - changed_at).total_seconds(), 0.0))

    def on_pulled(self, _app: Flask, pull: Pull) -> None:
        """A pull from a hub."""
        self._pulls.labels(OK if pull.reason is None else FAILED).inc()

    def on_attempted(self, _app: Flask, channel: str, outcome: str) -> None:
        """A message to the operator was sent, or was not."""
        self._notifications.labels(channel, outcome).inc()

    def on_request(self, _app: Flask, **_values: Any) -> None:
        """It has come in."""
        g.measured_from = time.perf_counter()

    def on_response(self, _app: Flask, response: Response, **_values: Any) -> None:
        """By its route, never by its path: strangers choose paths, and methods too."""
        asked = request._get_current_object()  # type: ignore[attr-defined]
        route = asked.url_rule.rule if asked.url_rule else "none"
        method = asked.method if asked.method in _METHODS else "other"
        requests, seconds = self._series_of(route, method, response.status_code)
        requests.inc()
        seconds.observe(time.perf_counter() - g.measured_from)

    def _series(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        """Looked up once: it costs as much as the counting does."""
        return self._requests.labels(route, method, status), self._request_seconds.labels(route, method)


def equip(app: Flask) -> None:
    """A meter of the app's own, told of what happens in this app only."""
    app.extensions[_METER] = meter = Meter(names(app.extensions["hubinfo.settings"]))
    activity.ended.connect(meter.on_ended, app)
    pulled.connect(meter.on_pulled, app)
    attempted.connect(meter.on_attempted, app)
    request_started.connect(meter.on_request, app)
    request_finished.connect(meter.on_response, app)


def current_meter() -> Meter:
    """Of the app whose context is active."""
    meter = current_app.extensions[_METER]
    assert isinstance(meter, Meter)
    return meter
