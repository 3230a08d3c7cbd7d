"""The list and the single GET at their edges (OCPI 2.2.1 hubclientinfo, Sender; transport, Pagination)."""

from collections.abc import Callable

import pytest

from tests.support.apps import MakeApp
from tests.support.hubs import connect
from tests.support.live import Hub
from tests.support.peers import Peer

PATH = "/ocpi/2.2.1/hubclientinfo"
CPO = ("CPO", "NL", "TNM")
MakePeer = Callable[..., Peer]


@pytest.fixture
def token(hub: Hub, make_peer: MakePeer) -> str:
    """Of NL-TNM, which sees BE-BEC in two roles."""
    found = hub.register(make_peer(), CPO)
    connect(hub.app, ("CPO", "BE", "BEC"), ("EMSP", "BE", "BEC"))
    return found


@pytest.mark.both_databases("comparison without case, and numbers at the edge of its types")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("BE/B%00C", id="nul"),
        pytest.param("%00/BEC", id="nul-in-country"),
        pytest.param("BE/%ff%fe", id="not-utf-8"),
        pytest.param("BE/%ed%a0%80", id="surrogate"),
        pytest.param("BE/" + "x" * 5000, id="long"),
        pytest.param("BE/BEC-CPO", id="longer-than-a-party-id"),
        pytest.param("BE/BE%25", id="wildcard"),
        pytest.param("NL/TNM", id="own"),
        pytest.param("BE", id="country-alone"),
        pytest.param("BE/BEC/CPO", id="further-step"),
        pytest.param("BE//BEC", id="doubled-slash"),
        pytest.param("/BE/BEC", id="doubled-slash-before"),
    ],
)
def test_what_is_no_party_or_not_for_the_caller_is_404(hub: Hub, token: str, path: str) -> None:
    response = hub.call("GET", f"{PATH}/{path}", token)
    assert response.status_code == 404
    assert response.json is not None
    assert response.json["status_code"] == 2000


@pytest.mark.both_databases("comparison without case, and numbers at the edge of its types")
@pytest.mark.parametrize("path", ["BE/BEC", "be/bec", "Be/bEC/", "BE/BEC?role=EMSP&role=x"])
def test_a_party_is_found_whatever_the_case_and_with_a_slash_at_the_end(hub: Hub, token: str, path: str) -> None:
    answer = hub.call("GET", f"{PATH}/{path}", token).json
    assert answer is not None
    assert (answer["data"]["party_id"], answer["data"]["role"]) == ("BEC", "EMSP")


@pytest.mark.parametrize("role", ["", "cpo", "ALL", "%00", "CPO,EMSP"])
def test_a_role_that_is_none_is_2001_naming_the_roles(hub: Hub, token: str, role: str) -> None:
    answer = hub.call("GET", f"{PATH}/BE/BEC?role={role}", token).json
    assert answer is not None
    assert answer["status_code"] == 2001
    assert answer["status_message"].startswith("role=")
    assert "CPO, EMSP" in answer["status_message"]


@pytest.mark.both_databases("comparison without case, and numbers at the edge of its types")
@pytest.mark.parametrize(
    ("query", "count"),
    [
        pytest.param("date_from=0001-01-01T00:00:00Z", 2, id="first-instant"),
        pytest.param("date_to=9999-12-31T23:59:59.999Z", 2, id="last-instant"),
        pytest.param("date_from=9999-12-31T23:59:59.999Z", 0, id="from-the-last-instant"),
        pytest.param("offset=9223372036854775807&limit=9223372036854775807", 0, id="sum-beyond-64-bits"),
        pytest.param("offset=0000000000000000001", 1, id="leading-zeros"),
        pytest.param("limit=1&limit=x", 1, id="of-two-the-first-counts"),
        pytest.param("role=%00&OFFSET=x", 2, id="unknown-parameters-ignored"),
    ],
)
def test_the_extremes_of_filters_and_paging_are_served(hub: Hub, token: str, query: str, count: int) -> None:
    answer = hub.call("GET", f"{PATH}?{query}", token).json
    assert answer is not None
    assert answer["status_code"] == 1000
    assert len(answer["data"]) == count


def test_planned_and_suspended_parties_are_listed(hub: Hub, token: str) -> None:
    hub.invite("DE", "DEC", "NSP")
    hub.run("suspend", "BE", "BEC", "--role", "CPO")
    answer = hub.call("GET", PATH, token).json
    assert answer is not None
    assert [(row["party_id"], row["role"], row["status"]) for row in answer["data"]] == [
        ("BEC", "CPO", "SUSPENDED"),
        ("BEC", "EMSP", "CONNECTED"),
        ("DEC", "NSP", "PLANNED"),
    ]


def test_links_and_endpoints_begin_with_the_public_url(make_app: MakeApp, make_peer: MakePeer) -> None:
    hub = Hub(make_app(public_url="https://hub.example.com/a/", page_limit=1))
    token = hub.register(make_peer(), CPO)
    connect(hub.app, ("CPO", "BE", "BEC"), ("EMSP", "BE", "BEC"))
    link = hub.call("GET", f"{PATH}?offset=0", token, headers={"Host": "elsewhere"}).headers["Link"]
    assert link == f'<https://hub.example.com/a{PATH}?offset=1&limit=1>; rel="next"'
    details = hub.call("GET", "/ocpi/2.2.1", token).json
    assert details is not None
    assert {endpoint["url"] for endpoint in details["data"]["endpoints"]} == {
        f"https://hub.example.com/a/ocpi/2.2.1/{module}" for module in ("credentials", "hubclientinfo")
    }
