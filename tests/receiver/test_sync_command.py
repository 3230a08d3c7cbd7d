"""`flask hubinfo sync`: a full pull now, from all hubs or one; what it prints and how it ends."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.apps import MakeApp
from tests.support.commands import error_of, invoke, json_of, table_of
from tests.support.hub_peer import LIST, HubPeer, client_info, connect_hub, set_status
from tests.support.hubs import connect, stored

MakeHubPeer = Callable[..., HubPeer]
FIRST, SECOND = "DE-HUB", "FR-HUB"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(roles="CPO", request_timeout_seconds=4)


@pytest.fixture
def hubs(app: Flask, make_hub_peer: MakeHubPeer) -> dict[str, HubPeer]:
    """Two that we are registered with; each lists one party."""
    made = {name: make_hub_peer(name) for name in (FIRST, SECOND)}
    for name, peer in made.items():
        peer.listed = [client_info("NL-TNM")]
        connect_hub(app, name, peer=peer)
    return made


def came(hub: str, received: int = 1, changed: int = 1, no_longer_valid: int = 0, *ignored: str) -> dict[str, Any]:
    counted = {"received": received, "ignored": len(ignored), "changed": changed, "no_longer_valid": no_longer_valid}
    return {"hub": hub, **counted, "ignored_reasons": list(ignored)}


def fail(peer: HubPeer) -> None:
    peer.behave("GET", f"/2.2.1/{LIST}", lambda handler: handler.answer(http_status=500, status_code=3000))


def test_one_hub_is_an_object(app: Flask, make_hub_peer: MakeHubPeer) -> None:
    peer = make_hub_peer()
    peer.listed = [client_info("NL-TNM"), client_info("BE-BEC", status="broken")]
    connect_hub(app, peer=peer)
    [reason] = json_of(app, "sync")["ignored_reasons"]
    assert reason.startswith('entry 2: status="broken": must be one of CONNECTED')
    assert json_of(app, "sync") == came(FIRST, 1, 0, 0, reason)
    peer.listed = []
    assert json_of(app, "sync") == came(FIRST, 0, 0, 1)


def test_several_hubs_are_a_list_and_one_of_them_by_name_an_object(app: Flask, hubs: dict[str, HubPeer]) -> None:
    assert json_of(app, "sync", SECOND.lower()) == came(SECOND)
    assert hubs[FIRST].pages == 0
    assert json_of(app, "sync") == [came(FIRST), came(SECOND, changed=0)]


def test_as_a_table(app: Flask, hubs: dict[str, HubPeer]) -> None:
    assert table_of(app, "sync") == [
        {"HUB": hub, "RECEIVED": "1", "IGNORED": "0", "CHANGED": "1", "NO LONGER VALID": "0"} for hub in (FIRST, SECOND)
    ]


def test_what_was_ignored_is_named_below_the_table_as_far_as_one_reads(app: Flask, make_hub_peer: MakeHubPeer) -> None:
    peer = make_hub_peer()
    peer.listed = [client_info("NL-TNM"), *(client_info("BE-BEC", status=f"S{number}") for number in range(28))]
    peer.page_limit = 8
    connect_hub(app, peer=peer)
    printed = app.test_cli_runner().invoke(args=["hubinfo", "sync"]).stdout
    assert printed.splitlines()[1].split() == [FIRST, "1", "28", "1", "0"]
    assert printed.count(f"{FIRST} ignored entry ") == 10
    assert 'status="S0": must be one of' in printed


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_broken_pull_is_exit_1_with_one_line_that_names_hub_and_reason(
    app: Flask, hubs: dict[str, HubPeer], options: tuple[str, ...]
) -> None:
    fail(hubs[FIRST])
    assert error_of(app, "sync", FIRST, *options) == f"{FIRST}: HTTP 500, OCPI 3000"


def test_of_several_the_good_ones_are_printed_and_the_broken_ones_are_one_line(app: Flask, hubs: dict[str, HubPeer]) -> None:
    fail(hubs[FIRST])
    result = invoke(app, "sync", "--json")
    assert (result.exit_code, result.stderr) == (1, f"Error: {FIRST}: HTTP 500, OCPI 3000\n")
    assert '"hub": "FR-HUB"' in result.stdout
    fail(hubs[SECOND])
    result = invoke(app, "sync")
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert f"{FIRST}: " in result.stderr
    assert f"{SECOND}: " in result.stderr


def test_a_token_that_cannot_be_decrypted_is_one_line(make_app: MakeApp, hubs: dict[str, HubPeer]) -> None:
    other = make_app(roles="CPO", secret_key="another-key-much-longer")
    assert "SECRET_KEY" in error_of(other, "sync", FIRST)


@pytest.mark.parametrize("name", ["NL-TNM", "", "DE-HUB-2", "%"])
def test_what_is_no_hub_is_one_line_that_says_where_to_look(app: Flask, hubs: dict[str, HubPeer], name: str) -> None:
    assert error_of(app, "sync", name) == f"no hub named {name}; flask hubinfo platforms lists all platforms"


def test_a_platform_that_is_no_hub_cannot_be_pulled_from(app: Flask, hubs: dict[str, HubPeer]) -> None:
    platform_id = connect(app, ("EMSP", "BE", "BEC"))
    name = stored(app, platform_id)["name"]
    assert error_of(app, "sync", name).startswith(f"no hub named {name};")


def test_without_a_hub_it_says_how_to_get_one(app: Flask) -> None:
    assert error_of(app, "sync").endswith("flask hubinfo register VERSIONS_URL TOKEN_A")


def test_a_hub_that_is_not_due_is_asked_all_the_same_and_is_due_later_again(app: Flask, hubs: dict[str, HubPeer]) -> None:
    json_of(app, "sync", FIRST)
    planned = stored(app, 1)["next_sync_at"]
    json_of(app, "sync", FIRST)
    assert hubs[FIRST].pages == 2
    assert stored(app, 1)["next_sync_at"] != planned


def test_a_hub_that_was_silent_and_answers_is_connected_again(app: Flask, hubs: dict[str, HubPeer]) -> None:
    set_status(app, 1, "OFFLINE")
    fail(hubs[FIRST])
    error_of(app, "sync", FIRST)
    assert [row["stale"] for row in json_of(app, "known")] == []
    assert stored(app, 1)["status"] == "OFFLINE"
    hubs[FIRST].behave("GET", f"/2.2.1/{LIST}", None)
    json_of(app, "sync", FIRST)
    assert [row["stale"] for row in json_of(app, "known")] == [False]
    assert stored(app, 1)["status"] == "CONNECTED"
