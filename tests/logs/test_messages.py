"""A line for each OCPI request and each push, and ids by which one change is followed from the commit to the peer's answer."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.hub import feed
from hubinfo.hub.keepalive import Keepalive
from hubinfo.hub.push import Push
from hubinfo.models import Platform
from hubinfo.ocpi.client import Outcome, PeerError
from hubinfo.operator import actions
from hubinfo.platforms import connections
from tests.support.apps import MakeApp
from tests.support.hub_peer import HubPeer, client_info, connect_hub
from tests.support.hubs import OK, AnsweringClient, SetClock, connect
from tests.support.live import Hub, LiveHub
from tests.support.log_lines import LINE
from tests.support.peers import Peer

CPO, EMSP = ("CPO", "NL", "TNM"), ("EMSP", "BE", "BEC")
IDS = {"X-Request-ID": "r-1", "X-Correlation-ID": "c-1"}
VALUE = re.compile(r'(\w+)=([^\s"=]+|"(?:\\.|[^"\\])*")')


class Said:
    """What has been logged, line by line, whichever app has made the logger's handlers anew."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def note(self, record: logging.LogRecord) -> None:
        """As our own handler would print it."""
        self._lines.append(logging.getLogger("hubinfo").handlers[0].format(record))

    def listen(self) -> None:
        """Anew, after a command: it silences our logger in its process, which here is the hub's."""
        logging.getLogger("hubinfo").setLevel(logging.INFO)

    def of(self, event: str) -> list[dict[str, str]]:
        """The values of each line of this event."""
        found = [line for line in self._lines if re.match(rf"\S+ \w+ +{event}\b", line)]
        assert all(LINE.fullmatch(line) for line in found)
        return [dict(VALUE.findall(line)) for line in found]

    def wait_for(self, event: str, **values: str) -> dict[str, str]:
        """The first line of this event with these values."""
        deadline = time.monotonic() + 20
        while not (found := [line for line in self.of(event) if values.items() <= line.items()]):
            assert time.monotonic() < deadline, self._lines
            time.sleep(0.02)
        return found[0]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Said:
    said = Said()
    monkeypatch.setattr(logging.getLogger("hubinfo").__class__, "callHandlers", lambda _logger, record: said.note(record))
    return said


def test_an_ocpi_request_is_one_line(hub: Hub, said: Said, make_peer: Callable[..., Peer]) -> None:
    token = hub.register(make_peer(), CPO)
    said.listen()
    hub.call("GET", "/ocpi/2.2.1/hubclientinfo?limit=1&date_to=2026-01-01T00:00:00Z", token, headers=IDS)
    line = said.of("request")[-1]
    assert float(line.pop("seconds")) < 60
    path, ids = "/ocpi/2.2.1/hubclientinfo", {"request_id": "r-1", "correlation_id": "c-1"}
    assert line == {"method": "GET", "path": path, "status": "200", "platform": "NL-TNM", **ids}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/ocpi/versions", 401), ("GET", "/ocpi/a/b/c/d", 404), ("DELETE", "/ocpi/versions", 405), ("POST", "/ocpi", 404)],
)
def test_so_is_one_that_is_refused(hub: Hub, said: Said, method: str, path: str, status: int) -> None:
    response = hub.call(method, path)
    [line] = said.of("request")
    assert (line["method"], line["path"], line["status"], line["platform"]) == (method, path, str(status), "-")
    assert [line["request_id"], line["correlation_id"]] == [response.headers[name] for name in IDS]


def test_nothing_is_said_of_other_requests(hub: Hub, said: Said) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/", "/api/parties", "/api/heard"):
        hub.call("GET", path)
    assert said.of("request") == []


@pytest.mark.parametrize("value", ["x" * 5000, "a b=c", '"', "é", "status=200 platform=NL-TNM"])
def test_hostile_ids_are_cut_and_quoted(hub: Hub, said: Said, value: str) -> None:
    response = hub.call("GET", "/ocpi/versions", headers=dict.fromkeys(IDS, value))
    assert [response.headers[name] for name in IDS] == [value] * 2
    [line] = said.of("request")
    assert line["status"] == "401"
    assert all(len(line[name]) <= 120 for name in ("request_id", "correlation_id"))


def test_an_id_that_cannot_be_sent_is_replaced(hub: Hub) -> None:
    """As some servers hand over a header that was folded."""
    environ = {"HTTP_X_REQUEST_ID": "a\r\n b", "HTTP_X_CORRELATION_ID": "\x00"}
    response = hub.app.test_client().get("/ocpi/versions", environ_overrides=environ)
    assert [str(uuid.UUID(response.headers[name])) for name in IDS] == [response.headers[name] for name in IDS]


def test_who_puts_its_token_in_the_wrong_place_finds_it_nowhere(hub: Hub, said: Said) -> None:
    token = hub.invite("NL", "TNM", "CPO")
    said.listen()
    hub.call("GET", f"/ocpi/{token}", token, headers={"X-Request-ID": f"of {token}"})
    [line] = said.of("request")
    assert (line["path"], line["request_id"]) == ('"(not shown)"', '"(not shown)"')


