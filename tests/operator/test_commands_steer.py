"""`flask hubinfo suspend, resume, probe`: here, and from another process while the hub runs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.commands import error_of, json_of, table_of, text_of
from tests.support.live import Hub, LiveHub
from tests.support.peers import Peer
from tests.support.processes import Installation

MakePeer = Callable[..., Peer]
CPO = ("CPO", "NL", "TNM")
EMSP = ("EMSP", "NL", "TNM")
OTHER = ("EMSP", "BE", "BEC")
ROW_KEYS = {"country_code", "party_id", "role", "status", "last_updated", "platform", "last_heard_at"}


@pytest.fixture
def elsewhere(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    """Commands as processes of their own, on the database of the hub."""
    with Installation(tmp_path, DATABASE_URL=database_url, SECRET_KEY="0123456789abcdef") as made:
        yield made


def run(elsewhere: Installation, *arguments: str) -> None:
    result = elsewhere.flask("hubinfo", *arguments)
    assert (result.returncode, result.stderr) == (0, "")


def probes(peer: Peer) -> int:
    return sum(request.path == "/versions" for request in peer.received)


def test_suspend_lists_the_rows_as_they_are_now(hub: Hub, make_peer: MakePeer) -> None:
    hub.register(make_peer(), CPO, EMSP)
    rows = json_of(hub.app, "suspend", "NL", "TNM")
    assert [set(row) for row in rows] == [ROW_KEYS] * 2
    assert [(row["role"], row["status"]) for row in rows] == [("CPO", "SUSPENDED"), ("EMSP", "SUSPENDED")]
    assert json_of(hub.app, "parties") == rows


def test_resume_prints_a_table(hub: Hub, make_peer: MakePeer) -> None:
    hub.register(make_peer(), CPO)
    text_of(hub.app, "suspend", "NL", "TNM")
    [row] = table_of(hub.app, "resume", "NL", "TNM")
    assert (row["COUNTRY CODE"], row["PARTY ID"], row["ROLE"], row["STATUS"]) == ("NL", "TNM", "CPO", "OFFLINE")


def test_lower_case_finds_the_party(hub: Hub) -> None:
    hub.invite("NL", "TNM", "CPO")
    assert [row["status"] for row in json_of(hub.app, "suspend", "nl", "tnm")] == ["SUSPENDED"]
    assert [row["status"] for row in json_of(hub.app, "resume", "Nl", "tNM")] == ["PLANNED"]


def test_one_role_and_back(hub: Hub, make_peer: MakePeer) -> None:
    hub.register(make_peer(), CPO, EMSP)
    assert [row["role"] for row in json_of(hub.app, "suspend", "NL", "TNM", "--role", "EMSP")] == ["EMSP"]
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("NL-TNM", "EMSP"): "SUSPENDED"}
    assert [row["role"] for row in json_of(hub.app, "resume", "NL", "TNM", "--role", "EMSP")] == ["EMSP"]
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("NL-TNM", "EMSP"): "OFFLINE"}


@pytest.mark.parametrize("command", ["suspend", "resume"])
def test_a_role_that_the_party_does_not_have_is_one_line_and_changes_nothing(hub: Hub, command: str) -> None:
    hub.invite("NL", "TNM", "CPO")
    before = hub.run("parties")
    assert error_of(hub.app, command, "NL", "TNM", "--role", "EMSP").startswith("no such party: NL-TNM as EMSP")
    assert hub.run("parties") == before


@pytest.mark.parametrize("commands", [("resume",), ("suspend", "suspend")], ids=["resume who is not suspended", "suspend twice"])
def test_what_changes_nothing_is_not_told(hub: Hub, make_peer: MakePeer, commands: tuple[str, ...]) -> None:
    hub.register(make_peer(), CPO)
    for command in commands[:-1]:
        hub.run(command, "NL", "TNM")
    before = hub.run("show", "NL", "TNM")
    assert hub.run(commands[-1], "NL", "TNM")[0]["last_updated"] == before["rows"][0]["last_updated"]
    assert hub.run("show", "NL", "TNM")["history"] == before["history"]


def test_probe_of_who_is_alive(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    hub.register(peer, CPO)
    heard_at = hub.run("parties")[0]["last_heard_at"]
    said = json_of(hub.app, "probe", "nl", "tnm")
    assert 0 < said.pop("seconds") < 10
    assert said == {"status": "CONNECTED", "reason": None}
    assert hub.run("parties")[0]["last_heard_at"] > heard_at
    assert text_of(hub.app, "probe", "NL", "TNM").startswith("NL-TNM is alive, answered in 0.")


def test_probe_of_who_is_not_alive_prints_json_too_and_exits_1(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    hub.register(peer, CPO)
    peer.behave("GET", "/versions", lambda handler: handler.answer(http_status=503, status_code=3000))
    said = json_of(hub.app, "probe", "NL", "TNM", exit_code=1)
    assert said.pop("seconds") > 0
    assert said == {"status": "CONNECTED", "reason": "HTTP 503, OCPI 3000"}


def test_probes_by_command_count_and_the_second_that_fails_makes_offline(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    hub.register(peer, CPO)
    peer.behave("GET", "/versions", lambda handler: handler.answer(http_status=401, status_code=2000))
    assert [json_of(hub.app, "probe", "NL", "TNM", exit_code=1)["status"] for _ in range(2)] == ["CONNECTED", "OFFLINE"]
    assert hub.run("platforms")[0]["failed_probes"] == 2
    peer.behave("GET", "/versions", None)
    assert json_of(hub.app, "probe", "NL", "TNM")["status"] == "CONNECTED"
    assert hub.run("platforms")[0]["failed_probes"] == 0


def test_who_has_not_registered_cannot_be_probed(hub: Hub) -> None:
    hub.invite("NL", "TNM", "CPO")
    assert error_of(hub.app, "probe", "NL", "TNM", "--json") == "NL-TNM has not registered, so there is nobody to probe"


def test_a_probe_of_who_is_suspended_does_not_bring_it_back(hub: Hub, make_peer: MakePeer) -> None:
    hub.register(make_peer(), CPO)
    hub.run("suspend", "NL", "TNM")
    assert json_of(hub.app, "probe", "NL", "TNM")["status"] == "SUSPENDED"


def test_a_suspension_from_another_process_is_pushed_to_the_others(
    live_hub: LiveHub, elsewhere: Installation, make_peer: MakePeer
) -> None:
    peer, other = make_peer(), make_peer()
    live_hub.register(other, OTHER)
    live_hub.register(peer, CPO, EMSP)
    run(elsewhere, "suspend", "NL", "TNM", "--role", "CPO")
    other.wait_for(lambda other: other.told.get(("NL-TNM", "CPO")) == "SUSPENDED")
    assert other.told["NL-TNM", "EMSP"] == "CONNECTED"
    assert peer.puts == []


def test_who_is_resumed_is_offline_probed_at_once_and_connected(
    live_hub: LiveHub, elsewhere: Installation, make_peer: MakePeer
) -> None:
    peer, other = make_peer(), make_peer()
    live_hub.register(other, OTHER)
    live_hub.register(peer, CPO)
    live_hub.run("suspend", "NL", "TNM")
    other.wait_for(lambda other: other.told.get(("NL-TNM", "CPO")) == "SUSPENDED")
    before = probes(peer)
    run(elsewhere, "resume", "NL", "TNM")
    peer.wait_for(lambda peer: probes(peer) > before)
    other.wait_for(lambda other: other.told["NL-TNM", "CPO"] == "CONNECTED")
    events = [event["event"] for event in live_hub.run("show", "NL", "TNM")["history"]]
    assert events[:3] == ["heard", "resumed", "suspended"]


def test_an_invitation_from_another_process_is_pushed(live_hub: LiveHub, elsewhere: Installation, make_peer: MakePeer) -> None:
    other = make_peer()
    live_hub.register(other, OTHER)
    run(elsewhere, "invite", "NL", "TNM", "--role", "CPO", "--json")
    other.wait_for(lambda other: other.told == {("NL-TNM", "CPO"): "PLANNED"})


def test_a_platform_with_one_suspended_party_is_still_told_about_others(
    live_hub: LiveHub, elsewhere: Installation, make_peer: MakePeer
) -> None:
    peer = make_peer()
    token = live_hub.register(peer, CPO, ("CPO", "NL", "ELS"))
    run(elsewhere, "suspend", "NL", "TNM")
    assert live_hub.statuses() == {("NL-TNM", "CPO"): "SUSPENDED", ("NL-ELS", "CPO"): "CONNECTED"}
    live_hub.invite("BE", "BEC", "EMSP")
    peer.wait_for(lambda peer: peer.told == {("BE-BEC", "EMSP"): "PLANNED"})
    assert live_hub.request("GET", "/ocpi/2.2.1/hubclientinfo", token).status_code == 200


def test_a_platform_whose_last_party_is_suspended_is_told_nothing_and_refused(
    live_hub: LiveHub, elsewhere: Installation, make_peer: MakePeer
) -> None:
    peer, other = make_peer(), make_peer()
    token = live_hub.register(peer, CPO)
    live_hub.register(other, OTHER)
    run(elsewhere, "suspend", "NL", "TNM")
    live_hub.invite("DE", "ABC", "NSP")
    other.wait_for(lambda other: other.told.get(("DE-ABC", "NSP")) == "PLANNED")
    assert ("DE-ABC", "NSP") not in peer.told
    assert live_hub.request("GET", "/ocpi/2.2.1/hubclientinfo", token).status_code == 403


def test_who_an_operator_suspended_is_not_brought_back_by_put_credentials(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    token = hub.register(peer, CPO)
    hub.run("suspend", "NL", "TNM")
    response = hub.call("PUT", "/ocpi/2.2.1/credentials", token, json=peer.credentials(CPO))
    assert response.status_code == 200
    assert hub.statuses() == {("NL-TNM", "CPO"): "SUSPENDED"}
    assert [row["status"] for row in hub.run("resume", "NL", "TNM")] == ["OFFLINE"]
