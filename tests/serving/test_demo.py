"""`python -m demo`: the story to its end, and however it ends no process and no file stays behind."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
import requests

from tests.support.processes import SOURCES, Server

PLAYED_SECONDS = 120.0
"""So that a demo that goes on for ever fails its test."""
HEARD = re.compile(r"^ *[\d.]+ s  (\S+) +hears +(\S+) \S+ +([A-Z]+) from NL-HUB$", re.MULTILINE)


class Demo(Server):
    """A demo under way, with a folder of its own for temporary files."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HUBINFO_", "FLASK_"))}
        environment = kept | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
        super().__init__([sys.executable, "-m", "demo", *options], SOURCES, environment, 0)

    def reach(self, moment: str) -> Self:
        """Wait until it says this; fails the test when it ends before."""
        self.wait_for(lambda demo: moment in demo.said or demo.process.poll() is not None, PLAYED_SECONDS)
        assert moment in self.said, self.said
        return self

    def heard(self, who: str, *about: str) -> list[tuple[str, str]]:
        """What this party said it was told of others, in order."""
        return [(party, status) for name, party, status in HEARD.findall(self.said) if name == who and party in about]

    def processes(self) -> list[int]:
        """Of the demo: itself and those it has started, which have its folder in their environment."""
        own = f"TMPDIR={self.folder}".encode()
        return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if own in _read(path).split(b"\0")]

    def assert_nothing_is_left(self) -> None:
        assert self.processes() == []
        assert list(self.folder.iterdir()) == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # ended meanwhile, or another user's
        return b""


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    started: list[Demo] = []

    def play(*options: str) -> Demo:
        started.append(Demo(tmp_path, *options))
        return started[-1]

    yield play
    for demo in started:
        demo.kill()
        for number in demo.processes():
            os.kill(number, signal.SIGKILL)


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")


@needs_proc
def test_the_story_plays_to_its_end_and_leaves_nothing_behind(play: Callable[..., Demo]) -> None:
    demo = play()
    assert demo.ended(PLAYED_SECONDS) == 0, demo.said
    assert demo.lines[-1].startswith("All as it has to be, after ")
    cpo, emsp = "NL-TNM", "BE-BEC"
    for party in ("DE-DUO", "FR-NAV"):
        assert demo.heard(party, cpo, emsp) == [(cpo, "OFFLINE"), (cpo, "CONNECTED"), (emsp, "SUSPENDED")]
    assert demo.heard(emsp, cpo) == [(cpo, "OFFLINE"), (cpo, "CONNECTED")]
    assert demo.heard(cpo, emsp)[-1] == (emsp, "SUSPENDED")
    demo.assert_nothing_is_left()


@needs_proc
def test_stay_keeps_all_running_until_ctrl_c(play: Callable[..., Demo]) -> None:
    demo = play("--stay").reach("All keep running until Ctrl-C").wait_for(lambda demo: len(urls(demo)) == 6)
    assert [requests.get(f"{url}/readyz", timeout=10).status_code for url in urls(demo)] == [200] * 6
    assert demo.process.poll() is None
    demo.interrupt_group()
    assert demo.ended() == 130, demo.said
    demo.assert_nothing_is_left()


def urls(demo: Server) -> list[str]:
    return re.findall(r"^  \S+  (http://127\.0\.0\.1:\d+)  \S+$", demo.said, re.MULTILINE)


@needs_proc
@pytest.mark.parametrize("moment", ["Six platforms start", "has made its token A", "Four of them register", "starts again"])
def test_ctrl_c_ends_it_in_the_middle(play: Callable[..., Demo], moment: str) -> None:
    demo = play().reach(moment)
    demo.interrupt_group()
    assert demo.ended() == 130, demo.said
    assert demo.lines[-1] == "stopped"
    assert "Traceback" not in demo.said
    demo.assert_nothing_is_left()


@needs_proc
def test_a_second_ctrl_c_leaves_nothing_behind_either(play: Callable[..., Demo]) -> None:
    demo = play().reach("has made its token A")
    demo.interrupt_group()
    demo.reach("stopped").interrupt_group()
    demo.ended()
    demo.assert_nothing_is_left()


@needs_proc
def test_a_terminated_demo_leaves_nothing_behind(play: Callable[..., Demo]) -> None:
    demo = play().reach("has made its token A")
    demo.signal(signal.SIGTERM)
    assert demo.ended() == 130
    demo.assert_nothing_is_left()
