"""`flask hubinfo parties, platforms, show, pushes`: what an operator sees, as JSON and as tables."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from hubinfo import clock, create_app
from hubinfo.config import current_settings
from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.hub.push import Push
from hubinfo.models import History, Platform
from hubinfo.ocpi.client import Outcome, PeerError
from hubinfo.operator import dossier, reports
from hubinfo.platforms import connections
from tests.support.commands import error_of, json_of, read_table, table_of, text_of
from tests.support.hubs import AnsweringClient, connect, stored
from tests.support.live import Hub
from tests.support.peers import Peer

both_databases = pytest.mark.both_databases("its queries")

MakePeer = Callable[..., Peer]
CPO = ("CPO", "NL", "TNM")
EMSP = ("EMSP", "BE", "BEC")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PARTY_KEYS = {"country_code", "party_id", "role", "status", "last_updated", "platform", "last_heard_at"}
PLATFORM_KEYS = {"platform", "version", "versions_url", "status", "last_heard_at", "behind", "failed_probes", "reason"}
PUSH_KEYS = {"platform", "behind", "failures", "next_attempt_at", "reason", "refused"}


def push(hub: Hub, outcome: Outcome) -> None:
    """Tell everybody who is due; this is what they all say to it."""
    client: Any = AnsweringClient(lambda _: outcome)
    with hub.app.app_context():
        Push(hub.app, client, connections().vault, current_settings()).run()


def of(rows: list[dict[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]


@pytest.mark.parametrize("command", ["parties", "platforms", "pushes"])
def test_nothing_is_an_empty_list_or_a_sentence(hub: Hub, command: str) -> None:
    assert json_of(hub.app, command) == []
    assert len(text_of(hub.app, command).splitlines()) == 1


@both_databases
def test_parties_are_all_that_the_hub_keeps(hub: Hub, make_peer: MakePeer) -> None:
    hub.register(make_peer(), CPO, ("EMSP", "NL", "TNM"))
    hub.invite("BE", "BEC", "EMSP")
    rows = json_of(hub.app, "parties")
    assert [set(row) for row in rows] == [PARTY_KEYS] * 3
    assert of(rows, "role") == ["CPO", "EMSP", "EMSP"]
    assert of(rows, "status") == ["CONNECTED", "CONNECTED", "PLANNED"]
    assert of(rows, "platform") == ["NL-TNM", "NL-TNM", "BE-BEC"]
    assert all(TIME.fullmatch(row["last_updated"]) for row in rows)
    assert [bool(row["last_heard_at"]) for row in rows] == [True, True, False]


def test_parties_as_a_table(hub: Hub, make_peer: MakePeer) -> None:
    hub.register(make_peer(), CPO)
    hub.invite("BE", "BEC", "EMSP")
    connected, planned = table_of(hub.app, "parties")
    assert list(connected) == ["COUNTRY CODE", "PARTY ID", "ROLE", "STATUS", "LAST UPDATED", "PLATFORM", "LAST HEARD AT"]
    assert (connected["PARTY ID"], connected["STATUS"], connected["PLATFORM"]) == ("TNM", "CONNECTED", "NL-TNM")
    assert TIME.fullmatch(connected["LAST UPDATED"])
    assert (planned["ROLE"], planned["STATUS"], planned["LAST HEARD AT"]) == ("EMSP", "PLANNED", "-")


@both_databases
def test_platforms_are_every_connection(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    hub.register(peer, CPO, ("EMSP", "NL", "TNM"))
    hub.invite("BE", "BEC", "EMSP")
    first, second = json_of(hub.app, "platforms")
    assert set(first) == set(second) == PLATFORM_KEYS
    assert TIME.fullmatch(first.pop("last_heard_at"))
    assert first == {
        "platform": "NL-TNM",
        "version": "2.2.1",
        "versions_url": peer.versions_url,
        "status": "CONNECTED",
        "behind": 1,
        "failed_probes": 0,
        "reason": None,
    }
    nothing_yet = {"version": None, "versions_url": None, "last_heard_at": None, "reason": None, "behind": 0, "failed_probes": 0}
    assert second == {"platform": "BE-BEC", "status": "PLANNED"} | nothing_yet


def test_platforms_as_a_table_with_the_reason_of_a_failure(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    hub.register(peer, CPO)
    peer.stop()
    json_of(hub.app, "probe", "NL", "TNM", exit_code=1)
    peer.start_again()
    [row] = table_of(hub.app, "platforms")
    assert list(row) == [name.upper().replace("_", " ") for name in hub.run("platforms")[0]]
    assert (row["PLATFORM"], row["FAILED PROBES"], row["REASON"]) == ("NL-TNM", "1", "connection refused")


def test_a_platform_name_is_not_used_twice(hub: Hub) -> None:
    connected = connect(hub.app, CPO)
    name = stored(hub.app, connected)["name"]
    hub.invite("NL", "TNN", "CPO")
    assert of(json_of(hub.app, "platforms"), "platform") == [name, "NL-TNN"]


@both_databases
def test_show_is_one_party_in_full(hub: Hub, make_peer: MakePeer) -> None:
    hub.register(make_peer(), CPO, ("CPO", "NL", "ELS"))
    hub.invite("BE", "BEC", "EMSP")
    shown = json_of(hub.app, "show", "NL", "TNM")
    assert (shown["country_code"], shown["party_id"]) == ("NL", "TNM")
    assert of(shown["rows"], "party_id") == ["TNM"]
    assert set(shown["rows"][0]) == PARTY_KEYS | {"business_details"}
    assert of(shown["platforms"], "platform") == ["NL-TNM"]
    assert set(shown["platforms"][0]) == PLATFORM_KEYS
    assert of(shown["not_told"], "party_id") == ["BEC"]
    assert set(shown["not_told"][0]) == {"platform", "country_code", "party_id", "role", "status", "last_updated"}
    assert shown["refused"] == []


def test_show_tells_the_history_newest_first(hub: Hub, make_peer: MakePeer) -> None:
    hub.register(make_peer(), CPO)
    hub.run("suspend", "NL", "TNM")
    hub.run("resume", "NL", "TNM")
    history = json_of(hub.app, "show", "NL", "TNM")["history"]
    assert [set(event) for event in history] == [{"id", "at", "role", "event", "status", "reason"}] * 4
    assert of(history, "event") == ["resumed", "suspended", "registered", "invited"]
    assert of(history, "status") == ["OFFLINE", "SUSPENDED", "CONNECTED", "PLANNED"]
    assert of(history, "at") == sorted(of(history, "at"), reverse=True)


def test_show_as_text_leaves_out_what_is_empty(hub: Hub) -> None:
    hub.invite("NL", "TNM", "CPO")
    parts = text_of(hub.app, "show", "NL", "TNM").split("\n\n")
    assert [part.partition(":\n")[0] for part in parts[1:]] == ["Connection", "History, newest first"]
    for part in parts:
        lines = part.strip().splitlines()
        assert read_table(lines[1:] if lines[0].endswith(":") else lines)


def test_show_as_text_has_what_was_refused_and_what_was_not_told(hub: Hub) -> None:
    connect(hub.app, CPO)
    connect(hub.app, EMSP, receiver=False)
    push(hub, PeerError("HTTP 200, OCPI 2001: no", permanent=True))
    connect(hub.app, ("NSP", "DE", "ABC"), receiver=False)
    shown = text_of(hub.app, "show", "NL", "TNM")
    assert "\nHas not been told:\n" in shown
    [refused] = read_table(shown.partition("\nHas not taken:\n")[2].splitlines())
    assert (refused["PARTY ID"], refused["ROLE"], refused["REASON"]) == ("BEC", "EMSP", "HTTP 200, OCPI 2001: no")


def test_lower_case_finds_the_party(hub: Hub) -> None:
    hub.invite("NL", "TNM", "CPO")
    assert json_of(hub.app, "show", "nl", "tnm") == json_of(hub.app, "show", "NL", "TNM")


@pytest.mark.parametrize("command", ["show", "suspend", "resume", "probe"])
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_a_party_that_is_none_is_one_line(hub: Hub, command: str, options: tuple[str, ...]) -> None:
    assert error_of(hub.app, command, "nl", "tnm", *options) == "no such party: NL-TNM; flask hubinfo parties lists them"


@both_databases
def test_pushes_say_who_is_behind(hub: Hub) -> None:
    connect(hub.app, CPO)
    connect(hub.app, EMSP, receiver=False)
    connect(hub.app, ("NSP", "DE", "ABC"), receiver=False)
    [row] = json_of(hub.app, "pushes")
    assert set(row) == PUSH_KEYS
    assert (row["behind"], row["failures"], row["next_attempt_at"], row["reason"]) == (2, 0, None, "being told")


@both_databases
def test_pushes_say_why_and_when_next(hub: Hub) -> None:
    connect(hub.app, CPO)
    connect(hub.app, EMSP, receiver=False)
    push(hub, PeerError("timed out after 10 s"))
    [row] = json_of(hub.app, "pushes")
    assert (row["behind"], row["failures"], row["reason"]) == (1, 1, "timed out after 10 s")
    assert TIME.fullmatch(row["next_attempt_at"])
    [printed] = table_of(hub.app, "pushes")
    assert (printed["NEXT ATTEMPT AT"], printed["REASON"]) == (row["next_attempt_at"], "timed out after 10 s")


@both_databases
def test_pushes_say_what_was_refused_for_good(hub: Hub) -> None:
    connect(hub.app, CPO)
    connect(hub.app, EMSP, receiver=False)
    push(hub, PeerError("HTTP 404", permanent=True))
    [row] = json_of(hub.app, "pushes")
    [refused] = row["refused"]
    assert (row["behind"], row["reason"], refused["reason"]) == (0, "HTTP 404", "HTTP 404")
    assert (refused["country_code"], refused["party_id"], refused["role"]) == ("BE", "BEC", "EMSP")


@both_databases
def test_pushes_say_that_who_is_offline_is_not_pushed_to(hub: Hub) -> None:
    platform = connect(hub.app, CPO)
    connect(hub.app, EMSP, receiver=False)
    with hub.app.app_context(), write():
        presence.probes_failed({platform: "gone"})
    assert of(json_of(hub.app, "pushes"), "reason") == ["OFFLINE: not pushed to, it owes itself a GET"]


def test_what_is_not_printable_cannot_break_a_table(hub: Hub) -> None:
    connect(hub.app, CPO)
    connect(hub.app, EMSP, receiver=False)
    push(hub, PeerError("one"))
    with hub.app.app_context(), write() as session:  # as a release before this one may have stored it
        session.execute(update(Platform).values(push_reason="one\ntwo\x1b[31m"))
    [row] = table_of(hub.app, "pushes")
    assert row["REASON"] == "one\ufffdtwo\ufffd[31m"


def test_a_database_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    app = create_app({"database_url": f"sqlite:///{tmp_path}/nowhere/hubinfo.sqlite3"}, instance_path=tmp_path / "instance")
    assert error_of(app, "parties", "--json").endswith("cannot be opened: unable to open database file")


@both_databases
def test_history_is_paged_without_gaps_though_the_clock_was_set_back(hub: Hub) -> None:
    connect(hub.app, CPO)
    for _ in range(2):
        hub.run("suspend", "NL", "TNM")
        hub.run("resume", "NL", "TNM")
    with hub.app.app_context(), write() as session:
        lines = session.scalars(select(History).order_by(History.id)).all()
        ids = [line.id for line in lines]
        for line, hours in zip(lines, (-1, 2, 0, 1, -2), strict=True):
            line.at = clock.now() + timedelta(hours=hours)
    with hub.app.app_context():
        rows = dossier.rows_of("NL-TNM")
        seen: list[int] = []
        while page := reports.history(rows, 2, seen[-1] if seen else None):
            seen += [event["id"] for event in page]
    assert seen == [ids[number] for number in (1, 3, 2, 0, 4)]
