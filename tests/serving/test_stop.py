"""The end: within seconds though every peer hangs, and with the lease handed over."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.peers import Peer, hang
from tests.support.processes import Installation, Server
from tests.support.waiting import wait_until

Start = Callable[[Installation], Server]
SERVERS = [
    pytest.param(lambda installation: installation.flask_run(), id="flask run"),
    pytest.param(lambda installation: installation.flask_run("--debug"), id="flask run with reloader"),
    pytest.param(lambda installation: installation.gunicorn(), id="gunicorn"),
    pytest.param(lambda installation: installation.gunicorn("-w", "2"), id="gunicorn with two workers"),
]
ENDS = [
    pytest.param(lambda server: server.signal(signal.SIGTERM), id="SIGTERM"),
    pytest.param(lambda server: server.signal(signal.SIGINT), id="SIGINT"),
    pytest.param(lambda server: server.interrupt_group(), id="Ctrl-C"),
]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with Installation(tmp_path, REQUEST_TIMEOUT_SECONDS="3600", KEEPALIVE_SECONDS="3600") as made:
        yield made


@pytest.fixture
def hanging(make_peer: Callable[..., Peer]) -> Peer:
    peer = make_peer()
    for method in ("GET", "PUT"):
        peer.behave(method, "/", hang(3600))
    return peer


def hang_in_all(installation: Installation, server: Server, peer: Peer) -> None:
    """Have a push, a still-alive check and a registration under way, none of which will be answered."""
    installation.connect(f"{peer.base}/pushed", ("EMSP", "BE", "BEC"))
    installation.connect(f"{peer.base}/probed", ("EMSP", "BE", "BED"))
    installation.command("suspend", "BE", "BED")
    installation.command("resume", "BE", "BED")
    token = installation.invite("NL", "TNM")
    credentials = peer.credentials(("CPO", "NL", "TNM")) | {"url": f"{peer.base}/registering"}
    threading.Thread(target=register, args=(server, token, credentials), daemon=True).start()
    under_way = {"/pushed/hubclientinfo", "/probed/versions", "/registering"}
    peer.wait_for(lambda peer: all(any(request.path.startswith(path) for request in peer.received) for path in under_way))


def register(server: Server, token: str, credentials: dict[str, Any]) -> None:
    try:
        headers = {"Authorization": f"Token {token}"}
        requests.post(f"{server.url}/ocpi/2.2.1/credentials", json=credentials, headers=headers, timeout=60)
    except requests.RequestException:
        pass  # the server ends without an answer, as it should


@pytest.mark.parametrize("start", SERVERS)
@pytest.mark.parametrize("end", ENDS)
def test_it_ends_though_every_peer_hangs(
    installation: Installation, hanging: Peer, start: Start, end: Callable[[Server], None]
) -> None:
    server = start(installation).wait_for_leader()
    server.wait_until_ready()
    hang_in_all(installation, server, hanging)
    installation.lengthen_lease()
    end(server)
    server.ended()  # though no peer has answered, and none would within the hour
    assert "Traceback" not in server.said
    installation.flask_run().wait_for_leader()


@pytest.mark.parametrize("start", SERVERS)
def test_an_idle_server_ends_with_exit_code_0_and_the_lease_free(installation: Installation, start: Start) -> None:
    server = start(installation).wait_for_leader()
    server.wait_until_ready()
    server.interrupt_group()
    assert server.ended() == 0
    assert "Traceback" not in server.said
    assert not installation.holds_lease()


@pytest.mark.parametrize("options", [(), ("-w", "2")], ids=["one worker", "two workers"])
def test_gunicorn_hands_over_at_once_though_a_request_hangs(installation: Installation, options: tuple[str, ...]) -> None:
    """It would wait for it, and then kill the worker."""
    server = installation.gunicorn(*options).wait_for_leader()
    server.wait_until_ready()
    token = installation.invite("NL", "TNM")
    with ExitStack() as uploads:
        for _ in range(8):  # of two workers, either gets some
            uploads.enter_context(never_ending_upload(server, token))
        installation.lengthen_lease()
        server.signal(signal.SIGTERM)
        wait_until(lambda: not installation.holds_lease())
        os.kill(server.leaders()[0], 0)  # it has handed over, and is still there
        server.ended()
    assert "Traceback" not in server.said


@contextmanager
def never_ending_upload(server: Server, token: str) -> Iterator[None]:
    host, port = server.url.removeprefix("http://").split(":")
    head = f"POST /ocpi/2.2.1/credentials HTTP/1.1\r\nHost: {host}\r\nAuthorization: Token {token}\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode())
        yield


def test_a_worker_of_gunicorn_ends_for_itself(installation: Installation) -> None:
    server = installation.gunicorn("-w", "2").wait_for_leader()
    server.wait_for(lambda server: server.said.count("Booting worker") == 2)
    installation.lengthen_lease()
    os.kill(server.leaders()[0], signal.SIGTERM)
    server.wait_for_leader(2)
    assert len(set(server.leaders())) == 2
