"""GET hubclientinfo: who sees what, filters, paging (OCPI 2.2.1 hubclientinfo, Sender; transport, Pagination)."""

import itertools
import re
import string
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hubinfo import clock
from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.models import ClientInfo, Platform
from hubinfo.platforms import connections
from hubinfo.platforms.vault import digest, make_token
from tests.support.apps import MakeApp
from tests.support.hubs import connect
from tests.support.live import Hub
from tests.support.peers import Peer

both_databases = pytest.mark.both_databases("filters, order and pages are SQL")

PATH = "/ocpi/2.2.1/hubclientinfo"
BASE = "http://127.0.0.1:5000"
NAMES = map("".join, itertools.product(string.ascii_uppercase, repeat=3))


def parties(rows: Any) -> list[str]:
    return [f"{row['country_code']}-{row['party_id']}" for row in rows]


@pytest.fixture
def token(hub: Hub, make_peer: Callable[..., Peer]) -> str:
    """Of NL-TNM, which sees five others, last updated a second apart."""
    found = hub.register(make_peer(), ("CPO", "NL", "TNM"))
    for number in range(5):
        connect(hub.app, ("CPO", "BE", f"A0{number}"))
    with hub.app.app_context(), write() as session:
        for number, row in enumerate(session.query(ClientInfo).order_by(ClientInfo.id)):
            row.last_updated = clock.parse(f"2026-01-01T00:00:0{number}Z")
    return found


@both_databases
def test_the_callers_own_parties_are_left_out_and_the_rest_is_in_order_of_creation(hub: Hub, token: str) -> None:
    response = hub.call("GET", PATH, token)
    assert response.json is not None
    assert parties(response.json["data"]) == [f"BE-A0{number}" for number in range(5)]
    assert response.headers["X-Total-Count"] == "5"
    assert response.headers["X-Limit"] == "100"
    assert "Link" not in response.headers
    assert set(response.json["data"][0]) == {"country_code", "party_id", "role", "status", "last_updated"}
    assert response.json["data"][0]["last_updated"] == "2026-01-01T00:00:01.000Z"


@both_databases
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("date_from=2026-01-01T00:00:03Z", [3, 4, 5]),
        ("date_from=2026-01-01T00:00:03.001", [4, 5]),
        ("date_to=2026-01-01T00:00:03Z", [1, 2]),
        ("date_from=2026-01-01T00:00:02Z&date_to=2026-01-01T00:00:04", [2, 3]),
        ("date_from=2026-01-01T00:00:04Z&date_to=2026-01-01T00:00:02Z", []),
        ("offset=3", [4, 5]),
        ("offset=5", []),
        ("offset=9223372036854775807", []),
        ("limit=9223372036854775807", [1, 2, 3, 4, 5]),
        ("limit=2&offset=2", [3, 4]),
        ("unknown=x&limit=1", [1]),
    ],
)
def test_filters_and_paging(hub: Hub, token: str, query: str, expected: list[int]) -> None:
    answer = hub.call("GET", f"{PATH}?{query}", token).json
    assert answer is not None
    assert parties(answer["data"]) == [f"BE-A0{number - 1}" for number in expected]


def test_what_a_parameter_cannot_be_is_2001_naming_it(hub: Hub, token: str) -> None:
    response = hub.call("GET", f"{PATH}?limit=0", token)
    assert response.json is not None
    assert (response.status_code, response.json["status_code"]) == (200, 2001)
    assert response.json["status_message"].startswith("limit=")
    assert "data" not in response.json


def test_link_is_absolute_keeps_the_filters_and_ends_with_the_last_page(hub: Hub, token: str) -> None:
    response = hub.call("GET", f"{PATH}?limit=2&date_from=2026-01-01T00%3A00%3A02Z", token)
    match = re.fullmatch(r'<(.*)>; rel="next"', response.headers["Link"])
    assert match is not None
    assert match[1].startswith(f"{BASE}{PATH}?")
    assert parse_qs(urlsplit(match[1]).query) == {"date_from": ["2026-01-01T00:00:02Z"], "offset": ["2"], "limit": ["2"]}
    assert "Link" not in hub.call("GET", match[1].removeprefix(BASE), token).headers


