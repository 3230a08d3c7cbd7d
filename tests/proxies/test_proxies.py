"""What deploy/ has for nginx and for Envoy, in the real ones, in front of a real hubinfo and a router: traffic is presence."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.fronts import CPO, EMSP, METHODS, PATH, TOKEN, Front, front_of
from tests.support.proxies import Envoy, Nginx


@pytest.fixture(params=[Nginx, Envoy])
def front(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Front]:
    with front_of(request.param, tmp_path) as made:
        yield made


def test_a_known_caller_reaches_the_router_with_its_name(front: Front) -> None:
    forged = {"X_Hubinfo_Platform": "forged", "X_Hubinfo_Role": "HUB"}
    answer = front.get(PATH, TOKEN, OCPI_from_country_code="BE", OCPI_from_party_id="BEC", X_Request_ID="r-1", **forged)
    assert answer.json()["status_code"] == 1000
    [request] = front.router.received
    names = {name.lower(): value for name, value in request.headers.items()}
    said = [names[f"x-hubinfo-{name}"] for name in ("platform", "country-code", "party-id", "role")]
    assert said[0].startswith("P")
    assert said[1:] == ["BE", "BEC", "EMSP"]
    assert (request.path, names["x-request-id"], names["authorization"]) == (PATH, "r-1", f"Token {TOKEN}")


def test_a_forged_name_does_not_reach_the_router_however_it_is_spelled(front: Front) -> None:
    """To WSGI, an underscore in the name of a header is a dash."""
    sent = {"Authorization": f"Token {TOKEN}", "x_hubinfo_role": "HUB", "X-HUBINFO-Country-Code": "XX", "X_Hubinfo-Party_Id": "XXX"}
    requests.get(front.proxy.url + PATH, headers=sent, verify=front.proxy.ca_file, timeout=60)
    [request] = front.router.received
    said = {name.lower().replace("_", "-"): value for name, value in request.headers.items()}
    assert len(said) == len(request.headers)
    assert (said["x-hubinfo-role"], said["x-hubinfo-country-code"], said["x-hubinfo-party-id"]) == CPO


def test_the_body_goes_to_the_router_and_not_to_hubinfo(front: Front) -> None:
    assert front.post(b"x" * 2_000_000).status_code == 200
    assert [(request.method, len(request.body)) for request in front.router.received] == [("POST", 2_000_000)]


def test_traffic_makes_an_offline_party_connected_in_either_process(front: Front) -> None:
    for _ in range(5):
        front.set_offline()
        deadline = time.monotonic() + 20
        while front.statuses() != {"CONNECTED"}:
            assert front.get(PATH, TOKEN).status_code == 200
            assert time.monotonic() < deadline


def test_strangers_are_stopped_with_401_and_the_suspended_with_403(front: Front) -> None:
    for token in (None, "wrong", front.installation.invite("NL", "NEW")):
        answer = front.get(PATH, token)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Token")
    for party in (CPO, EMSP):
        front.installation.command("suspend", *party[1:])
    answer = front.get(PATH, TOKEN)
    while answer.status_code == 200:  # for some 30 ms
        answer = front.get(PATH, TOKEN)
    assert answer.status_code == 403
    sent = {f"Token {TOKEN}"}
    assert {
        value for request in front.router.received for name, value in request.headers.items() if name.lower() == "authorization"
    } <= sent


def test_nobody_passes_while_hubinfo_cannot_be_asked(front: Front) -> None:
    front.hubinfo.kill()
    assert front.get(PATH, TOKEN).status_code == 503
    assert front.router.received == []


def test_nobody_waits_for_long_while_hubinfo_hangs(front: Front) -> None:
    os.killpg(front.hubinfo.process.pid, signal.SIGSTOP)
    assert front.get(PATH, TOKEN).status_code == 503  # while hubinfo hangs, so not by its answer
    assert front.router.received == []
    os.killpg(front.hubinfo.process.pid, signal.SIGCONT)
    front.proxy.wait_for(lambda _: front.get(PATH, TOKEN).status_code == 200)


def test_a_fault_of_the_router_is_passed_on_as_it_is(front: Front) -> None:
    front.router.behave("GET", "/roaming", lambda handler: handler.answer(http_status=500, status_code=3000))
    answer = front.get(PATH, TOKEN)
    assert (answer.status_code, answer.json()["status_code"]) == (500, 3000)


def test_a_message_of_any_method_passes_and_counts(front: Front) -> None:
    for method in METHODS:
        front.set_offline()
        assert front.get(f"{PATH}/NL/TNM/1?a=b", TOKEN, method).status_code == 200
        front.proxy.wait_for(lambda _: front.statuses() == {"CONNECTED"})
    assert [(request.method, request.path) for request in front.router.received] == [
        (method, f"{PATH}/NL/TNM/1?a=b") for method in METHODS
    ]


def test_an_escaped_slash_in_an_id_stays_one(front: Front) -> None:
    path = f"{PATH}/NL/TNM/a%2Fb%20c"
    assert front.get(path, TOKEN).status_code == 200
    assert [request.path for request in front.router.received] == [path]


def test_who_sends_slowly_keeps_nobody_from_passing(front: Front) -> None:
    """More of them than hubinfo has threads."""
    with contextlib.ExitStack() as held:
        for _ in range(60):
            held.enter_context(front.slow_request())
        time.sleep(1)
        assert [front.get(PATH, TOKEN).status_code for _ in range(5)] == [200] * 5


def test_all_else_is_hubinfo_itself(front: Front) -> None:
    assert front.get("/ocpi/versions", TOKEN).json()["status_code"] == 1000
    assert front.get("/ocpi/versions").json()["status_code"] == 2000


def test_metrics_are_shown_to_nobody_however_they_are_spelled(front: Front) -> None:
    """/METRICS is another path, and hubinfo's to answer."""
    assert requests.get(f"http://127.0.0.1:{front.installation.port}/metrics/", timeout=60).status_code == 200
    ours = front.get_unchanged("/METRICS")
    assert ours[0] == 404
    for path in (
        "/metrics",
        "/metrics/",
        "/metrics//",
        "/metrics%2f",
        "//metrics",
        "//metrics/",
        "/metrics/?x",
        "/roaming/../metrics/",
    ):
        status, body = front.get_unchanged(path)
        assert (status, body == ours[1]) == (404, False), path
    for path in (
        "/%2fmetrics",
        "/%2Fmetrics%2F",
        "/%6detrics",
        "/./metrics",
        "/x/%2e%2e/metrics",
        "/x/..%2fmetrics",
        "/roaming/..%2fmetrics/",
    ):
        assert "hubinfo_" not in front.get_unchanged(path)[1], path


def test_the_proxy_finds_nothing_to_warn_of(front: Front) -> None:
    assert front.get(PATH, TOKEN).status_code == 200
    assert "warn" not in front.proxy.said
    assert "deprecated" not in front.proxy.said
