import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.hub import feed, presence
from hubinfo.hub.push import Push
from hubinfo.models import ClientInfo, Refusal
from hubinfo.ocpi.client import Outcome, PeerError
from hubinfo.platforms import connections
from tests.support.apps import MakeApp
from tests.support.hubs import OK, AnsweringClient, SetClock, connect, stored

pytestmark = pytest.mark.both_databases("cursors are moved by one statement for all")

HANGS = PeerError("timed out after 10 s")
REFUSES = PeerError("HTTP 200, OCPI 2001: no", permanent=True)


def push_with(app: Flask, answer: Callable[[Any], Outcome], clock: SetClock | None = None) -> tuple[Push, AnsweringClient]:
    client = AnsweringClient(answer)
    with app.app_context():
        push = Push(app, client, connections().vault, current_settings(), now=clock or SetClock())  # type: ignore[arg-type]
    return push, client


def suspend(app: Flask, party: str) -> None:
    with app.app_context(), write() as session:
        presence.suspended(session.scalars(select(ClientInfo).where(ClientInfo.party == party)).all())


def resume(app: Flask, party: str) -> None:
    with app.app_context(), write() as session:
        presence.resumed(session.scalars(select(ClientInfo).where(ClientInfo.party == party)).all())


def test_everybody_else_is_told_of_a_new_party_and_nobody_of_its_own(app: Flask) -> None:
    first, second = connect(app, ("CPO", "NL", "AAA")), connect(app, ("EMSP", "NL", "BBB"))
    push, client = push_with(app, lambda _: OK)
    push.run()
    assert [(put.platform_id, put.method, put.url[-6:]) for put in client.requests] == [(first, "PUT", "NL/BBB")]
    connect(app, ("EMSP", "NL", "CCC"))
    push.run()
    assert sorted((put.platform_id, put.url[-6:]) for put in client.requests[1:]) == [(first, "NL/CCC"), (second, "NL/CCC")]


def test_a_put_carries_the_whole_client_info_and_the_platforms_token(app: Flask) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "nl", "bBb"))
    push, client = push_with(app, lambda _: OK)
    push.run()
    [put] = client.requests
    body = json.loads(put.body)
    assert body.pop("last_updated").endswith("Z")
    assert body == {"country_code": "NL", "party_id": "BBB", "role": "EMSP", "status": "CONNECTED"}
    assert put.url.endswith("/hubclientinfo/NL/BBB")
    assert put.token.startswith("token-b-")


def test_a_platform_is_told_once_per_row_however_many_roles_it_has(app: Flask) -> None:
    """OCPI 2.2.1 hubclientinfo; ocpi.md, open point 5."""
    connect(app, ("CPO", "NL", "AAA"), ("EMSP", "NL", "AAA"), ("CPO", "BE", "AAB"))
    connect(app, ("EMSP", "NL", "BBB"), ("CPO", "NL", "BBB"))
    push, client = push_with(app, lambda _: OK)
    push.run()
    assert sorted(json.loads(put.body)["role"] for put in client.requests) == ["CPO", "EMSP"]


def test_a_hub_row_is_other_to_a_platform_that_speaks_2_3_0(app: Flask) -> None:
    connect(app, ("CPO", "NL", "AAA"), version="2.3.0")
    connect(app, ("CPO", "NL", "BBB"), version="2.2")
    connect(app, ("HUB", "NL", "HUC"))
    push, client = push_with(app, lambda _: OK)
    push.run()
    told = [json.loads(put.body)["role"] for put in client.requests if put.url.endswith("HUC")]
    assert sorted(told) == ["HUB", "OTHER"]


def test_ten_changes_of_one_row_are_one_put_of_the_current_row(app: Flask) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"))
    for _ in range(5):
        suspend(app, "NL-BBB")
        resume(app, "NL-BBB")
    push, client = push_with(app, lambda _: OK)
    push.run()
    assert [json.loads(put.body)["status"] for put in client.requests] == ["OFFLINE"]