def test_a_limit_above_the_cap_is_served_with_the_cap(make_app: MakeApp, make_peer: Callable[..., Peer]) -> None:
    hub = Hub(make_app(page_limit=2))
    token = hub.register(make_peer(), ("CPO", "NL", "TNM"))
    connect(hub.app, *(("CPO", "BE", f"A0{number}") for number in range(5)))
    for query in ("?limit=100", "", "?limit=1"):
        response = hub.call("GET", PATH + query, token)
        assert response.json is not None
        assert len(response.json["data"]) == (1 if query == "?limit=1" else 2)
        assert response.headers["X-Limit"] == "2"


@both_databases
def test_a_single_party_and_its_roles(hub: Hub, token: str) -> None:
    connect(hub.app, ("CPO", "be", "xyz"), ("EMSP", "be", "xyz"))
    assert hub.call("GET", f"{PATH}/NL/TNM", token).status_code == 404
    assert hub.call("GET", f"{PATH}/BE/ZZZ", token).status_code == 404
    latest = hub.call("GET", f"{PATH}/BE/XYZ", token).json
    assert latest is not None
    assert latest["data"]["role"] == "EMSP"
    picked = hub.call("GET", f"{PATH}/BE/XYZ?role=CPO", token).json
    assert picked is not None
    assert (picked["data"]["role"], picked["data"]["country_code"]) == ("CPO", "BE")
    assert hub.call("GET", f"{PATH}/BE/XYZ?role=NSP", token).status_code == 404
    wrong = hub.call("GET", f"{PATH}/BE/XYZ?role=cpo", token).json
    assert wrong is not None
    assert wrong["status_code"] == 2001


def test_to_2_3_0_a_hub_is_other(hub: Hub, token: str) -> None:
    connect(hub.app, ("HUB", "BE", "HUC"))
    for version, role in (("2.2", "HUB"), ("2.2.1", "HUB"), ("2.3.0", "OTHER")):
        answer = hub.call("GET", f"/ocpi/{version}/hubclientinfo/BE/HUC", token).json
        assert answer is not None
        assert answer["data"]["role"] == role
    assert hub.call("GET", "/ocpi/2.3.0/hubclientinfo/BE/HUC?role=OTHER", token).status_code == 200


@both_databases
def test_any_authenticated_request_of_an_offline_platform_makes_it_connected(hub: Hub, token: str) -> None:
    with hub.app.app_context(), write():
        presence.probes_failed({1: "gone"})
    assert hub.statuses()["NL-TNM", "CPO"] == "OFFLINE"
    hub.call("GET", "/ocpi/versions", token)
    assert hub.statuses()["NL-TNM", "CPO"] == "CONNECTED"


@both_databases
def test_a_request_is_noted_in_memory_and_costs_no_write(hub: Hub, token: str) -> None:
    with hub.app.app_context():
        before = clock.now()
        hub.call("GET", PATH, token)
        heard = connections().heard.take()
    assert list(heard) == [1]
    assert before <= heard[1] <= clock.now() + timedelta(seconds=1)


@both_databases
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(added=st.lists(st.integers(0, 3), max_size=6), limit=st.integers(1, 4))
def test_a_crawl_returns_each_row_once_whatever_is_added_meanwhile(app: Flask, added: list[int], limit: int) -> None:
    hub, token, to_add = Hub(app), make_token(), list(added)
    caller = connect(app, ("CPO", "NL", next(NAMES)))
    connect(app, *(("CPO", "BE", next(NAMES)) for _ in range(5)))
    with app.app_context(), write() as session:
        session.get_one(Platform, caller).token_hash = digest(token)
        before = set(session.scalars(select(ClientInfo.party).where(ClientInfo.platform_id != caller)))
    seen: list[str] = []
    path = f"{PATH}?limit={limit}"
    while path:
        response = hub.call("GET", path, token)
        assert response.json is not None
        seen += parties(response.json["data"])
        for _ in range(to_add.pop() if to_add else 0):
            connect(app, ("CPO", "BE", next(NAMES)))
        path = response.headers.get("Link", "").partition(">")[0].removeprefix("<" + BASE)
    assert len(seen) == len(set(seen))
    assert set(seen) >= before
