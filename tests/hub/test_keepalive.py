import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.hub import own_fault, presence
from hubinfo.hub.keepalive import Keepalive
from hubinfo.models import Platform
from hubinfo.ocpi.client import Outcome, PeerError
from hubinfo.platforms import connections
from tests.support.apps import MakeApp
from tests.support.hubs import OK, AnsweringClient, SetClock, connect, stored
from tests.support.live import LiveHub
from tests.support.peers import Peer, hang

both_databases = pytest.mark.both_databases("who is due, and what has failed, is compared and added in SQL")

GONE = PeerError("connection refused")


class Watch:
    """A keep-alive over platforms of which some are dead."""

    def __init__(self, app: Flask, platforms: int) -> None:
        self.app, self.clock = app, SetClock()
        self.dead: set[int] = set()
        self.client = AnsweringClient(self._answer)
        with app.app_context():
            shared, settings = connections(), current_settings()
            self.keepalive = Keepalive(app, self.client, shared.vault, settings, now=self.clock)  # type: ignore[arg-type]
        self.ids = [connect(app, ("CPO", "NL", f"A{number:02}")) for number in range(platforms)]
        self.hear(*self.ids)

    def _answer(self, request: Any) -> Outcome:
        return GONE if request.platform_id in self.dead else OK

    def hear(self, *platform_ids: int) -> None:
        with self.app.app_context(), write():
            presence.heard(dict.fromkeys(platform_ids, self.clock.time))

    def pass_seconds(self, seconds: float) -> list[int]:
        """Whom a run after so much time asks."""
        self.clock.pass_seconds(seconds)
        self.client.requests.clear()
        self.keepalive.run()
        return [request.platform_id for request in self.client.requests]

    def statuses(self) -> list[str]:
        return [stored(self.app, platform_id)["status"] for platform_id in self.ids]


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


@both_databases
def test_when_all_of_three_fail_at_once_no_status_changes_until_one_answers(app: Flask) -> None:
    watch = Watch(app, 3)
    watch.dead = set(watch.ids)
    for seconds in (301, 11, 11, 11):
        watch.pass_seconds(seconds)
    assert watch.statuses() == ["CONNECTED"] * 3
    watch.dead.remove(watch.ids[0])
    for seconds in (11, 11):
        watch.pass_seconds(seconds)
    assert watch.statuses() == ["CONNECTED", "OFFLINE", "OFFLINE"]


@both_databases
def test_those_that_only_seemed_dead_do_not_go_offline_when_our_own_fault_ends(app: Flask) -> None:
    """They failed often enough, and a witness answers now; but they answer too, once asked."""
    watch = Watch(app, 4)
    watch.dead = set(watch.ids)
    for seconds in (301, 11, 11):
        watch.pass_seconds(seconds)
    watch.dead.remove(watch.ids[0])
    watch.pass_seconds(11)
    assert watch.statuses() == ["CONNECTED"] * 4
    watch.dead = set()
    watch.pass_seconds(0)
    assert watch.statuses() == ["CONNECTED"] * 4


@both_databases
def test_a_witness_is_called_when_nobody_was_heard_since_the_failure_began(app: Flask) -> None:
    watch = Watch(app, 3)
    watch.hear(*watch.ids)
    watch.clock.pass_seconds(200)
    watch.hear(*watch.ids[1:])
    watch.dead = {watch.ids[0]}
    assert watch.pass_seconds(101) == [watch.ids[0]]
    assert sorted(watch.pass_seconds(11)) == watch.ids
    assert watch.statuses() == ["OFFLINE", "CONNECTED", "CONNECTED"]


@both_databases
def test_of_many_possible_witnesses_a_few_are_asked(app: Flask) -> None:
    watch = Watch(app, 20)
    watch.clock.pass_seconds(200)
    watch.hear(*watch.ids[1:])
    watch.dead = {watch.ids[0]}
    watch.pass_seconds(101)
    assert len(watch.pass_seconds(11)) == 1 + 10
    assert watch.statuses() == ["OFFLINE"] + ["CONNECTED"] * 19


@both_databases
def test_when_the_few_witnesses_fail_too_all_others_are_asked(app: Flask) -> None:
    watch = Watch(app, 20)
    watch.clock.pass_seconds(200)
    watch.hear(*watch.ids[15:])
    watch.clock.pass_seconds(1)
    watch.hear(*watch.ids[1:15])  # those heard last are asked first
    watch.dead = set(watch.ids[:15])
    watch.pass_seconds(101)
    asked = watch.pass_seconds(11)
    assert set(asked) >= set(watch.ids[:15])
    assert watch.statuses() == ["OFFLINE"] + ["CONNECTED"] * 19


@both_databases
def test_hearing_a_platform_that_does_not_answer_us_does_not_end_our_own_fault(app: Flask) -> None:
    """Our requests reach nobody, while theirs reach us."""
    watch = Watch(app, 3)
    watch.dead = set(watch.ids)
    for seconds in (301, 11, 11):
        watch.pass_seconds(seconds)
        watch.hear(watch.ids[0])
    for seconds in (301, 11, 11):
        watch.pass_seconds(seconds)
    assert watch.statuses() == ["CONNECTED"] * 3


