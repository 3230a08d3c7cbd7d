"""hubinfo as its users start it: `flask run`, commands and gunicorn as real processes, each test in a folder of its own."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import requests
from flask import Flask

from hubinfo import create_app
from hubinfo.database import db, write
from hubinfo.lease import NAME, is_held, time_of
from hubinfo.models import Lease, Platform
from tests.support import leaks
from tests.support.hubs import connect

SOURCES = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
STARTED_SECONDS = 60.0
ENDED_SECONDS = 60.0
"""So that what goes on for ever fails a test. How soon a process ends is shown by what it did not wait for."""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A running process, and all it has said on stdout and stderr."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a group of its own: signalled, and cleaned up, as a whole
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            for line in stdout:
                leaks.collected.line(line)
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()

    @property
    def said(self) -> str:
        with self._changed:
            return "\n".join(self.lines)

    def leaders(self) -> list[int]:
        """The process numbers of those who have led, in order."""
        return [int(line.split("/")[-2]) for line in self.said.splitlines() if " worker_leads holder=" in line]

    def wait_for(self, condition: Callable[["Server"], bool], seconds: float = STARTED_SECONDS) -> Self:
        """Wait until the condition holds of what was said; fails the test when it never does."""
        deadline = time.monotonic() + seconds
        while not condition(self):
            with self._changed:
                self._changed.wait(0.1)
            assert time.monotonic() < deadline, f"not within {seconds} s; said:\n{self.said}"
        return self

    def wait_for_leader(self, number: int = 1, seconds: float = STARTED_SECONDS) -> Self:
        """Until so many have led, one after the other."""
        return self.wait_for(lambda server: len(server.leaders()) >= number, seconds)

    def wait_until_ready(self) -> Self:
        return self.wait_for(lambda server: server.answers("/readyz"))

    def answers(self, path: str) -> bool:
        try:
            return requests.get(self.url + path, timeout=60).ok
        except requests.ConnectionError:
            return False

    def signal(self, number: signal.Signals) -> None:
        """To the process alone, as a supervisor does."""
        self.process.send_signal(number)

    def interrupt_group(self) -> None:
        """As Ctrl-C in a terminal does: SIGINT to every process."""
        os.killpg(self.process.pid, signal.SIGINT)

    def ended(self, seconds: float = ENDED_SECONDS) -> int:
        """The exit code; fails the test when the process goes on."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s; said:\n{self.said}") from None
        self._reader.join(seconds)
        assert not self._reader.is_alive(), "a child process goes on"
        return code

    def kill(self) -> None:
        """kill -9 of the process and all its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()


class Installation:
    """A folder as after `git clone`: the start files, an empty instance folder, its own port. Ends what it has started."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder / "installation"
        self.instance = self.folder / "instance"
        self.folder.mkdir()
        for name in ("app.py", "wsgi.py", "gunicorn.conf.py"):
            shutil.copy(SOURCES / name, self.folder)
        self.port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HUBINFO_", "FLASK_", "WERKZEUG_"))}
        self.environment = kept | {
            "PYTHONPATH": str(SOURCES),
            "PYTHONUNBUFFERED": "1",
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HUBINFO_INSTANCE_PATH": str(self.instance),
        }
        self.set(**settings)
        self._servers: list[Server] = []
        self._app: Flask | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        for server in self._servers:
            server.kill()
        if self._app is not None:
            with self._app.app_context():
                db.engine.dispose()

    def set(self, **settings: str) -> None:
        """Settings by name, without prefix."""
        self.environment |= {f"HUBINFO_{name}": value for name, value in settings.items()}

    def start(self, *arguments: str) -> Server:
        self._servers.append(Server(list(arguments), self.folder, self.environment, self.port))
        return self._servers[-1]

    def serve(self) -> Callable[[], None]:
        """Serve by gunicorn; how to stop it again."""
        server = self.gunicorn().wait_until_ready()

        def stop() -> None:
            server.signal(signal.SIGTERM)
            assert server.ended() == 0

        return stop

    def flask_run(self, *options: str) -> Server:
        return self.start(str(BIN / "flask"), "run", "--port", str(self.port), *options)

    def gunicorn(self, *options: str) -> Server:
        """Under production settings, with the two that a hub on loopback cannot do without."""
        self.environment |= {"HUBINFO_COUNTRY_CODE": "NL", "HUBINFO_ALLOW_HTTP": "1", "HUBINFO_ALLOW_PRIVATE_NETWORKS": "1"}
        return self.start(str(BIN / "gunicorn"), "wsgi:app", "--bind", f"127.0.0.1:{self.port}", *options)

    def flask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command, to its end."""
        command = [str(BIN / "flask"), *arguments]
        ended = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60)
        for line in ended.stderr.splitlines():  # what it was asked for, which may be a token, is on stdout
            leaks.collected.line(line)
        return ended

    @property
    def app(self) -> Flask:
        """The same database from this process, as a command would see it. The schema must be there."""
        if self._app is None:
            settings = {
                name.removeprefix("HUBINFO_").lower(): value
                for name, value in self.environment.items()
                if name.startswith("HUBINFO_") and name != "HUBINFO_INSTANCE_PATH"
            }
            self._app = create_app(settings, instance_path=self.instance)
        return self._app

    def connect(self, url: str, *roles: tuple[str, str, str]) -> None:
        """A platform that has registered, with its Receiver and versions below this URL."""
        platform_id = connect(self.app, *roles)
        with self.app.app_context(), write() as session:
            platform = session.get_one(Platform, platform_id)
            platform.versions_url, platform.receiver_url = f"{url}/versions", f"{url}/hubclientinfo"

    def invite(self, country_code: str, party_id: str) -> str:
        """Token A, for a CPO."""
        result = self.app.test_cli_runner().invoke(
            args=["hubinfo", "invite", country_code, party_id, "--role", "CPO", "--json"], catch_exceptions=False
        )
        token: str = json.loads(result.stdout)["token"]
        return token

    def command(self, *arguments: str) -> None:
        """A command's change, made by this process: not the serving one."""
        result = self.app.test_cli_runner().invoke(args=["hubinfo", *arguments])
        assert result.exit_code == 0, result.output

    def lengthen_lease(self) -> None:
        """Who leads from here on has not waited for the lease to expire: it would last an hour."""
        with self.app.app_context(), write() as session:
            lease = session.get_one(Lease, NAME)
            lease.expires_at = time_of(session) + timedelta(hours=1)

    def holds_lease(self) -> bool:
        """Whether any process does, or may, do the background work."""
        with self.app.app_context():
            return is_held(db.session())
