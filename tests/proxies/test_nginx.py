"""What nginx alone has of deploy/: a limit for strangers, plain HTTP that leads to TLS."""

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.fronts import KEEPALIVE_SECONDS, PATH, TOKEN, Front, front_of
from tests.support.proxies import Nginx, require


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    with front_of(Nginx, tmp_path) as made:
        yield made


def test_a_flood_of_strangers_is_limited_while_the_known_pass(front: Front) -> None:
    strangers, known, ended = Counter[int](), Counter[int](), threading.Event()

    def flood() -> None:
        while not ended.is_set():
            strangers[front.get(PATH, "wrong").status_code] += 1

    threads = [threading.Thread(target=flood) for _ in range(3)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while (strangers[429] < 50 or known.total() < 30) and time.monotonic() < deadline:
        known[front.get(PATH, TOKEN).status_code] += 1
    ended.set()
    for thread in threads:
        thread.join()
    assert set(strangers) == {401, 429}
    assert strangers[429] >= 50
    assert set(known) == {200}


def test_while_traffic_flows_nobody_is_asked_whether_it_is_alive(front: Front) -> None:
    """And who sends nothing is."""
    front.connect_another()
    began = time.monotonic()
    while time.monotonic() < began + 2 * KEEPALIVE_SECONDS:
        assert front.get(PATH, TOKEN).status_code == 200
        time.sleep(0.1)
    asked = Counter(request.path for request in list(front.party.received))
    assert asked["/versions"] == 0
    assert asked["/another/versions"] > 0


def test_a_body_of_unknown_length_reaches_the_router_whole(front: Front) -> None:
    assert front.post(iter([b"x" * 1_000_000] * 2)).status_code == 200
    assert [(request.method, len(request.body)) for request in front.router.received] == [("POST", 2_000_000)]


def test_plain_http_leads_to_tls_and_the_sub_request_is_nobody_else_s(front: Front) -> None:
    assert isinstance(front.proxy, Nginx)
    plain = requests.get(f"http://127.0.0.1:{front.proxy.http_port}/ocpi/versions", allow_redirects=False, timeout=60)
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://127.0.0.1/ocpi/versions")
    assert front.get("/_heard", TOKEN).status_code == 404


def test_nginx_finds_nothing_to_warn_of(front: Front) -> None:
    command = [require("nginx"), "-t", "-c", str(front.installation.folder.parent / "nginx.conf")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "[warn]" not in ended.stderr
