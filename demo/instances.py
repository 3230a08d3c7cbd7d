"""Instances of hubinfo, each a process of its own with its own folder, database and port."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

SOURCES = Path(__file__).parent.parent
PASSWORD = "demo"
_READY_SECONDS = 30
_STOP_SECONDS = 5.0


class DemoFailed(Exception):
    """An instance did not do what it has to; the message says which and what."""


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class Processes:
    """All that the demo starts. Once it ends, nothing more starts: what comes late would stay behind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started: list[subprocess.Popen[str]] = []
        self._ended = False

    def start(self, arguments: list[str], environment: dict[str, str], stdout: int) -> subprocess.Popen[str]:
        """`flask …`, in a session of its own: a Ctrl-C is for the demo, which then ends its processes."""
        with self._lock:
            if self._ended:
                raise DemoFailed("stopped")
            command = [sys.executable, "-m", "flask", *arguments]
            pipe = subprocess.PIPE
            process = subprocess.Popen(
                command, cwd=SOURCES, env=environment, stdout=stdout, stderr=pipe, text=True, start_new_session=True
            )
            self._started.append(process)
            return process

    def end(self) -> None:
        """As an operator would, all at the same time; seconds later as a power cut would."""
        with self._lock:
            self._ended = True
        for process in self._started:
            process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self._started:
            try:
                process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Instance:
    """One platform: `flask run` in the background, `flask hubinfo …` beside it. Its log lines go to `heard`, as they come."""

    def __init__(
        self, folder: Path, name: str, company: str, roles: str, versions: str, heard: "Heard", processes: Processes
    ) -> None:
        self.name, self.company, self.roles, self.versions = name, company, roles, versions
        self.country_code, self.party_id = name.split("-")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder, self._heard, self._processes = folder / name, heard, processes
        self._server: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def versions_url(self) -> str:
        """What it tells others."""
        return f"{self.url}/ocpi/versions"

    def _environment(self) -> dict[str, str]:
        """Nothing of the user's own settings."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HUBINFO_", "FLASK_"))}
        settings = {
            "INSTANCE_PATH": str(self._folder),
            "PUBLIC_URL": self.url,
            "COUNTRY_CODE": self.country_code,
            "PARTY_ID": self.party_id,
            "NAME": self.company,
            "ROLES": self.roles,
            "VERSIONS": self.versions,
            "KEEPALIVE_SECONDS": "1",
            "KEEPALIVE_RETRY_SECONDS": "0.4",
            "REQUEST_TIMEOUT_SECONDS": "5",
            "OPERATOR_PASSWORD": PASSWORD,
            "LOG_FORMAT": "json",
        }
        return {**kept, **{f"HUBINFO_{key}": value for key, value in settings.items()}}

    def start(self) -> None:
        """Serve."""
        self._server = self._processes.start(["run", "--port", str(self.port)], self._environment(), subprocess.DEVNULL)
        self._reader = threading.Thread(target=self._read, args=(self._server,), daemon=True)
        self._reader.start()

    def _read(self, server: subprocess.Popen[str]) -> None:
        assert server.stderr is not None
        for line in server.stderr:
            if line.startswith("{"):
                self._heard(self, json.loads(line))

    def wait_until_ready(self) -> None:
        """Raises DemoFailed when it does not serve in time."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and self._server is not None and self._server.poll() is None:
            try:
                if requests.get(f"{self.url}/readyz", timeout=5).ok:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.05)
        raise DemoFailed(f"{self.name} does not serve at {self.url}")

    def kill(self) -> None:
        """As a power cut would."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def command(self, *arguments: str) -> Any:
        """`flask hubinfo … --json`: what it prints. Raises DemoFailed with its error."""
        process = self._processes.start(["hubinfo", *arguments, "--json"], self._environment(), subprocess.PIPE)
        said, error = process.communicate(timeout=60)
        if process.returncode != 0:
            raise DemoFailed(f"{self.name}: flask hubinfo {' '.join(arguments[:2])} …: {error.strip()}")
        return json.loads(said)

    def reachable(self, other: "Instance", role: str) -> dict[str, Any]:
        """What its own software is told when it asks: can I reach that party?"""
        url = f"{self.url}/api/reachable/{other.country_code}/{other.party_id}"
        answer = requests.get(url, params={"role": role}, auth=("operator", PASSWORD), timeout=10)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


Heard = Callable[[Instance, dict[str, Any]], None]
"""Called with each log line of an instance."""