@both_databases
def test_our_own_fault_goes_on_when_one_of_three_is_no_longer_watched(app: Flask) -> None:
    watch = Watch(app, 3)
    watch.dead = set(watch.ids)
    for seconds in (301, 11):
        watch.pass_seconds(seconds)
    app.test_cli_runner().invoke(args=["hubinfo", "suspend", "NL", "A02"])
    watch.pass_seconds(11)
    assert watch.statuses() == ["CONNECTED", "CONNECTED", "SUSPENDED"]
    watch.dead.remove(watch.ids[0])
    for seconds in (11, 11):
        watch.pass_seconds(seconds)
    assert watch.statuses() == ["CONNECTED", "OFFLINE", "SUSPENDED"]


@both_databases
def test_of_two_platforms_both_may_go_offline(app: Flask) -> None:
    watch = Watch(app, 2)
    watch.dead = set(watch.ids)
    for seconds in (301, 11):
        watch.pass_seconds(seconds)
    assert watch.statuses() == ["OFFLINE", "OFFLINE"]


@both_databases
def test_the_last_of_three_may_go_offline_when_the_others_went_before(app: Flask) -> None:
    watch = Watch(app, 3)
    for platform_id in watch.ids:
        watch.dead.add(platform_id)
        for seconds in (301, 11):
            watch.pass_seconds(seconds)
    assert watch.statuses() == ["OFFLINE"] * 3


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


REASON = "stored token cannot be decrypted: SECRET_KEY has changed"


@pytest.fixture
def locked(make_app: MakeApp) -> Callable[..., None]:
    """The tokens of these platforms are encrypted with a key that is not ours."""

    def lock(platform_ids: list[int]) -> None:
        with make_app(secret_key="another").app_context(), write() as session:
            for platform_id in platform_ids:
                session.get_one(Platform, platform_id).token_out = connections().vault.encrypt("token")

    return lock


def unlock(watch: Watch) -> None:
    with watch.app.app_context(), write() as session:
        for platform_id in watch.ids:
            session.get_one(Platform, platform_id).token_out = connections().vault.encrypt("token")


@both_databases
def test_a_token_that_we_cannot_decrypt_is_our_own_fault_and_no_failed_probe(
    app: Flask, locked: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a host that has not been given the newest SECRET_KEY: nobody is told that a live party is OFFLINE."""
    watch = Watch(app, 12)
    locked(watch.ids)
    assert [watch.pass_seconds(seconds) for seconds in (301, 11, 11)] == [[], [], []]
    assert set(watch.statuses()) == {"CONNECTED"}
    row = stored(app, watch.ids[0])
    assert (row["failed_probes"], row["failing_since"], row["probe_reason"]) == (0, None, REASON)
    [line] = [line for line in capsys.readouterr().err.splitlines() if "not_probed" in line]
    assert " ERROR " in line
    assert f"{row['name']}, " in line
    assert line.endswith(f' and 2 more" reason="{REASON}"')
    with app.app_context():
        assert not watch.keepalive.due()  # it would be tried four times a second
    unlock(watch)
    assert sorted(watch.pass_seconds(60)) == watch.ids
    assert stored(app, watch.ids[0])["probe_reason"] is None


@both_databases
def test_whom_we_cannot_ask_is_no_witness_for_those_who_fail(app: Flask, locked: Callable[..., None]) -> None:
    watch = Watch(app, 4)
    locked(watch.ids[:1])
    watch.dead = set(watch.ids)
    for seconds in (301, 11, 11):
        watch.pass_seconds(seconds)
    assert watch.statuses() == ["CONNECTED"] * 4
    with app.app_context():
        assert own_fault.read(db.session()).is_ours(2)  # as metrics and notifications see it
    watch.dead = {watch.ids[1]}
    for seconds in (11, 11, 11):
        watch.pass_seconds(seconds)
    assert watch.statuses() == ["CONNECTED", "OFFLINE", "CONNECTED", "CONNECTED"]


@both_databases
def test_whom_we_can_ask_again_is_a_witness_again(app: Flask, locked: Callable[..., None]) -> None:
    """Parties that came back with new tokens, and talk so often that they are never due."""
    watch = Watch(app, 6)
    locked(watch.ids)
    watch.pass_seconds(301)
    unlock(watch)
    watch.hear(*watch.ids)
    watch.dead = set(watch.ids[:3])
    for _ in range(40):
        watch.hear(*watch.ids[3:])
        watch.pass_seconds(11)
    assert watch.statuses() == ["OFFLINE"] * 3 + ["CONNECTED"] * 3


@both_databases
def test_what_is_known_of_a_failure_stays_when_the_key_is_lost_on_top_of_it(app: Flask, locked: Callable[..., None]) -> None:
    watch = Watch(app, 2)
    watch.dead = {watch.ids[0]}
    for seconds in (301, 11):
        watch.pass_seconds(seconds)
    locked(watch.ids[:1])
    assert watch.pass_seconds(11) == []
    row = stored(app, watch.ids[0])
    assert (row["status"], row["failed_probes"], row["probe_reason"]) == ("OFFLINE", 2, "connection refused")


@both_databases
def test_a_suspended_platform_is_left_as_it_is(app: Flask, locked: Callable[..., None]) -> None:
    watch = Watch(app, 1)
    with app.app_context(), write() as session:
        presence.suspended(session.get_one(Platform, watch.ids[0]).client_infos)
    locked(watch.ids)
    with app.app_context():
        outcome = watch.keepalive.probe(db.session.get_one(Platform, watch.ids[0]))
    assert isinstance(outcome, PeerError)
    row = stored(app, watch.ids[0])
    assert (outcome.reason, row["probe_reason"], row["next_probe_at"]) == (REASON, None, None)
