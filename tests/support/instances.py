"""Several platforms of this project in one test: each serves on loopback, with its own database, worker and settings."""

import shutil
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from werkzeug.serving import BaseWSGIServer, make_server

from hubinfo import create_app
from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.worker import Worker
from tests.support.live import LiveHub

SECONDS = 20.0


@dataclass
class Instance(LiveHub):
    """A platform, hub or party or both, that others can register with and that can register with others."""

    _server: BaseWSGIServer | None = None

    @property
    def versions_url(self) -> str:
        return f"{self.url}/ocpi/versions"

    @property
    def party(self) -> str:
        """Its own name, e.g. NL-TNM."""
        with self.app.app_context():
            return current_settings().party

    def join(self, hub: "Instance", *options: str) -> Any:
        """Invited by the hub in all its roles but HUB, register there; what `register --json` prints."""
        with self.app.app_context():
            roles = [role for role in current_settings().roles if role != "HUB"]
        return self.run("register", hub.versions_url, hub.invite(*self.party.split("-"), *roles), *options)

    def known(self, hub: str | None = None) -> dict[tuple[str, str], str]:
        """The status of each (party, role) that hubs have told, or this one."""
        rows = [row for row in self.run("known") if hub in (None, row["hub"])]
        return {(f"{row['country_code']}-{row['party_id']}", row["role"]): row["status"] for row in rows}

    def platforms(self) -> dict[str, str]:
        """The status of each connection."""
        return {row["platform"]: row["status"] for row in self.run("platforms")}

    def serve(self, listening: socket.socket | None = None) -> None:
        """On this socket, or again where it did."""
        port = int(self.url.rpartition(":")[2])
        with listening or socket.create_server(("127.0.0.1", port), backlog=128) as bound:
            self._server = make_server("127.0.0.1", port, self.app, threaded=True, fd=bound.fileno())
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def fall_silent(self) -> None:
        """Answer nobody from here on; the worker goes on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def end(self) -> None:
        self.worker.stop()
        self.fall_silent()
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def wait_for(self, condition: Callable[[Self], bool], seconds: float = SECONDS) -> None:
        """Wait until this holds, e.g. of what it has been told; fails the test when it never does."""
        deadline = time.monotonic() + seconds
        while not condition(self):
            assert time.monotonic() < deadline, f"not within {seconds} s; {self.platforms()} {self.known()} {self.statuses()}"
            time.sleep(0.02)


class Instances:
    """Makes instances below a folder, from a database that has the schema, and ends them all."""

    def __init__(self, folder: Path, template: Path) -> None:
        self._folder, self._template = folder, template
        self._made: list[Instance] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for instance in self._made:
            instance.worker.end()  # all of them at the same time
        for instance in self._made:
            instance.end()

    def make(self, party: str, roles: str, versions: str = "2.2,2.2.1,2.3.0", **overrides: Any) -> Instance:
        """E.g. `make("NL-TNM", "CPO,EMSP", "2.2")`. Nobody is asked whether it is alive unless a test sets that."""
        folder = self._folder / f"{party}-{len(self._made)}"
        folder.mkdir()
        shutil.copy(self._template, folder / "hubinfo.sqlite3")
        listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        country_code, party_id = party.split("-")
        own = {"country_code": country_code, "party_id": party_id, "name": party, "roles": roles, "versions": versions}
        secrets = {"secret_key": "0123456789abcdef", "operator_password": "operator"}
        app = create_app({"public_url": url, **own, **secrets, **overrides}, instance_path=folder)
        instance = Instance(app, url, Worker(app))
        self._made.append(instance)
        instance.serve(listening)
        instance.worker.start()
        return instance
