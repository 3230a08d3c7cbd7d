"""No token in all that a whole test run logs: lines and tokens are kept, and at the end these are looked for in those.

A pytest plugin, of each xdist worker and of the process that leads them. What it finds fails the run.
"""

import base64
import logging
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

import hypothesis
import pytest
import requests

from hubinfo.ocpi import authorization

LONG = 17
"""Shorter tokens, which only tests make, are words like others."""
_SHOWN = 5


class Collector:
    """Lines and tokens. What is added comes from any thread."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}
        self._tokens: dict[str, None] = {}

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
        for token in _presented(text):
            self.token(token)

    def line(self, line: str) -> None:
        """Said by somebody."""
        self._lines[line] = None

    def record(self, record: logging.LogRecord) -> None:
        """Said by a logger: message, values, traceback."""
        raised = record.exc_info[1] if record.exc_info else None
        values = getattr(record, "hubinfo", "")
        self.line(f"{record.name} {record.getMessage()} {values}" + (f" {raised!r}" if raised else ""))

    def found(self) -> list[str]:
        """The lines that have a token in them."""
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
_presented = authorization.presented
_token_urlsafe = secrets.token_urlsafe
_call_handlers = logging.Logger.callHandlers
_send = requests.Session.send
_of_workers: list[str] = []


def _make(nbytes: int | None = None) -> str:
    token = _token_urlsafe(nbytes)
    collected.token(token)
    return token


def _present(value: str | None) -> list[str]:
    collected.header(value)
    return _presented(value)


def _handle(logger: logging.Logger, record: logging.LogRecord) -> None:
    collected.record(record)
    _call_handlers(logger, record)


def _request(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
    collected.header(request.headers.get("Authorization"))
    return _send(session, request, **options)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Below every handler that an app, or a test, may put in the place of another."""
    secrets.token_urlsafe = _make
    authorization.presented = _present
    logging.Logger.callHandlers = _handle  # type: ignore[method-assign, assignment]
    requests.Session.send = _request  # type: ignore[method-assign, assignment]


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
