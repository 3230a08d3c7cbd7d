"""A proxy in front of a real hubinfo and a router, as roaming traffic finds them."""

import contextlib
import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import requests
from sqlalchemy import select

from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.models import ClientInfo, Platform
from hubinfo.platforms.vault import digest
from tests.support.peers import Handler, Peer, peer
from tests.support.processes import Installation
from tests.support.proxies import Envoy, Nginx, require

TOKEN, OTHER_TOKEN = "the-token-c-of-a-platform", "the-token-c-of-another"
KEEPALIVE_SECONDS = 6.0
"""Of two processes, each writes down once a second whom it heard; the rest is for a machine that is busy with other things."""
CPO, EMSP, OTHER = ("CPO", "NL", "TNM"), ("EMSP", "BE", "BEC"), ("EMSP", "DE", "OTH")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PATH = "/roaming/ocpi/2.2.1/sessions"


class Front:
    """A proxy, hubinfo behind it in two processes, and a router that answers whatever reaches it."""

    def __init__(
        self, folder: Path, kind: type[Nginx] | type[Envoy], installation: Installation, router: Peer, party: Peer
    ) -> None:
        self.installation, self.router, self.party = installation, router, party
        for method in METHODS:
            router.behave(method, "/roaming", Handler.answer)
        installation.set(KEEPALIVE_SECONDS=str(KEEPALIVE_SECONDS))
        self.hubinfo = installation.gunicorn("-w", "2").wait_until_ready().wait_for_leader()
        self._connect(party.base, TOKEN, CPO, EMSP)
        self.proxy = kind(folder, installation.port, router.port)

    def wait_until_ready(self) -> None:
        self.proxy.wait_for(lambda proxy: proxy.process.poll() is not None or self.answers())
        assert self.proxy.process.poll() is None, self.proxy.said

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
        return requests.request(method, self.proxy.url + path, headers=sent, verify=self.proxy.ca_file, timeout=60)

    def post(self, body: bytes | Iterator[bytes]) -> requests.Response:
        """A message with this body, of a length that is told, or not."""
        sent = {"Authorization": f"Token {TOKEN}"}
        return requests.post(self.proxy.url + PATH, data=body, headers=sent, verify=self.proxy.ca_file, timeout=60)

    @contextlib.contextmanager
    def slow_request(self) -> Iterator[None]:
        """A form to hubinfo whose body does not come."""
        with self._connection() as connection:
            connection.putrequest("POST", "/sign-in")
            connection.putheader("Content-Type", "application/x-www-form-urlencoded")
            connection.putheader("Content-Length", "1000")
            connection.endheaders(b"abc=")
            yield

    def get_unchanged(self, path: str) -> tuple[int, str]:
        """With the path as it is; the status and the body."""
        with self._connection() as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def _connection(self) -> contextlib.closing[http.client.HTTPSConnection]:
        context = ssl.create_default_context(cafile=self.proxy.ca_file)
        port = int(self.proxy.url.rpartition(":")[2])
        return contextlib.closing(http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context))

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


@contextlib.contextmanager
def front_of(kind: type[Nginx] | type[Envoy], folder: Path) -> Iterator[Front]:
    """Ready, and ended afterwards. Skips the test where this proxy is missing."""
    require(kind.__name__.lower())
    with Installation(folder) as installation, peer() as router, peer() as party:
        made = Front(folder, kind, installation, router, party)
        try:
            made.wait_until_ready()
            yield made
        finally:
            made.proxy.kill()
