"""A real Prometheus on loopback, and promtool; where they are missing, tests are skipped, and fail in CI."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import requests

from tests.support.processes import SOURCES, STARTED_SECONDS, Server, free_port

DEPLOY = SOURCES / "deploy" / "prometheus"
MISSING = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]


def needs_prometheus() -> None:
    """Skips the test, or fails it in CI, unless they are there."""
    if MISSING and os.environ.get("CI") == "true":
        pytest.fail(f"{' and '.join(MISSING)} must be there in CI: apt-get install prometheus")
    if MISSING:
        pytest.skip(f"needs {' and '.join(MISSING)}: apt-get install prometheus")


def promtool(*arguments: str, given: str | None = None) -> str:
    """What it says; fails the test when it finds anything wrong."""
    needs_prometheus()
    ended = subprocess.run(["promtool", *arguments], input=given, cwd=DEPLOY, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


class Prometheus:
    """Scrapes and judges as our configuration says, `changed` by the test; ends with the block."""

    def __init__(self, folder: Path, changed: Callable[[str], str], **files: str) -> None:
        needs_prometheus()
        folder.mkdir()
        for name in ("prometheus.yml", "alerts.yml"):
            (folder / name).write_text(changed((DEPLOY / name).read_text()))
        for name, text in files.items():
            (folder / name).write_text(text)
        port = free_port()
        options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
        options.append(f"--web.listen-address=127.0.0.1:{port}")
        self.server = Server(["prometheus", *options], folder, dict(os.environ), port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.server.kill()

    def ask(self, path: str, **query: str) -> Any:
        """Its API's data; None while it starts."""
        try:
            response = requests.get(f"{self.server.url}/api/v1/{path}", params=query, timeout=30)
        except requests.ConnectionError:
            return None
        return response.json()["data"] if response.ok else None

    def value(self, query: str) -> float | None:
        """Of an expression with one result."""
        data = self.ask("query", query=query)
        return float(data["result"][0]["value"][1]) if data and data["result"] else None

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        alerts = (self.ask("alerts") or {}).get("alerts", ())
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def wait_for(self, condition: Callable[["Prometheus"], bool], seconds: float = STARTED_SECONDS) -> None:
        """Until the condition holds; fails the test when it never does."""
        deadline = time.monotonic() + seconds
        while not condition(self):
            assert time.monotonic() < deadline, f"not within {seconds} s; targets: {self.ask('targets')}\n{self.server.said}"
            time.sleep(0.1)
