"""No token in all that a whole test run logs: lines and tokens are kept, and at the end these are looked for in those.

A pytest plugin, of each xdist worker and of the process that leads them. What it finds fails the run.
"""

import base64
import logging
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import hypothesis
import pytest
from flask import request, request_started

from hubinfo.ocpi import authorization
from hubinfo.platforms.vault import secret_made

LONG = 17
"""Shorter tokens, which only tests make, are words like others."""
_SHOWN = 5


class Collector:
    """Lines and tokens. What is added comes from any thread."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}
        self._tokens: dict[str, None] = {}
        self._records: deque[logging.LogRecord] = deque()

    def token(self, token: str) -> None:
        """Made, or presented by somebody."""
        if len(token) >= LONG:
            self._tokens[token] = None

    def header(self, value: str | bytes | None) -> None:
        """An Authorization header: the tokens that it presents.

        Hypothesis takes for text the words of our own sources as well: a token that it makes up may be the name of an event.
        """
        if hypothesis.currently_in_test_context():
            return
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        for token in authorization.presented(text):
            self.token(token)

    def line(self, line: str) -> None:
        """Said by somebody."""
        self._lines[line] = None

    def said(self, record: logging.LogRecord) -> None:
        """Said by a logger; read later, when it is complete."""
        self._records.append(record)

    def read_records(self) -> None:
        """Of what loggers have said: message, values, traceback."""
        while self._records:
            record = self._records.popleft()
            raised = record.exc_info[1] if record.exc_info else None
            values = getattr(record, "hubinfo", "")
            self.line(f"{record.name} {record.getMessage()} {values}" + (f" {raised!r}" if raised else ""))

    def found(self) -> list[str]:
        """The lines that have a token in them."""
        self.read_records()
        begins: dict[str, list[str]] = {}
        for token in list(self._tokens):
            for form in _forms(token):
                begins.setdefault(form[:LONG], []).append(form)
        return [line for line in list(self._lines) if any(form in line for form in _candidates(line, begins))]


def _candidates(line: str, begins: dict[str, list[str]]) -> Iterator[str]:
    """Of thousands of tokens the few that begin with what is somewhere in this line."""
    for start in range(len(line) - LONG + 1):
        yield from begins.get(line[start : start + LONG], ())


def _forms(token: str) -> Iterable[str]:
    """As it is, and as it stands in a header."""
    encoded = (base64.b64encode(text.encode()).decode().rstrip("=") for text in (token, f"{token}\n"))
    return (token, *encoded)


collected = Collector()
_of_workers: list[str] = []
_AUTHORIZATION = re.compile(rb"^authorization: *([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


def _on_made(secret: str) -> None:
    collected.token(secret)


def _on_request(_app: object, **_values: object) -> None:
    collected.header(request.headers.get("Authorization"))


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    """Of all that Python tells its auditors: what is sent over HTTP, by whatever library."""
    if event == "http.client.send" and isinstance(arguments[1], bytes):
        for value in _AUTHORIZATION.findall(arguments[1]):
            collected.header(value)


class _Record(logging.LogRecord):
    """A line of any logger, kept until it has all its values: those of `extra` come after it is made."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        collected.said(self)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Listen to what makes secrets, takes requests, sends them and logs."""
    secret_made.connect(_on_made)
    request_started.connect(_on_request)
    sys.addaudithook(_on_event)
    logging.setLogRecordFactory(_Record)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """What a test had said is complete; only its text is kept."""
    collected.read_records()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker has ended: what it has found."""
    _of_workers.extend(getattr(node, "workeroutput", {}).get("leaks", ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker reports; who leads fails the run."""
    found = [*collected.found(), *_of_workers]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["leaks"] = found
    elif found:
        session.config.stash[_FOUND] = found
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


_FOUND = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The lines themselves: of a test run, whose tokens are worth nothing."""
    found = config.stash.get(_FOUND, [])
    if found:
        terminalreporter.section(f"{len(found)} lines with a TOKEN in them", red=True, bold=True)
        for line in found[:_SHOWN]:
            terminalreporter.line(line)