def test_changes_are_told_in_the_order_in_which_they_happened(app: Flask) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    for party in ("BBB", "CCC", "DDD"):
        connect(app, ("EMSP", "NL", party), receiver=False)
    suspend(app, "NL-BBB")
    push, client = push_with(app, lambda _: OK)
    push.run()
    assert [url[-3:] for url in client.urls] == ["CCC", "DDD", "BBB"]
    assert [put.more_follow for put in client.requests] == [True, True, False]


def test_a_platform_without_receiver_is_not_pushed_to(app: Flask) -> None:
    connect(app, ("CPO", "NL", "AAA"), receiver=False)
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    push, client = push_with(app, lambda _: OK)
    push.run()
    assert client.requests == []


def test_a_refusal_for_good_is_noted_and_passed_over(app: Flask) -> None:
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    connect(app, ("EMSP", "NL", "CCC"), receiver=False)
    push, client = push_with(app, lambda put: REFUSES if put.url.endswith("BBB") else OK)
    push.run()
    push.run()
    assert [url[-3:] for url in client.urls] == ["BBB", "CCC"]
    with app.app_context():
        assert db.session.scalars(select(Refusal.reason)).all() == [REFUSES.reason]
        assert stored(app, platform)["told_revision"] == feed.newest_revision(db.session())


def test_a_refusal_is_forgotten_once_a_later_change_is_taken(app: Flask) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    answers: Iterator[Outcome] = iter([REFUSES, REFUSES, OK])
    push, client = push_with(app, lambda _: next(answers))
    for _ in range(3):
        push.run()
        with app.app_context():
            noted = len(db.session.scalars(select(Refusal)).all())
        assert noted == (1 if len(client.requests) < 3 else 0)
        suspend(app, "NL-BBB")
        resume(app, "NL-BBB")


def test_a_failure_is_retried_later_with_the_row_as_it_is_then(app: Flask) -> None:
    clock = SetClock()
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    answers: list[Outcome] = [HANGS, OK]
    push, client = push_with(app, lambda _: answers.pop(0), clock)
    push.run()
    suspend(app, "NL-BBB")
    push.run()
    assert len(client.requests) == 1
    assert stored(app, platform)["push_reason"] == HANGS.reason
    clock.pass_seconds(1.3)
    push.run()
    assert [json.loads(put.body)["status"] for put in client.requests] == ["CONNECTED", "SUSPENDED"]
    assert stored(app, platform)["failed_pushes"] == 0


def test_waits_double_with_jitter_up_to_a_minute(app: Flask) -> None:
    clock = SetClock()
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    push, client = push_with(app, lambda _: HANGS, clock)
    waits = []
    for _ in range(9):
        push.run()
        waits.append((stored(app, platform)["next_push_at"] - clock.time).total_seconds())
        clock.pass_seconds(waits[-1])
    assert all(0.8 * 2**n <= wait <= 1.2 * 2**n for n, wait in enumerate(waits[:5]))
    assert 45 < waits[-1] <= 60
    assert len(client.requests) == 9


def test_retry_after_is_obeyed(app: Flask) -> None:
    clock = SetClock()
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    push, _ = push_with(app, lambda _: PeerError("HTTP 429", http_status=429, retry_after_seconds=120), clock)
    push.run()
    assert (stored(app, platform)["next_push_at"] - clock.time).total_seconds() == 120


def test_repeated_failure_makes_the_keepalive_look_at_once(app: Flask) -> None:
    clock = SetClock()
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    push, _ = push_with(app, lambda _: HANGS, clock)
    push.run()
    assert stored(app, platform)["next_probe_at"] is None
    clock.pass_seconds(2)
    push.run()
    assert stored(app, platform)["next_probe_at"] == clock.time


