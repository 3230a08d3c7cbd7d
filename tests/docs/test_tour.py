"""The README's tour, typed as it stands there, and held to what it shows."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.processes import BIN, SOURCES, Installation, free_port

TOUR = (SOURCES / "README.md").read_text().partition("## A tour in five minutes")[2].partition("\n## ")[0]
SECONDS = 30.0
_TOKEN = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])")
_MASKS = (
    (_TOKEN, "(token)"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "(time)"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "(id)"),
    (re.compile(r"(?<=^Date: ).*"), "(date)"),
    (re.compile(r"(?<=^Server: )Werkzeug/\S+ Python/\S+"), "(versions)"),
    (re.compile(r"(?<=operator password  )\S{16}"), "(password)"),
    (re.compile(r"\d+(?=\s+connection refused$)"), "(count)"),
)


def masked(lines: list[str]) -> list[str]:
    """Without what is another one each time."""
    return [line for line in map(_masked, lines) if line]


def _masked(line: str) -> str:
    for pattern, name in _MASKS:
        line = pattern.sub(name, line)
    return line.rstrip()


def blocks(text: str) -> list[list[str]]:
    """The lines of each console block."""
    return [found.splitlines() for found in re.findall(r"```console\n(.*?)```", text, re.DOTALL)]


def steps(block: list[str]) -> list[tuple[str, list[str]]]:
    """Each command of a block, which may go over several lines, and what it prints."""
    found: list[tuple[str, list[str]]] = []
    for line in block:
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        elif not is_complete(found[-1][0]):
            found[-1] = (f"{found[-1][0]}\n{line}", [])
        else:
            found[-1][1].append(line)
    return found


def is_complete(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:  # no closing quotation
        return False
    return True


class Terminal:
    """A bash that is typed into, and all that it shows."""

    def __init__(self, folder: Path, environment: Mapping[str, str], seconds: float = SECONDS) -> None:
        self.lines: list[str] = []
        self._seconds = seconds
        self._shown = threading.Condition()
        self._bash = subprocess.Popen(
            ["bash", "-s"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._bash.stdout is not None
        for line in self._bash.stdout:
            with self._shown:
                self.lines.append(line.rstrip("\n"))
                self._shown.notify_all()

    def type(self, command: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(f"{command}\n")
        self._bash.stdin.flush()

    def run(self, command: str) -> list[str]:
        """What a command prints, once it has ended."""
        before = len(self.lines)
        self.type(command)
        self.type("echo '# done'")
        self.wait_for(lambda lines: "# done" in lines[before:])
        return self.lines[before : self.lines.index("# done", before)]

    def wait_for(self, condition: Callable[[list[str]], bool]) -> None:
        """Wait until this holds of what is shown; fails the test when it never does."""
        deadline = time.monotonic() + self._seconds
        with self._shown:
            while not condition(self.lines):
                assert self._shown.wait(deadline - time.monotonic()), "\n".join(self.lines)

    def close(self) -> None:
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait()
        self._reader.join()
        for stream in (self._bash.stdin, self._bash.stdout):
            assert stream is not None
            stream.close()


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
            shown, real = (_TOKEN.findall("\n".join(each)) for each in (output, lines))
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
