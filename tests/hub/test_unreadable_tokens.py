"""A token that we cannot decrypt: that we cannot ask says nothing of the platform."""

from collections.abc import Callable

import pytest
from flask import Flask

from hubinfo.database import db, write
from hubinfo.hub import own_fault, presence
from hubinfo.models import Platform
from hubinfo.ocpi.client import PeerError
from hubinfo.platforms import connections
from tests.support.apps import MakeApp
from tests.support.hubs import stored
from tests.support.rounds import Watch

both_databases = pytest.mark.both_databases("who is due, and what has failed, is compared and added in SQL")


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