def test_a_token_of_another_scheme_is_not_shown_either(hub: Hub, said: Said) -> None:
    token = hub.invite("NL", "TNM", "CPO")
    said.listen()
    hub.app.test_client().get("/ocpi/versions", headers={"Authorization": f"Bearer {token}", "X-Request-ID": token})
    [line] = said.of("request")
    assert (line["status"], line["request_id"]) == ("401", '"(not shown)"')


def test_a_registration_names_the_message_that_asked_for_it(hub: Hub, said: Said, make_peer: Callable[..., Peer]) -> None:
    token = hub.invite("NL", "TNM", "CPO")
    said.listen()
    hub.call("POST", "/ocpi/2.2.1/credentials", token, json=make_peer().credentials(CPO), headers=IDS)
    [line] = said.of("platform_registered")
    assert (line["request_id"], line["correlation_id"]) == ("r-1", "c-1")


def test_a_change_is_followed_from_its_commit_to_the_answer_of_each_peer(
    live_hub: LiveHub, said: Said, make_peer: Callable[..., Peer]
) -> None:
    peers = {"NL-TNM": make_peer(), "BE-BEC": make_peer()}
    for role, peer in zip((CPO, EMSP), peers.values(), strict=True):
        live_hub.register(peer, role)
    said.listen()
    connect(live_hub.app, ("NSP", "DE", "ABC"), receiver=False)
    change = said.wait_for("status_changed", party="DE-ABC", cause="registered")
    for name, peer in peers.items():
        line = said.wait_for("pushed", platform=name, party="DE-ABC")
        assert (line["revision"], line["correlation_id"]) == (change["revision"], change["correlation_id"])
        assert (line["role"], line["status"]) == ("NSP", "CONNECTED")
        [put] = [request for request in peer.received if request.path.endswith("/DE/ABC")]
        assert put.headers["X-Correlation-ID"] == line["correlation_id"]
        assert put.headers["X-Request-ID"] == line["request_id"]
    requests = [request.headers["X-Request-ID"] for peer in peers.values() for request in peer.received]
    assert len(set(requests)) == len(requests)


def test_the_id_of_a_change_is_the_same_in_every_process_and_another_for_each_change_and_hub() -> None:
    url = "https://hub.example.com/ocpi/versions"
    assert feed.correlation_id(url, 7) == "55cca510-188d-5c98-8007-bf3c645d58ec"
    assert len({feed.correlation_id(url, 7), feed.correlation_id(url, 8), feed.correlation_id(f"{url}/", 7)}) == 3


class Told:
    """A platform that is told of a party, and a test that answers for it."""

    def __init__(self, app: Flask) -> None:
        connect(app, CPO)
        connect(app, EMSP, receiver=False)
        self.clock = SetClock()
        self.client = AnsweringClient(lambda _: OK)
        sends: Any = self.client
        with app.app_context():
            self.push = Push(app, sends, connections().vault, current_settings(), now=self.clock)

    def run(self, answer: Outcome) -> Any:
        """The one request that a run makes."""
        self.client.answer = lambda _: answer
        self.client.requests.clear()
        self.clock.pass_seconds(120)
        self.push.run()
        [request] = self.client.requests
        return request


@pytest.mark.parametrize(
    ("event", "answer"),
    [("pushed", OK), ("push_refused", PeerError("HTTP 404", permanent=True)), ("push_failed", PeerError("timed out"))],
)
def test_every_push_says_by_which_message(app: Flask, said: Said, event: str, answer: Outcome) -> None:
    request = Told(app).run(answer)
    [line] = said.of(event)
    assert {name: line[name] for name in request.ids} == request.ids
    assert (line["revision"], line["party"], line["status"]) == (str(request.change.revision), "BE-BEC", "CONNECTED")


def test_another_attempt_belongs_to_the_same_change_and_is_a_message_of_its_own(app: Flask) -> None:
    told = Told(app)
    first, second = told.run(PeerError("timed out")), told.run(OK)
    assert first.correlation_id == second.correlation_id
    assert first.request_id != second.request_id


def test_a_probe_that_fails_says_by_which_message(app: Flask, said: Said) -> None:
    platform_id = connect(app, CPO)
    client: Any = AnsweringClient(lambda _: PeerError("connection refused"))
    with app.app_context():
        keepalive = Keepalive(app, client, connections().vault, current_settings())
        keepalive.probe(db.session.get_one(Platform, platform_id))
    [line] = said.of("probe_failed")
    assert {name: line[name] for name in ("request_id", "correlation_id")} == client.requests[0].ids


def test_a_pull_says_by_which_messages(make_app: MakeApp, make_hub_peer: Callable[..., HubPeer], said: Said) -> None:
    app, peer = make_app(roles="CPO"), make_hub_peer()
    peer.listed, peer.page_limit = [client_info(f"NL-A{number:02}") for number in range(3)], 1
    connect_hub(app, peer=peer)
    with app.app_context():
        actions.sync("test", None)
    [line] = said.of("synced")
    asked = [request.headers for request in peer.received]
    assert {headers["X-Correlation-ID"] for headers in asked} == {line["correlation_id"]}
    assert asked[-1]["X-Request-ID"] == line["request_id"]
