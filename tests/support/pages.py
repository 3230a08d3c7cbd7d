"""The console blocks of the docs: read, typed into a shell, and compared with what it shows."""

import os
import re
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.processes import SOURCES

SECONDS = 30.0
MOVED_TO = "postgresql://hubinfo@127.0.0.1/hubinfo"
"""The database that docs/postgresql.md moves to."""
TOKEN = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])")
_MASKS = (
    (TOKEN, "(token)"),
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


def section(page: str, heading: str) -> list[list[str]]:
    """The console blocks below a heading."""
    text = (SOURCES / "docs" / f"{page}.md").read_text()
    _, _, rest = text.partition(f"\n## {heading}\n")
    assert rest, heading
    return blocks(rest.partition("\n## ")[0])


def count_masked(lines: list[str]) -> list[str]:
    """Without times, and with any number of anything."""
    return [re.sub(r"\d+", "0", line) for line in masked(lines)]


def follow(terminal: Terminal, block: list[str], here: dict[str, str] | None = None) -> None:
    """Type each command of a block; what it prints begins as shown, but for times and counts."""
    for command, output in steps(block):
        typed = command
        for shown, real in (here or {}).items():
            typed = typed.replace(shown, real)
        printed = "\n".join(terminal.run(typed))
        for shown, real in (here or {}).items():
            printed = printed.replace(real, shown).replace(real.replace("postgresql://", "postgresql+psycopg://"), shown)
        lines = count_masked(printed.splitlines())
        assert lines[: len(output)] == count_masked(output), typed
        assert output or not lines, typed
