"""deploy/nginx/hubinfo.conf in the real nginx, in front of a real hubinfo and a router: traffic is presence."""

import contextlib
import http.client
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.models import ClientInfo, Platform
from hubinfo.platforms.vault import digest
from tests.nginx import Nginx, require_nginx
from tests.peers import Handler, Peer, peer
from tests.processes import Installation

TOKEN, OTHER_TOKEN = "the-token-c-of-a-platform", "the-token-c-of-another"
KEEPALIVE_SECONDS = 6.0
"""Of two processes, each writes down once a second whom it heard; the rest is for a machine that is busy with other things."""
CPO, EMSP, OTHER = ("CPO", "NL", "TNM"), ("EMSP", "BE", "BEC"), ("EMSP", "DE", "OTH")
PATH = "/roaming/ocpi/2.2.1/sessions"


class Front:
    """nginx, hubinfo behind it in two processes, and a router that answers whatever reaches it."""

    def __init__(self, folder: Path, installation: Installation, router: Peer, party: Peer) -> None:
        self.installation, self.router, self.party = installation, router, party
        router.behave("GET", "/roaming", Handler.answer)
        router.behave("POST", "/roaming", Handler.answer)
        installation.set(KEEPALIVE_SECONDS=str(KEEPALIVE_SECONDS))
        installation.gunicorn("-w", "2").wait_until_ready().wait_for_leader()
        self._connect(party.base, TOKEN, CPO, EMSP)
        self.nginx = Nginx(folder, installation.port, router.port)

    def wait_until_ready(self) -> None:
        self.nginx.wait_for(lambda nginx: nginx.process.poll() is not None or self.answers())
        assert self.nginx.process.poll() is None, self.nginx.said

    def _connect(self, url: str, token: str, *roles: tuple[str, str, str]) -> None:
        self.installation.connect(url, *roles)
        with self.installation.app.app_context(), write() as session:
            [platform] = session.scalars(select(Platform).where(Platform.versions_url == f"{url}/versions"))
            platform.token_hash, platform.receiver_url = digest(token), None

    def connect_another(self) -> None:
        self._connect(f"{self.party.base}/another", OTHER_TOKEN, OTHER)

    def answers(self) -> bool:
        try:
            return self.get("/healthz").ok
        except requests.ConnectionError:
            return False

    def get(self, path: str, token: str | None = None, method: str = "GET", **headers: str) -> requests.Response:
        """Over TLS."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"Authorization": f"Token {token}"} if token else {}
        return requests.request(method, self.nginx.url + path, headers=sent, verify=self.nginx.ca_file, timeout=60)

    def get_unchanged(self, path: str) -> tuple[int, bool]:
        """With the path as it is; the status, and whether nginx itself has answered."""
        context = ssl.create_default_context(cafile=self.nginx.ca_file)
        connection = http.client.HTTPSConnection("127.0.0.1", int(self.nginx.url.rpartition(":")[2]), timeout=60, context=context)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, b"<center>nginx" in answer.read()

    def statuses(self) -> set[str]:
        """Of the parties of the platform, as hubinfo keeps them."""
        with self.installation.app.app_context():
            found = set(db.session.scalars(select(ClientInfo.status).where(ClientInfo.party != "DE-OTH")))
            db.session.rollback()
        return found

    def set_offline(self) -> None:
        """By this process: hubinfo's own see it by their watch."""
        with self.installation.app.app_context(), write() as session:
            presence.probes_failed({session.scalars(select(Platform.id).order_by(Platform.id)).first() or 0: "gone"})

    @property
    def probes(self) -> int:
        """How often the platform has been asked whether it is alive."""
        return sum(request.path.endswith("/versions") for request in list(self.party.received))


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    require_nginx()
    with Installation(tmp_path) as installation, peer() as router, peer() as party:
        made = Front(tmp_path, installation, router, party)
        try:
            made.wait_until_ready()
            yield made
        finally:
            made.nginx.kill()


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


def test_the_body_goes_to_the_router_and_not_to_hubinfo(front: Front) -> None:
    url = front.nginx.url + PATH
    for body in (b"x" * 2_000_000, iter([b"x" * 1_000_000] * 2)):
        answer = requests.post(url, data=body, headers={"Authorization": f"Token {TOKEN}"}, verify=front.nginx.ca_file, timeout=60)
        assert answer.status_code == 200
    assert [(request.method, len(request.body)) for request in front.router.received] == [("POST", 2_000_000)] * 2


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
    assert not [request for request in front.router.received if request.headers.get("Authorization") != f"Token {TOKEN}"]


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


def test_all_else_is_hubinfo_itself_and_plain_http_leads_to_tls(front: Front) -> None:
    assert front.get("/ocpi/versions", TOKEN).json()["status_code"] == 1000
    assert front.get("/ocpi/versions").json()["status_code"] == 2000
    assert front.get("/_heard", TOKEN).status_code == 404
    plain = requests.get(f"http://127.0.0.1:{front.nginx.http_port}/ocpi/versions", allow_redirects=False, timeout=60)
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://127.0.0.1/ocpi/versions")


def test_metrics_are_shown_to_nobody_however_they_are_spelled(front: Front) -> None:
    """/METRICS is another path, and hubinfo's to answer."""
    assert requests.get(f"http://127.0.0.1:{front.installation.port}/metrics/", timeout=60).status_code == 200
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
        assert front.get_unchanged(path) == (404, True), path
    assert front.get_unchanged("/METRICS") == (404, False)


def test_nginx_finds_nothing_to_warn_of(front: Front) -> None:
    command = [require_nginx(), "-t", "-c", str(front.installation.folder.parent / "nginx.conf")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "[warn]" not in ended.stderr + front.nginx.said
