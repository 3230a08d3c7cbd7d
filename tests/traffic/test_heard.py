"""GET /api/heard: what a reverse proxy is told of the caller whose message it is about to pass on."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from hubinfo.database import write
from hubinfo.models import Platform
from hubinfo.platforms import connections
from hubinfo.platforms.vault import digest
from tests.support.api import Api
from tests.support.apps import MakeApp
from tests.support.heard import CPO, EMSP, TOKEN, ask, connected, is_watched, named, set_offline, suspend, unregister
from tests.support.hubs import stored
from tests.support.live import Hub, LiveHub
from tests.support.peers import Peer
from tests.support.waiting import wait_until


def test_a_known_caller_passes_and_is_named(app: Flask) -> None:
    platform_id = connected(app, ("CPO", "nl", "Tnm"))
    response = ask(app)
    assert (response.status_code, response.data, response.headers["Cache-Control"]) == (204, b"", "no-store")
    assert named(response) == [stored(app, platform_id)["name"], "NL", "TNM", "CPO"]


@pytest.mark.parametrize(
    "presented",
    [TOKEN, base64.b64encode(TOKEN.encode()).decode(), base64.b64encode(f"{TOKEN}\n".encode()).decode()],
    ids=["raw", "base64", "base64 and newline"],
)
def test_every_form_of_the_token_is_understood(app: Flask, presented: str) -> None:
    connected(app, CPO)
    assert ask(app, presented).status_code == 204


@pytest.mark.parametrize("header", [None, "", "Token", "Token wrong", f"Bearer {TOKEN}", f"Token {TOKEN} x", "Basic b3A6b3A="])
def test_an_unknown_caller_is_stopped(app: Flask, header: str | None) -> None:
    connected(app, CPO)
    response = app.test_client().get("/api/heard", headers={} if header is None else {"Authorization": header})
    assert (response.status_code, response.data, response.headers["Cache-Control"]) == (401, b"", "no-store")
    assert response.headers["WWW-Authenticate"] == "Token"
    assert named(response) == [None] * 4


def test_token_a_does_not_let_pass(hub: Hub) -> None:
    assert ask(hub.app, hub.invite("NL", "TNM", "CPO")).status_code == 401


def test_neither_the_operator_s_password_nor_a_bearer_token_lets_pass(app: Flask) -> None:
    api = Api(app)
    for authorization in (f"Bearer {api.token}", "Basic " + base64.b64encode(b"operator:operator").decode()):
        assert app.test_client().get("/api/heard", headers={"Authorization": authorization}).status_code == 401


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_proxy_says_of_the_message_makes_no_difference(app: Flask, method: str) -> None:
    connected(app, CPO)
    told = {"X_Original_Method": "DELETE", "X_Forwarded_Uri": "/ocpi/x", "X_Forwarded_Method": "POST", "Content_Type": "text/xml"}
    assert ask(app, method=method, **told).status_code == 204
    response = app.test_client().get("/api/heard?date_from=x&date_from=y", headers={"Authorization": f"Token {TOKEN}"})
    assert response.status_code == 204


def test_of_several_parties_the_one_that_sends_is_named_else_the_first(app: Flask) -> None:
    connected(app, CPO, EMSP, ("NSP", "BE", "BEC"))
    connected(app, ("CPO", "DE", "OTH"), token="another-token-of-another")
    of_bec = ask(app, OCPI_from_country_code="be", OCPI_from_party_id="bec")
    assert named(of_bec)[1:] == ["BE", "BEC", "EMSP"]
    for stranger in ({}, {"OCPI_from_country_code": "DE", "OCPI_from_party_id": "OTH"}, {"OCPI_from_country_code": "BE"}):
        assert named(ask(app, **stranger))[1:] == ["NL", "TNM", "CPO"]


def test_a_suspended_platform_is_stopped(hub: Hub) -> None:
    connected(hub.app, CPO)
    hub.run("suspend", "NL", "TNM")
    response = ask(hub.app)
    assert (response.status_code, response.data, named(response)) == (403, b"", [None] * 4)
    hub.run("resume", "NL", "TNM")
    assert ask(hub.app).status_code == 204


def test_of_a_larger_platform_only_the_suspended_party_is_stopped(hub: Hub) -> None:
    connected(hub.app, CPO, EMSP)
    hub.run("suspend", "NL", "TNM")
    assert ask(hub.app, OCPI_from_country_code="NL", OCPI_from_party_id="TNM").status_code == 403
    for sender in ({"OCPI_from_country_code": "BE", "OCPI_from_party_id": "BEC"}, {}):
        assert named(ask(hub.app, **sender))[1:] == ["BE", "BEC", "EMSP"]


def test_who_passes_is_counted_as_heard_and_who_does_not_is_not(hub: Hub) -> None:
    platform_id = connected(hub.app, CPO)
    ask(hub.app)
    with hub.app.app_context():
        assert list(connections().heard.take()) == [platform_id]
    hub.run("suspend", "NL", "TNM")
    ask(hub.app)
    with hub.app.app_context():
        assert connections().heard.take() == {}


def test_an_offline_platform_is_connected_at_once(hub: Hub) -> None:
    platform_id = connected(hub.app, CPO)
    set_offline(hub.app, platform_id)
    assert ask(hub.app).status_code == 204
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED"}


def test_it_is_the_same_on_the_party_s_side(make_app: MakeApp) -> None:
    app = make_app(roles="CPO")
    connected(app, ("HUB", "DE", "HUB"))
    assert named(ask(app))[1:] == ["DE", "HUB", "HUB"]


def new_token(app: Flask, platform_id: int) -> None:
    with app.app_context(), write() as session:
        session.get_one(Platform, platform_id).token_hash = digest("a-new-token-c-of-it")


CHANGES: list[tuple[Callable[[Flask, int], None], int]] = [(new_token, 401), (unregister, 401), (suspend, 403)]
each_change = pytest.mark.parametrize(("change", "http_status"), CHANGES, ids=lambda value: getattr(value, "__name__", None))


@each_change
def test_a_change_of_this_process_holds_at_once(app: Flask, change: Any, http_status: int) -> None:
    platform_id = connected(app, CPO)
    assert ask(app).status_code == 204
    change(app, platform_id)
    assert ask(app).status_code == http_status


@each_change
def test_a_change_of_another_process_holds_at_once_without_a_watch(make_app: MakeApp, change: Any, http_status: int) -> None:
    app, other = make_app(), make_app()
    platform_id = connected(app, CPO)
    assert ask(app).status_code == 204
    change(other, platform_id)
    assert ask(app).status_code == http_status


@each_change
def test_a_change_of_another_process_is_noticed_by_the_watch(
    make_live_hub: Callable[..., LiveHub], make_app: MakeApp, change: Any, http_status: int
) -> None:
    live_hub, other = make_live_hub(), make_app()
    platform_id = connected(live_hub.app, CPO)
    wait_until(lambda: is_watched(live_hub.app))
    assert ask(live_hub.app).status_code == 204
    change(other, platform_id)
    wait_until(lambda: ask(live_hub.app).status_code == http_status)


def test_without_its_watch_the_directory_is_no_longer_trusted(live_hub: LiveHub) -> None:
    wait_until(lambda: is_watched(live_hub.app))
    live_hub.worker.stop()
    assert not is_watched(live_hub.app)


def test_it_needs_no_more_than_the_token_over_a_real_socket(live_hub: LiveHub, make_peer: Callable[..., Peer]) -> None:
    token = live_hub.register(make_peer(), CPO)
    response = live_hub.request("GET", "/api/heard", token)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["X-Hubinfo-Platform"] == "NL-TNM"


def test_every_answer_is_as_described(hub: Hub) -> None:
    api = Api(hub.app)
    connected(hub.app, CPO)
    for token, http_status in ((TOKEN, 204), ("wrong", 401)):
        assert api.send("GET", "/api/heard", headers={"Authorization": f"Token {token}"}).status_code == http_status
    hub.run("suspend", "NL", "TNM")
    assert api.send("GET", "/api/heard", headers={"Authorization": f"Token {TOKEN}"}).status_code == 403
