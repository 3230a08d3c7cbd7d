import json

import pytest
from flask import Flask

from hubinfo.database import db, write
from hubinfo.hub import presence
from tests.support.hubs import OK, connect
from tests.support.rounds import HANGS, push_with, resume, suspend

pytestmark = pytest.mark.both_databases("cursors are moved by one statement for all")


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


def test_offline_and_suspended_platforms_are_not_pushed_to(app: Flask) -> None:
    offline, suspended = connect(app, ("CPO", "NL", "AAA")), connect(app, ("CPO", "NL", "BBB"))
    with app.app_context(), write():
        presence.probes_failed({offline: "gone"})
    suspend(app, "NL-BBB")
    push, client = push_with(app, lambda _: OK)
    push.run()
    assert {put.platform_id for put in client.requests} <= {suspended, offline} - {suspended, offline}


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
