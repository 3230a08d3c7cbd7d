"""A hub as tests use it: by its commands and requests, without background work, or serving on loopback with it."""

import json
import threading
from dataclasses import dataclass
from typing import Any

import requests
from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.test import TestResponse

from hubinfo.worker import Worker
from tests.support.peers import Peer


@dataclass
class Hub:
    """The app, and what tests do with it over its test client and commands."""

    app: Flask

    def run(self, *arguments: str) -> Any:
        """A command's JSON; fails the test when the command fails."""
        result = self.app.test_cli_runner().invoke(args=["hubinfo", *arguments, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def invite(self, country_code: str, party_id: str, *roles: str) -> str:
        """Token A."""
        options = [item for role in roles for item in ("--role", role)]
        token: str = self.run("invite", country_code, party_id, *options)["token"]
        return token

    def invite_platform(self, *roles: tuple[str, str, str]) -> str:
        """Token A of one platform for all these (role, country_code, party_id)."""
        by_party: dict[tuple[str, str], list[str]] = {}
        for role, country_code, party_id in roles:
            by_party.setdefault((country_code.upper(), party_id.upper()), []).extend(("--role", role))
        (first, first_roles), *others = by_party.items()
        made = self.run("invite", *first, *first_roles)
        for party, options in others:
            self.run("invite", *party, *options, "--platform", made["platform"])
        return str(made["token"])

    def call(self, method: str, path: str, token: str | None = None, **options: Any) -> TestResponse:
        """An OCPI request, e.g. `call("GET", "/ocpi/versions", token)`."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Token {token}"
        return self.app.test_client().open(path, method=method, headers=headers, **options)

    def register(self, peer: Peer, *roles: tuple[str, str, str], version: str = "2.2.1") -> str:
        """Invite all its parties, and register a peer with these (role, country_code, party_id); its token C."""
        token_a = self.invite_platform(*roles)
        response = self.call("POST", f"/ocpi/{version}/credentials", token_a, json=peer.credentials(*roles))
        assert response.json is not None
        assert response.json["status_code"] == 1000, response.json
        token: str = response.json["data"]["token"]
        return token

    def statuses(self) -> dict[tuple[str, str], str]:
        """The status of each (party, role)."""
        return {(f"{row['country_code']}-{row['party_id']}", row["role"]): row["status"] for row in self.run("parties")}


@dataclass
class LiveHub(Hub):
    """A hub that serves on loopback and works in the background."""

    url: str
    worker: Worker

    def request(self, method: str, path: str, token: str | None = None, **options: Any) -> requests.Response:
        """A request over a real socket."""
        headers = {**options.pop("headers", {}), **({"Authorization": f"Token {token}"} if token else {})}
        return requests.request(method, self.url + path, headers=headers, timeout=30, **options)


class LiveHubs:
    """Makes live hubs and ends them all."""

    def __init__(self) -> None:
        self._servers: list[tuple[BaseWSGIServer, threading.Thread]] = []
        self._workers: list[tuple[Flask, Worker]] = []

    def serve(self, app: Flask) -> LiveHub:
        """Still-alive checks are rare unless the app's settings make them frequent."""
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        worker = Worker(app)
        worker.start()
        self._servers.append((server, thread))
        self._workers.append((app, worker))
        return LiveHub(app, f"http://127.0.0.1:{server.server_port}", worker)

    def end(self) -> None:
        """Stop them, as far as nothing hangs."""
        for _, worker in self._workers:
            worker.end()  # all of them at the same time
        for _, worker in self._workers:
            worker.stop()
        while self._servers:
            server, thread = self._servers.pop()
            server.shutdown()
            thread.join()
            server.server_close()

    def go_on(self, app: Flask) -> bool:
        """Whether background work of this app has not come to its end."""
        return any(worker.alive for served, worker in self._workers if served is app)