def test_offline_and_suspended_platforms_are_not_pushed_to(app: Flask) -> None:
    offline, suspended = connect(app, ("CPO", "NL", "AAA")), connect(app, ("CPO", "NL", "BBB"))
    with app.app_context(), write():
        presence.probes_failed({offline: "gone"})
    suspend(app, "NL-BBB")
    push, client = push_with(app, lambda _: OK)
    push.run()
    assert {put.platform_id for put in client.requests} <= {suspended, offline} - {suspended, offline}


@pytest.mark.parametrize(("catch_up", "told"), [(False, []), (True, ["CCC"])], ids=["owes itself a GET", "CATCH_UP"])
def test_a_platform_that_returns(make_app: MakeApp, catch_up: bool, told: list[str]) -> None:
    app, clock = make_app(catch_up=catch_up), SetClock()
    platform = connect(app, ("CPO", "NL", "AAA"))
    with app.app_context(), write():
        presence.probes_failed({platform: "gone"})
    connect(app, ("EMSP", "NL", "CCC"), receiver=False)
    with app.app_context(), write():
        presence.heard({platform: clock.time})
    push, client = push_with(app, lambda _: OK, clock)
    push.run()
    assert [url[-3:] for url in client.urls] == told


def test_what_changes_while_others_are_told_is_told_in_the_same_run(app: Flask) -> None:
    connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)

    def answer(put: Any) -> Outcome:
        if put.url.endswith("BBB"):
            connect(app, ("EMSP", "NL", "CCC"), receiver=False)
            push.want()
        return OK

    push, client = push_with(app, answer)
    push.run()
    assert [url[-3:] for url in client.urls] == ["BBB", "CCC"]


def test_a_receiver_that_goes_offline_while_being_told_is_told_no_more(app: Flask) -> None:
    platform = connect(app, ("CPO", "NL", "AAA"))
    for party in ("BBB", "CCC", "DDD"):
        connect(app, ("EMSP", "NL", party), receiver=False)

    def answer(put: Any) -> Outcome:
        with app.app_context(), write():
            presence.probes_failed({platform: "gone"})
        push.want()
        push._more()
        return OK

    push, client = push_with(app, answer)
    push.run()
    assert [url[-3:] for url in client.urls] == ["BBB"]


def test_a_cursor_never_goes_back(app: Flask) -> None:
    """The platform returned, and its cursor jumped, while an answer of before was under way."""
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    connect(app, ("EMSP", "NL", "CCC"), receiver=False)

    def answer(put: Any) -> Outcome:
        with app.app_context(), write():
            presence.probes_failed({platform: "gone"})
        with app.app_context(), write():
            presence.heard({platform: SetClock().time})
        return OK

    push, _ = push_with(app, answer)
    push.run()
    with app.app_context():
        assert stored(app, platform)["told_revision"] == feed.newest_revision(db.session())


def test_a_token_that_cannot_be_decrypted_is_a_reason_and_no_traceback(app: Flask, make_app: MakeApp) -> None:
    platform = connect(app, ("CPO", "NL", "AAA"))
    connect(app, ("EMSP", "NL", "BBB"), receiver=False)
    push, client = push_with(make_app(secret_key="another-key-much-longer"), lambda _: OK)
    push.run()
    assert client.requests == []
    assert "SECRET_KEY" in stored(app, platform)["push_reason"]


def test_reading_whom_to_tell_what_takes_a_fixed_number_of_queries(app: Flask) -> None:
    from sqlalchemy import event

    queries: list[str] = []
    counts = []
    for number in range(3):
        for party in range(4):
            connect(app, ("CPO", "NL", f"{number}{party}A"))
        push, _ = push_with(app, lambda _: HANGS)
        with app.app_context():
            queries.clear()
            event.listen(db.engine, "before_cursor_execute", note := lambda *arguments: queries.append(arguments[2]))
            push.run()
            event.remove(db.engine, "before_cursor_execute", note)
        # how often what was answered is stored, and the lock for that taken, depends on the time it takes
        reads = [query for query in queries if query.startswith("SELECT") and " FROM " in query]
        counts.append(len([query for query in reads if "refusal" not in query]))
    assert len(set(counts)) == 1
