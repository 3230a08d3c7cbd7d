"""The README's tour, typed as it stands there, and held to what it shows."""

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages import SECONDS, TOKEN, Terminal, blocks, masked, steps
from tests.support.processes import BIN, SOURCES, Installation, free_port

TOUR = (SOURCES / "README.md").read_text().partition("## A tour in five minutes")[2].partition("\n## ")[0]


class Tour:
    """A reader with a hub and three terminals, on ports that are free here; in what is shown they are the README's again."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._ports = {"5000": str(installation.port), "9001": str(free_port()), "9002": str(free_port())}
        self._tokens: dict[str, str] = {}
        (installation.folder / ".venv").symlink_to(sys.prefix)
        (installation.folder / "docs").mkdir()
        shutil.copy(SOURCES / "docs" / "party.py", installation.folder / "docs")
        path = [folder for folder in os.environ["PATH"].split(os.pathsep) if folder and Path(folder) != BIN]
        installation.environment["PATH"] = os.pathsep.join(path)
        installation.set(PUBLIC_URL=f"http://127.0.0.1:{installation.port}")
        self.ours, self.first, self.second = (Terminal(installation.folder, installation.environment) for _ in range(3))

    def here(self, command: str) -> str:
        """A command of the README with the ports and tokens of this run."""
        for shown, real in (self._ports | self._tokens).items():
            command = re.sub(rf"(?<![\w-]){re.escape(shown)}(?![\w-])", real, command)
        return command

    def there(self, lines: list[str]) -> list[str]:
        """What was printed, as the README shows it."""
        for shown, real in self._ports.items():
            lines = [line.replace(f":{real}", f":{shown}") for line in lines]
        return masked(lines)

    def run_hub(self, block: list[str]) -> None:
        """In place of `make run`, which would install anew: the server, with the settings that stand before it."""
        [(command, output)] = steps(block)
        *settings, make, run = command.split()
        assert (make, run, output[0]) == ("make", "run", "installing into .venv …")
        self.installation.environment |= dict(setting.split("=", 1) for setting in settings)
        python = str(self.installation.folder / ".venv" / "bin" / "python")
        server = self.installation.start(python, "-m", "flask", "run", "--port", str(self.installation.port)).wait_until_ready()
        assert self.there(server.lines)[: len(output) - 1] == masked(output[1:])

    def run_party(self, terminal: Terminal, command: str, output: list[str]) -> None:
        terminal.type(self.here(command))
        terminal.wait_for(lambda lines: self.there(lines) == masked(output))

    def follow(self, block: list[str]) -> None:
        for command, output in steps(block):
            lines = self.ours.run(self.here(command))
            deadline = time.monotonic() + SECONDS
            while asks(command) and self.there(lines) != masked(output) and time.monotonic() < deadline:
                lines = self.ours.run(self.here(command))  # what is to come within seconds may be asked for again
            assert self.there(lines) == masked(output), command
            shown, real = (TOKEN.findall("\n".join(each)) for each in (output, lines))
            self._tokens |= dict(zip(shown, real, strict=True))

    def is_told(self, terminal: Terminal, block: list[str]) -> None:
        """A party has printed these pushes and no others."""
        terminal.wait_for(lambda lines: pushes(lines)[: len(block)] == masked(block) or len(pushes(lines)) > len(block))
        assert pushes(terminal.lines) == masked(block)


def asks(command: str) -> bool:
    return "/hubclientinfo" in command or "hubinfo show" in command


def pushes(lines: list[str]) -> list[str]:
    return [line for line in masked(lines) if line.startswith("PUT ")]


def typed_in_prose(after: str) -> str:
    """The command in backquotes that follows these words."""
    return TOUR.partition(after)[2].split("`")[1]


@pytest.fixture
def tour(tmp_path: Path) -> Iterator[Tour]:
    for tool in ("bash", "curl", "python3"):
        assert shutil.which(tool), f"the tour needs {tool}"
    with Installation(tmp_path) as installation:
        made = Tour(installation)
        yield made
        for terminal in (made.ours, made.first, made.second):
            terminal.close()


def test_the_tour_goes_as_the_readme_shows(tour: Tour) -> None:
    hub, parties, invited, registered, told_first, listed, offline, told_second = blocks(TOUR)
    tour.run_hub(hub)
    for terminal, (command, output) in zip((tour.first, tour.second), steps(parties), strict=True):
        tour.run_party(terminal, command, output)
    tour.follow(invited)
    tour.follow(registered)
    tour.is_told(tour.first, told_first)
    tour.follow(listed)
    tour.first.type(typed_in_prose("**Stop the first party**"))
    tour.follow(offline)
    tour.first.type(tour.here(typed_in_prose("**Start it again**")))
    tour.is_told(tour.second, told_second)
