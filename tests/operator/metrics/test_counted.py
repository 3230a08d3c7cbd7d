"""What `/metrics` counts as it happens, in one process; several are in test_metrics_of_workers.py."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.hub import activity
from hubinfo.hub.keepalive import Keepalive
from hubinfo.models import Platform
from hubinfo.ocpi.client import Outcome, PeerError
from hubinfo.platforms import connections
from hubinfo.receiver.sync import Sync, hubs
from tests.support.apps import MakeApp
from tests.support.hub_peer import HubPeer, connect_hub
from tests.support.hubs import OK, AnsweringClient, connect
from tests.support.live import Hub, LiveHub
from tests.support.metrics import scrape
from tests.support.peers import Peer
from tests.support.rounds import HANGS, REFUSES, push_with


def outcomes(app: Flask, name: str) -> dict[str, float]:
    return {outcome: count for (outcome,), count in scrape(app).by(name).items()}


def probe(app: Flask, platform_id: int, outcome: Outcome) -> None:
    client: Any = AnsweringClient(lambda _: outcome)
    with app.app_context():
        keepalive = Keepalive(app, client, connections().vault, current_settings())
        keepalive.probe(db.session.get_one(Platform, platform_id))


def timed(error: PeerError, seconds: float) -> PeerError:
    error.seconds = seconds
    return error


def test_every_outcome_is_there_from_the_start_at_zero(app: Flask) -> None:
    assert outcomes(app, "hubinfo_pushes_total") == {"ok": 0, "refused": 0, "failed": 0}
    assert outcomes(app, "hubinfo_probes_total") == {"ok": 0, "failed": 0}
    assert outcomes(app, "hubinfo_pulls_total") == {"ok": 0, "failed": 0}


@pytest.mark.parametrize(("answer", "outcome"), [(OK, "ok"), (REFUSES, "refused"), (HANGS, "failed")])
def test_a_push_is_counted_by_what_came_of_it_and_timed_when_acknowledged(app: Flask, answer: Outcome, outcome: str) -> None:
    connect(app, ("CPO", "NL", "AAA")), connect(app, ("EMSP", "NL", "BBB"))
    push, client = push_with(app, lambda _: answer)
    push.run()
    assert len(client.requests) == 1
    assert outcomes(app, "hubinfo_pushes_total") == {"ok": 0, "refused": 0, "failed": 0} | {outcome: 1}
    assert scrape(app)["hubinfo_push_seconds_count"] == (outcome == "ok")


@pytest.mark.parametrize(("ago", "seconds"), [(40, 40), (-50, 0)], ids=["an old change", "made by a host whose clock is ahead"])
def test_a_push_is_timed_from_the_change(app: Flask, ago: float, seconds: float) -> None:
    entry = activity.push(1, 1, "CONNECTED", OK, clock.now())
    activity.ended.send(app, entry=entry, changed_at=clock.now() - timedelta(seconds=ago))
    assert scrape(app)["hubinfo_push_seconds_sum"] == pytest.approx(seconds, abs=30)


def test_a_real_push_is_timed_in_well_under_a_minute(live_hub: LiveHub, make_peer: Callable[..., Peer]) -> None:
    peer = make_peer()
    live_hub.register(peer, ("CPO", "NL", "TNM"))
    live_hub.invite("BE", "BEC", "EMSP")
    peer.wait_for(lambda peer: bool(peer.puts))
    live_hub.invite("FR", "FRC", "EMSP")
    peer.wait_for(lambda peer: len(peer.puts) == 2)
    found = scrape(live_hub.app)
    assert found["hubinfo_push_seconds_count"] >= 1
    assert found["hubinfo_push_seconds_sum"] < 60


def test_a_probe_is_counted_and_timed_by_what_came_of_it(app: Flask) -> None:
    platform_id = connect(app, ("CPO", "NL", "AAA"))
    probe(app, platform_id, OK)
    probe(app, platform_id, timed(PeerError("timed out after 10 s"), 10.1))
    probe(app, platform_id, PeerError("its token cannot be read"))
    assert outcomes(app, "hubinfo_probes_total") == {"ok": 1, "failed": 2}
    assert outcomes(app, "hubinfo_probe_seconds_count") == {"ok": 1, "failed": 1}
    assert scrape(app).value("hubinfo_probe_seconds_bucket", outcome="failed", le="10.0") == 0
    assert scrape(app).value("hubinfo_probe_seconds_bucket", outcome="failed", le="30.0") == 1


def test_a_pull_is_counted_by_what_came_of_it(make_app: MakeApp, make_hub_peer: Callable[..., HubPeer]) -> None:
    app, peer = make_app(roles="CPO", country_code="NL", party_id="OUR"), make_hub_peer()
    connect_hub(app, peer=peer)
    for _ in range(2):
        with app.app_context():
            Sync(app, connections().client, connections().vault, current_settings()).pull(hubs(db.session()))
        peer.stop()
    assert outcomes(app, "hubinfo_pulls_total") == {"ok": 1, "failed": 1}


def test_requests_are_counted_by_route_method_and_status(hub: Hub) -> None:
    for path in ("/ocpi/2.2.1/hubclientinfo/NL/AAA", "/ocpi/2.2.1/hubclientinfo/NL/BBB"):
        assert hub.call("GET", path, "unknown").status_code == 401
    hub.call("POST", "/healthz")
    counted = scrape(hub.app).by("hubinfo_http_requests_total")
    assert {key: count for key, count in counted.items() if key[1] != "/metrics"} == {
        ("GET", "/ocpi/<version>/hubclientinfo/<country_code>/<party_id>", "401"): 2,
        ("POST", "none", "405"): 1,
    }


def test_what_strangers_make_up_makes_no_new_series(app: Flask) -> None:
    client = app.test_client()
    for number in range(20):
        client.open(f"/nowhere/{number}?token={number}", method=f"LOOK{number}")
        client.open("/healthz", method=f"LOOK{number}")
    counted = scrape(app).by("hubinfo_http_requests_total")
    assert counted == {("other", "none", "404"): 20, ("other", "none", "405"): 20}


def test_a_bug_of_ours_is_counted_as_500(make_own_app: MakeApp) -> None:
    app = make_own_app()
    app.add_url_rule("/ocpi/bug", view_func=lambda: str(1 // 0))
    assert app.test_client().get("/ocpi/bug").status_code == 500
    assert scrape(app).value("hubinfo_http_requests_total", route="/ocpi/bug", method="GET", status="500") == 1


def test_apps_in_one_process_count_for_themselves(make_app: MakeApp) -> None:
    one, other = make_app(), make_app()
    one.test_client().get("/healthz")
    entry = activity.probe(1, OK, clock.now())
    activity.ended.send(other, entry=entry, changed_at=None)
    assert ("GET", "/healthz", "200") in scrape(one).by("hubinfo_http_requests_total")
    assert ("GET", "/healthz", "200") not in scrape(other).by("hubinfo_http_requests_total")
    assert (outcomes(one, "hubinfo_probes_total")["ok"], outcomes(other, "hubinfo_probes_total")["ok"]) == (0, 1)
