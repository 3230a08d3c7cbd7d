"""Whose fault is it when nobody answers: no status changes while it may be our own."""

import pytest
from flask import Flask

from tests.support.rounds import Watch

both_databases = pytest.mark.both_databases("who is due, and what has failed, is compared and added in SQL")


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
