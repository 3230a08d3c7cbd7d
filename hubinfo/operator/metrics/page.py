"""`GET /metrics`, in Prometheus' text format or in OpenMetrics', as the caller accepts."""

import hmac
from collections.abc import Iterable
from http import HTTPStatus

from flask import Blueprint, Response, request
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from hubinfo.config import current_settings
from hubinfo.operator.metrics.meter import current_meter
from hubinfo.operator.metrics.stored import current_stored

blueprint = Blueprint("metrics", __name__)
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_OPENMETRICS = "application/openmetrics-text"


class _Scrape(Collector):
    """All there is to tell at this moment."""

    def collect(self) -> Iterable[Metric]:
        yield from current_stored().read()
        yield from current_meter().collect()


@blueprint.get("/metrics")
def metrics() -> Response:
    """Open to all, since it names no party and no secret, unless METRICS_TOKEN is set."""
    if not _may_scrape():
        headers = {"WWW-Authenticate": "Bearer"}
        return Response("hubinfo: METRICS_TOKEN is required\n", HTTPStatus.UNAUTHORIZED, headers, mimetype="text/plain")
    if _prefers_openmetrics():
        said = openmetrics.generate_latest(_Scrape())  # type: ignore[no-untyped-call]
        return Response(said, content_type=openmetrics.CONTENT_TYPE_LATEST)
    return Response(generate_latest(_Scrape()), content_type=_TEXT)


def _prefers_openmetrics() -> bool:
    """Whichever version of it: Prometheus names several."""
    qualities: dict[str, float] = {}
    for value, quality in request.accept_mimetypes:
        kind = value.partition(";")[0].strip().lower()
        qualities[kind] = max(quality, qualities.get(kind, 0))
    return qualities.get(_OPENMETRICS, 0) > qualities.get("text/plain", 0)


def _may_scrape() -> bool:
    token = current_settings().metrics_token
    if token is None:
        return True
    given = request.authorization
    presented = given.token if given is not None and given.type == "bearer" else None
    return hmac.compare_digest((presented or "").encode(), token.encode())
