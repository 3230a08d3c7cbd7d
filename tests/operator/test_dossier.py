"""One party in full."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.models import Platform
from hubinfo.operator import actions, dossier, overview
from hubinfo.operator.refused import NoSuchParty
from tests.support.apps import MakeApp
from tests.support.hub_peer import connect_hub
from tests.support.hubs import SetClock, connect, stored
from tests.support.live import Hub
from tests.support.rounds import fault, keepalive, ok, push
from tests.support.statements import counted

both_databases = pytest.mark.both_databases("its queries")

CPO, EMSP = ("CPO", "NL", "AAA"), ("EMSP", "BE", "BBB")


def of(app: Flask, party: str = "NL-AAA") -> dict[str, Any]:
    with app.app_context():
        return dossier.of(party)


def go_offline(app: Flask, platform_id: int) -> None:
    with app.app_context(), write():
        presence.probes_failed({platform_id: "connection refused"})


def said(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


@both_databases
def test_everything_the_board_shows_is_there(app: Flask, now: SetClock) -> None:
    platform = connect(app, CPO, ("EMSP", "NL", "AAA"))
    found = of(app)
    assert [found[name] for name in ("country_code", "party_id", "party", "name")] == ["NL", "AAA", "NL-AAA", "AAA"]
    lists = ("rows", "platforms", "history", "probes", "pushes", "not_told", "refused")
    assert {name: len(found[name]) for name in lists} == dict.fromkeys(lists, 0) | {"rows": 2, "platforms": 1, "history": 2}
    with app.app_context():
        rows = overview.of_party("NL-AAA")
    assert found["rows"] == [row | {"business_details": {"name": "AAA"}} for row in rows]
    [connection] = found["platforms"]
    row = stored(app, platform)
    same = ("version", "versions_url", "token_form", "status", "last_heard_at", "failed_probes", "next_push_at", "token_used_at")
    assert {name: connection[name] for name in same} == {name: row[name] for name in same}
    assert (connection["platform"], connection["registered"], connection["invited"]) == (row["name"], True, False)
    assert (connection["endpoints"], connection["behind"], connection["why_not_told"]) == ([], 0, None)


@pytest.mark.parametrize("party", ["NL-ZZZ", "NL-", "", "%"])
def test_a_party_that_there_is_not(app: Flask, party: str) -> None:
    connect(app, CPO)
    with pytest.raises(NoSuchParty, match=f"^no such party: {party};"):
        of(app, party)


def test_no_token_is_ever_in_it(hub: Hub) -> None:
    token = hub.invite("NL", "NEW", "CPO")
    platform = connect(hub.app, CPO)
    row = stored(hub.app, platform)
    secrets = [token, row["token_out"], row["token_hash"], f"token-b-{row['name'][1:]}", stored(hub.app, 1)["token_hash"]]
    shown = str([of(hub.app), of(hub.app, "NL-NEW")])
    assert [secret for secret in secrets if secret in shown] == []


def test_who_was_invited_only_has_a_connection_that_waits(app: Flask, now: SetClock) -> None:
    with app.app_context():
        actions.invite("command", "nl", "new", ["CPO"], "Newcomer")
    found = of(app, "NL-NEW")
    assert (found["country_code"], found["party_id"], found["name"]) == ("NL", "NEW", "Newcomer")
    [connection] = found["platforms"]
    empty = ("version", "versions_url", "last_heard_at", "token_used_at", "token_out_made_at", "why_not_told")
    assert said([connection], *empty) == [(None,) * 6]
    assert said([connection], "registered", "invited", "status", "token_made_at") == [(False, True, "PLANNED", now.time)]


@both_databases
def test_history_is_newest_first_with_reasons(app: Flask, now: SetClock) -> None:
    platform, began_at = connect(app, CPO), now.time
    now.pass_seconds(60)
    go_offline(app, platform)
    second = began_at + timedelta(seconds=60)
    assert said(of(app)["history"], "at", "role", "event", "status", "reason") == [
        (second, "CPO", "probe_failed", "OFFLINE", "connection refused"),
        (began_at, "CPO", "registered", "CONNECTED", None),
    ]


@both_databases
def test_what_it_was_told_and_how_it_was_probed(app: Flask, now: SetClock) -> None:
    first, second = connect(app, CPO), connect(app, EMSP)
    now.pass_seconds(400)
    push(app, lambda put: ok(0.5), now)
    keepalive(app, lambda request: ok(0.25) if request.platform_id == first else fault("timed out"), now)
    found = of(app)
    assert said(found["pushes"], "party_id", "told", "outcome", "seconds") == [("BBB", "CONNECTED", "ok", 0.5)]
    assert said(found["probes"], "platform", "outcome", "seconds") == [(stored(app, first)["name"], "ok", 0.25)]
    other = of(app, "BE-BBB")
    assert other["pushes"] == []
    assert said(other["probes"], "platform", "reason") == [(stored(app, second)["name"], "timed out")]
    assert said(other["platforms"], "failed_probes", "probe_reason") == [(1, "timed out")]


@both_databases
def test_what_it_has_not_been_told_and_why(app: Flask, now: SetClock) -> None:
    platform = connect(app, CPO)
    connect(app, EMSP)
    not_told = [("BE", "BBB", "EMSP", "CONNECTED", "2030-01-01T00:00:00.001Z")]
    columns = ("country_code", "party_id", "role", "status", "last_updated")
    assert said(of(app)["not_told"], *columns) == not_told
    assert said(of(app)["platforms"], "behind", "why_not_told") == [(1, "being told")]
    push(app, lambda put: fault("timed out after 10 s"), now)
    assert said(of(app)["platforms"], "behind", "why_not_told", "failed_pushes") == [(1, "timed out after 10 s", 1)]
    go_offline(app, platform)
    assert said(of(app)["platforms"], "why_not_told") == [("OFFLINE: not pushed to, it owes itself a GET",)]
    assert said(of(app)["not_told"], *columns) == not_told


@both_databases
def test_what_it_refused(app: Flask, now: SetClock) -> None:
    connect(app, CPO)
    connect(app, EMSP)
    push(app, lambda put: fault("HTTP 200, OCPI 2001: no", permanent=True), now)
    columns = ("country_code", "party_id", "role", "reason", "at")
    assert said(of(app)["refused"], *columns) == [("BE", "BBB", "EMSP", "HTTP 200, OCPI 2001: no", now.time)]
    assert of(app, "BE-BBB")["refused"] == []
    assert of(app)["not_told"] == []


@both_databases
def test_a_party_on_two_platforms_has_two_connections(app: Flask) -> None:
    first, second = connect(app, CPO), connect(app, ("EMSP", "NL", "AAA"))
    connect(app, EMSP)
    found = of(app)
    names = [stored(app, key)["name"] for key in (first, second)]
    assert [row["platform"] for row in found["rows"]] == names
    assert said(found["platforms"], "platform", "behind") == [(names[0], 2), (names[1], 1)]
    assert [(row["platform"], row["party_id"]) for row in found["not_told"]] == [
        (names[0], "AAA"),
        (names[0], "BBB"),
        (names[1], "BBB"),
    ]


def test_on_the_partys_side_nothing_is_to_be_told(make_app: MakeApp) -> None:
    app = make_app(roles="CPO", country_code="NL", party_id="OUR")
    connect_hub(app, "DE-HUB")
    connect_hub(app, "FR-HUB")
    found = of(app, "DE-HUB")
    assert (found["not_told"], found["platforms"][0]["behind"]) == ([], 0)


@both_databases
def test_others_cost_no_further_statements(app: Flask, now: SetClock) -> None:
    def statements() -> int:
        with counted(app) as found:
            of(app)
        return len(found)

    connect(app, CPO)
    connect(app, EMSP)
    push(app, lambda put: fault("no", permanent=True), now)
    few = statements()
    for number in range(10):
        platform = connect(app, ("CPO", "BE", f"A{number:02}"), ("EMSP", "BE", f"A{number:02}"))
        now.pass_seconds(10)
        go_offline(app, platform)
    push(app, lambda put: fault("no", permanent=True), now)
    with app.app_context(), write() as session:
        presence.suspended(session.get_one(Platform, 1).client_infos)
    assert statements() == few
