"""`flask hubinfo invite`, and what counts as wrong usage of any command."""

from collections.abc import Callable

import pytest

from tests.support.apps import MakeApp
from tests.support.commands import error_of, invoke, json_of, text_of
from tests.support.live import Hub, LiveHub
from tests.support.peers import Peer

MakePeer = Callable[..., Peer]
CPO = ("CPO", "NL", "TNM")


def opens(hub: Hub, token: str) -> bool:
    """Whether the hub knows the token."""
    return hub.call("GET", "/ocpi/versions", token).status_code == 200


def test_json_says_what_the_other_side_needs(make_app: MakeApp) -> None:
    hub = Hub(make_app(public_url="https://hub.example.com"))
    said = json_of(hub.app, "invite", "NL", "TNM", "--role", "CPO", "--role", "EMSP")
    assert opens(hub, said.pop("token"))
    assert said == {
        "country_code": "NL",
        "party_id": "TNM",
        "roles": ["CPO", "EMSP"],
        "versions_url": "https://hub.example.com/ocpi/versions",
        "platform": "NL-TNM",
    }


def test_text_shows_the_versions_url_and_a_token_that_opens(hub: Hub) -> None:
    first, versions_url, token, last = text_of(hub.app, "invite", "NL", "TNM", "--role", "CPO").splitlines()
    assert first.startswith("NL-TNM is PLANNED as CPO.")
    assert versions_url.split() == ["versions", "URL", "http://127.0.0.1:5000/ocpi/versions"]
    assert opens(hub, token.removeprefix("  token A       "))
    assert last.startswith("The token is shown only now")


def test_each_role_is_one_planned_row(hub: Hub) -> None:
    hub.run("invite", "NL", "TNM", "--role", "CPO", "--role", "EMSP", "--role", "CPO")
    assert hub.statuses() == {("NL-TNM", "CPO"): "PLANNED", ("NL-TNM", "EMSP"): "PLANNED"}


def test_the_name_is_the_companys_or_else_the_partys(hub: Hub) -> None:
    hub.run("invite", "NL", "TNM", "--role", "CPO", "--name", " The New Motion ")
    hub.run("invite", "BE", "BEC", "--role", "CPO")
    names = [hub.run("show", *party)["rows"][0]["business_details"] for party in (("NL", "TNM"), ("BE", "BEC"))]
    assert names == [{"name": "The New Motion"}, {"name": "BE-BEC"}]


def test_tokens_are_long_and_never_the_same(hub: Hub) -> None:
    tokens = {hub.invite("NL", f"T0{number}", "CPO") for number in range(10)}
    assert len(tokens) == 10
    assert {len(token) for token in tokens} == {43}  # 256 bits


def test_a_second_invitation_kills_the_first_token_and_leaves_the_row(hub: Hub) -> None:
    first = hub.invite("NL", "TNM", "CPO")
    before = hub.run("parties")
    second = hub.invite("NL", "TNM", "CPO")
    assert (opens(hub, first), opens(hub, second)) == (False, True)
    assert hub.run("parties") == before


def test_a_second_invitation_may_add_a_role_and_a_name(hub: Hub, make_peer: MakePeer) -> None:
    hub.invite("NL", "TNM", "CPO")
    token = hub.run("invite", "NL", "TNM", "--role", "CPO", "--role", "EMSP", "--name", "The New Motion")["token"]
    assert [row["business_details"] for row in hub.run("show", "NL", "TNM")["rows"]] == [{"name": "The New Motion"}] * 2
    roles = (CPO, ("EMSP", "NL", "TNM"))
    hub.call("POST", "/ocpi/2.2.1/credentials", token, json=make_peer().credentials(*roles))
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("NL-TNM", "EMSP"): "CONNECTED"}


def test_case_does_not_make_another_party(hub: Hub) -> None:
    first = hub.invite("nl", "tnm", "CPO")
    hub.invite("NL", "TNM", "CPO")
    assert not opens(hub, first)
    assert [(row["country_code"], row["party_id"]) for row in hub.run("parties")] == [("NL", "TNM")]
    assert [row["platform"] for row in hub.run("platforms")] == ["NL-TNM"]


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_a_connected_party_is_refused_naming_its_platform(hub: Hub, make_peer: MakePeer, options: tuple[str, ...]) -> None:
    token = hub.register(make_peer(), ("CPO", "BE", "BEC"), CPO)
    said = error_of(hub.app, "invite", "NL", "TNM", "--role", "EMSP", *options)
    assert said.startswith("NL-TNM is connected already, by platform BE-BEC (CONNECTED)")
    assert opens(hub, token)
    assert len(hub.run("parties")) == 2


