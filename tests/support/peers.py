"""Other platforms, for real: HTTP servers on loopback that behave, or misbehave as a test asks."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Handler"], None]


@dataclass
class Received:
    """One request that a peer received."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Handler(BaseHTTPRequestHandler):
    """Passes every request on to its peer. `answer` and `raw` are what behaviours reply with."""

    protocol_version = "HTTP/1.1"
    peer: "Peer"
    request_body: bytes

    def handle_any(self) -> None:
        self.request_body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.peer.handle(self)

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = handle_any

    def answer(
        self, data: Any = None, *, status_code: int = 1000, http_status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        envelope = {"data": data, "status_code": status_code, "timestamp": "2026-01-01T00:00:00Z"}
        self.raw(json.dumps(envelope).encode(), http_status=http_status, headers=headers)

    def raw(
        self, body: bytes, *, http_status: int = 200, content_type: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(http_status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Peer:
    """A platform: serves versions, details and a Receiver. Change its attributes, or give `behave` another answer."""

    def __init__(self, port: int = 0, *, version: str = "2.2.1", receiver: bool = True) -> None:
        self.versions = [version]
        self.receiver = receiver
        self.token = "token-b-of-the-peer"
        self.behaviours: dict[tuple[str, str], Behaviour] = {}
        self.received: list[Received] = []
        self._changed = threading.Condition()
        self._server = self._make(port)
        self.port: int = self._server.server_address[1]

    def _make(self, port: int) -> ThreadingHTTPServer:
        handler = type("PeerHandler", (Handler,), {"peer": self})
        server = ThreadingHTTPServer(("127.0.0.1", port), handler, bind_and_activate=False)
        server.daemon_threads = True
        server.block_on_close = False
        server.request_queue_size = 128
        server.server_bind()
        server.server_activate()
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def stop(self) -> None:
        """Refuse connections from here on."""
        self._server.shutdown()
        self._server.server_close()

    def start_again(self) -> None:
        """Serve on the same port again."""
        self._server = self._make(self.port)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def versions_url(self) -> str:
        return f"{self.base}/versions"

    def endpoints(self, version: str) -> list[dict[str, str]]:
        modules = [("credentials", "SENDER")] + ([("hubclientinfo", "RECEIVER")] if self.receiver else [])
        return [{"identifier": name, "role": role, "url": f"{self.base}/{version}/{name}"} for name, role in modules]

    def behave(self, method: str, path: str, behaviour: Behaviour | None) -> None:
        """For requests whose path starts so; None takes it back."""
        if behaviour is None:
            self.behaviours.pop((method, path), None)
        else:
            self.behaviours[method, path] = behaviour

    def handle(self, handler: Handler) -> None:
        seen = Received(handler.command, handler.path, dict(handler.headers.items()), handler.request_body)
        with self._changed:
            self.received.append(seen)
            self._changed.notify_all()
        for (method, path), behaviour in self.behaviours.items():
            if handler.command == method and handler.path.startswith(path):
                behaviour(handler)
                return
        self._behave_well(handler)

    def _behave_well(self, handler: Handler) -> None:
        if handler.command == "GET" and handler.path == "/versions":
            handler.answer([{"version": version, "url": f"{self.base}/{version}"} for version in self.versions])
        elif handler.command == "GET" and (version := handler.path.strip("/")) in self.versions:
            handler.answer({"version": version, "endpoints": self.endpoints(version)})
        elif handler.command == "PUT" and "/hubclientinfo/" in handler.path:
            handler.answer()
        else:
            handler.answer(status_code=2000, http_status=404)

    @property
    def puts(self) -> list[dict[str, Any]]:
        """The ClientInfo objects pushed, in order."""
        with self._changed:
            return [request.json for request in self.received if request.method == "PUT"]

    @property
    def told(self) -> dict[tuple[str, str], str]:
        """The status last pushed for each (party, role)."""
        return {(f"{put['country_code']}-{put['party_id']}", put["role"]): put["status"] for put in self.puts}

    def wait_for(self, condition: Callable[["Peer"], bool], seconds: float = 10) -> None:
        """Wait until the condition holds of what was received; fails the test when it never does."""
        deadline = time.monotonic() + seconds
        while not condition(self):
            with self._changed:
                if not self._changed.wait(min(0.1, max(deadline - time.monotonic(), 0))) and time.monotonic() > deadline:
                    raise AssertionError(f"not within {seconds} s; received {[(r.method, r.path) for r in self.received]}")

    def credentials(self, *roles: tuple[str, str, str], token: str | None = None) -> dict[str, Any]:
        """What this platform sends to register, e.g. `credentials(("CPO", "NL", "TNM"))`."""
        return {
            "token": token or self.token,
            "url": self.versions_url,
            "roles": [
                {"role": role, "country_code": country, "party_id": party, "business_details": {"name": f"{country}-{party}"}}
                for role, country, party in roles
            ],
        }


@contextmanager
def peer(**options: Any) -> Iterator[Peer]:
    made = Peer(**options)
    try:
        yield made
    finally:
        made.stop()


def hang(seconds: float = 30) -> Behaviour:
    """Accept the request and answer nothing."""
    return lambda handler: time.sleep(seconds)
