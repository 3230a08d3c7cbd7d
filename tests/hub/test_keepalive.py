import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.hub.keepalive import Keepalive
from hubinfo.models import Platform
from hubinfo.ocpi.client import PeerError
from hubinfo.platforms import connections
from tests.support.apps import MakeApp
from tests.support.hubs import stored
from tests.support.live import LiveHub
from tests.support.peers import Peer, hang
from tests.support.rounds import Watch

both_databases = pytest.mark.both_databases("who is due, and what has failed, is compared and added in SQL")


@both_databases
def test_only_the_silent_are_asked_for_their_versions(app: Flask) -> None:
    watch = Watch(app, 3)
    assert watch.pass_seconds(299) == []
    watch.hear(watch.ids[0])
    assert sorted(watch.pass_seconds(2)) == watch.ids[1:]
    assert all(request.url.endswith("/versions") and request.method == "GET" for request in watch.client.requests)
    assert watch.pass_seconds(1) == []


@both_databases
def test_a_platform_is_offline_after_two_failed_probes_with_the_reason(app: Flask) -> None:
    watch = Watch(app, 2)
    watch.dead = {watch.ids[0]}
    watch.pass_seconds(301)
    assert watch.statuses() == ["CONNECTED", "CONNECTED"]
    assert watch.pass_seconds(9) == []
    watch.pass_seconds(2)
    assert watch.statuses() == ["OFFLINE", "CONNECTED"]
    row = stored(app, watch.ids[0])
    assert (row["failed_probes"], row["probe_reason"]) == (2, "connection refused")


@both_databases
def test_a_platform_that_answers_again_is_connected(app: Flask) -> None:
    watch = Watch(app, 2)
    watch.dead = {watch.ids[0]}
    for seconds in (301, 11):
        watch.pass_seconds(seconds)
    watch.dead = set()
    watch.pass_seconds(11)
    assert watch.statuses() == ["CONNECTED", "CONNECTED"]
    row = stored(app, watch.ids[0])
    assert (row["failed_probes"], row["probe_reason"], row["next_probe_at"]) == (0, None, None)


@both_databases
def test_the_long_dead_are_asked_ever_less_often_but_at_least_every_keepalive_seconds(app: Flask) -> None:
    watch = Watch(app, 1)
    watch.dead = set(watch.ids)
    waits = []
    watch.pass_seconds(301)
    for _ in range(10):
        wait = (stored(app, watch.ids[0])["next_probe_at"] - watch.clock.time).total_seconds()
        waits.append(wait)
        watch.pass_seconds(wait)
    assert waits[:2] == [10, 10]
    assert waits[2:8] == [20, 40, 80, 160, 300, 300]


def test_a_suspended_platform_is_not_asked(app: Flask) -> None:
    watch = Watch(app, 1)
    app.test_cli_runner().invoke(args=["hubinfo", "suspend", "NL", "A00"])
    assert watch.pass_seconds(1000) == []
    app.test_cli_runner().invoke(args=["hubinfo", "resume", "NL", "A00"])
    assert watch.pass_seconds(0) == watch.ids
    assert watch.statuses() == ["CONNECTED"]


def test_a_token_that_cannot_be_decrypted_is_a_reason(app: Flask, make_app: MakeApp) -> None:
    watch = Watch(app, 1)
    with make_app(secret_key="another-key-much-longer").app_context():
        watch.keepalive._vault = connections().vault
    watch.pass_seconds(301)
    assert "SECRET_KEY" in stored(app, watch.ids[0])["probe_reason"]


@pytest.mark.parametrize("way", ["stopped", "hangs", "is not OCPI"])
def test_for_real_a_party_that_drops_out_is_offline_and_comes_back(
    make_live_hub: Callable[..., LiveHub], make_peer: Callable[..., Peer], way: str
) -> None:
    live_hub = make_live_hub(keepalive_seconds=0.3, keepalive_retry_seconds=0.1, request_timeout_seconds=0.5)
    first, second = make_peer(), make_peer()
    live_hub.register(first, ("CPO", "NL", "TNM"))
    live_hub.register(second, ("EMSP", "BE", "BEC"))
    key = ("NL-TNM", "CPO")
    if way == "stopped":
        first.stop()
    else:
        first.behave("GET", "/versions", hang(2) if way == "hangs" else lambda handler: handler.raw(b"hello"))
    second.wait_for(lambda peer: peer.told.get(key) == "OFFLINE")
    if way == "stopped":
        first.start_again()
    else:
        first.behave("GET", "/versions", None)
    second.wait_for(lambda peer: peer.told.get(key) == "CONNECTED")


def test_for_real_a_platform_that_hangs_delays_no_news_of_another(
    make_live_hub: Callable[..., LiveHub], make_peer: Callable[..., Peer]
) -> None:
    """The time limit is longer than the test waits."""
    live_hub = make_live_hub(keepalive_seconds=0.3, keepalive_retry_seconds=0.1, request_timeout_seconds=60)
    hanging, dropping, watching = make_peer(), make_peer(), make_peer()
    for peer, party in ((hanging, "HNG"), (dropping, "DRP"), (watching, "WTC")):
        live_hub.register(peer, ("CPO", "NL", party))
    asked = threading.Event()

    def never(handler: Any) -> None:
        asked.set()
        hang(30)(handler)

    hanging.behave("GET", "/versions", never)
    assert asked.wait(10)
    dropping.stop()
    watching.wait_for(lambda peer: peer.told.get(("NL-DRP", "CPO")) == "OFFLINE")
    dropping.start_again()
    watching.wait_for(lambda peer: peer.told.get(("NL-DRP", "CPO")) == "CONNECTED")


def test_a_probe_by_an_operator_while_the_process_stops_says_so(app: Flask) -> None:
    watch = Watch(app, 1)
    with app.app_context():
        connections().client.close()
        keepalive = Keepalive(app, connections().client, connections().vault, current_settings())
        outcome = keepalive.probe(db.session.get_one(Platform, watch.ids[0]))
    assert isinstance(outcome, PeerError)
    assert outcome.reason == "not asked: this process is stopping"