def test_a_party_that_unregistered_is_suspended_until_it_uses_its_new_invitation(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    old = hub.register(peer, CPO)
    hub.call("DELETE", "/ocpi/2.2.1/credentials", old)
    token = hub.invite("NL", "TNM", "CPO")
    assert hub.statuses() == {("NL-TNM", "CPO"): "SUSPENDED"}
    assert [row["status"] for row in hub.run("platforms")] == ["PLANNED"]
    assert (opens(hub, old), opens(hub, token)) == (False, True)
    hub.call("POST", "/ocpi/2.2.1/credentials", token, json=peer.credentials(CPO))
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED"}


def test_a_party_suspended_by_an_operator_is_to_be_resumed_first(hub: Hub) -> None:
    hub.invite("NL", "TNM", "CPO")
    hub.run("suspend", "NL", "TNM")
    said = error_of(hub.app, "invite", "NL", "TNM", "--role", "CPO")
    [command] = [said.partition("first: flask hubinfo ")[2]]
    assert text_of(hub.app, *command.split())
    assert hub.invite("NL", "TNM", "CPO")
    assert hub.statuses() == {("NL-TNM", "CPO"): "PLANNED"}


def test_a_party_may_invite_a_hub(make_app: MakeApp) -> None:
    hub = Hub(make_app(roles="CPO", country_code="NL", party_id="TNM"))
    assert opens(hub, hub.invite("NL", "HUX", "HUB"))
    assert hub.statuses() == {("NL-HUX", "HUB"): "PLANNED"}


def test_an_invitation_is_pushed_to_the_connected(live_hub: LiveHub, make_peer: MakePeer) -> None:
    peer = make_peer()
    live_hub.register(peer, CPO)
    live_hub.invite("BE", "BEC", "EMSP")
    peer.wait_for(lambda peer: peer.told == {("BE-BEC", "EMSP"): "PLANNED"})


INVITE = ("invite", "NL", "TNM", "--role", "CPO")
WRONG_USAGE = [
    pytest.param(("invite",), "CC", id="no party"),
    pytest.param(("invite", "NL", "--role", "CPO"), "PID", id="half a party"),
    pytest.param(("invite", "NL", "TNM"), "--role", id="no role"),
    pytest.param((*INVITE, "more"), "more", id="one argument more"),
    pytest.param((*INVITE, "--rolle", "CPO"), "--rolle", id="no such option"),
    pytest.param((*INVITE, "--name"), "--name", id="an option without its value"),
    pytest.param((*INVITE, "--name", " "), "--name", id="empty name"),
    pytest.param((*INVITE, "--name", "x" * 101), "100", id="long name"),
    pytest.param(("invite", "NLD", "TNM", "--role", "CPO"), "'NLD': must be two letters", id="three letters of country"),
    pytest.param(("invite", "N1", "TNM", "--role", "CPO"), "'N1': must be two letters", id="digit in country"),
    pytest.param(("invite", "ÑL", "TNM", "--role", "CPO"), "must be two letters", id="not ASCII"),
    pytest.param(("invite", "NL", "TNMX", "--role", "CPO"), "'TNMX': must be one to three letters or digits", id="four of party"),
    pytest.param(("invite", "NL", "T-M", "--role", "CPO"), "'T-M': must be one to three letters or digits", id="hyphen in party"),
    pytest.param(("invite", "NL", "TNM", "--role", "CPX"), "CPX", id="no such role"),
    pytest.param(("invite", "NL", "TNM", "--role", "cpo"), "cpo", id="role in lower case"),
    pytest.param(("suspend", "NL", "TNM", "--role", "CPX"), "CPX", id="suspend in no such role"),
    pytest.param(("resume", "NL"), "PID", id="resume half a party"),
    pytest.param(("show",), "CC", id="show nobody"),
    pytest.param(("probe", "NL", "-"), "'-'", id="probe no party"),
    pytest.param(("parties", "NL"), "NL", id="parties takes no argument"),
    pytest.param(("platforms", "--yaml"), "--yaml", id="platforms in no such form"),
    pytest.param(("pushes", "--yaml"), "--yaml", id="pushes in no such form"),
    pytest.param(("doctor", "--yaml"), "--yaml", id="doctor in no such form"),
    pytest.param(("invited",), "invited", id="no such command"),
    pytest.param(("--yaml", "parties"), "--yaml", id="no such option of the group"),
]


@pytest.mark.parametrize(("arguments", "named"), WRONG_USAGE)
def test_wrong_usage_is_one_line_that_names_it_and_exit_2(hub: Hub, arguments: tuple[str, ...], named: str) -> None:
    said = error_of(hub.app, *arguments, exit_code=2)
    assert named in said
    assert said.endswith("--help")


def test_what_is_wrong_changes_nothing(hub: Hub) -> None:
    for arguments in (("NL", "TNM", "--role", "CPX"), ("NL", "TNM", "--role", "CPO", "--name", "")):
        invoke(hub.app, "invite", *arguments)
    assert (hub.run("parties"), hub.run("platforms")) == ([], [])


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31mred"])
def test_a_name_that_is_not_printable_is_refused_and_nobody_is_planned(hub: Hub, name: str) -> None:
    assert "must be printable" in error_of(hub.app, "invite", "NL", "TNM", "--role", "CPO", "--name", name)
    assert hub.run("parties") == []


@pytest.mark.parametrize("command", ["revoke-api-token", "unregister", "sync"])
def test_an_argument_that_is_not_utf_8_is_wrong_usage(hub: Hub, command: str) -> None:
    """As the shell hands over the byte 0xff."""
    assert "must be text in UTF-8" in error_of(hub.app, command, "\udcff", exit_code=2)
