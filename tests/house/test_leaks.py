"""The collector of tests/support/leaks.py does find a token that is logged, and then the run fails."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.leaks import Collector
from tests.support.processes import SOURCES

TOKEN = "a-token-of-the-tests-that-is-logged"
OTHER = "another-token-that-is-only-presented"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("form", [TOKEN, encoded(TOKEN), encoded(f"{TOKEN}\n"), encoded(TOKEN).rstrip("=")])
@pytest.mark.parametrize("line", ["{}", "before {} after", "x{}x", "token={}"])
def test_a_token_is_found_in_every_form_and_place(form: str, line: str) -> None:
    collector = Collector()
    collector.token(OTHER)
    collector.token(TOKEN)
    collector.line("nothing in here")
    collector.line(line.format(form))
    assert collector.found() == [line.format(form)]


def test_what_is_no_token_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    collector = Collector()
    collector.token(TOKEN)
    collector.line(TOKEN[:-1])
    collector.line(TOKEN.upper())
    assert collector.found() == []


def test_a_token_that_was_presented_is_one() -> None:
    collector = Collector()
    for value in (f"Token {encoded(TOKEN)}", f"Token {OTHER}".encode(), None, "Bearer x"):
        collector.header(value)
    collector.line(f"of {TOKEN}")
    collector.line(f"of {OTHER}")
    assert len(collector.found()) == 2


CONFTEST = """
from tests.support import leaks

def pytest_configure(config):
    config.pluginmanager.register(leaks)
"""
LOGS_A_TOKEN = """
import logging
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen
import requests
import pytest
from flask import Flask
from hubinfo.logs import say
from hubinfo.platforms.vault import make_token
from tests.support.leaks import collected

def test_message():
    logging.getLogger("hubinfo.test").warning("made %s", make_token())

def test_value():
    logging.getLogger("hubinfo").handlers, logging.getLogger("hubinfo").propagate = [], False
    say(logging.getLogger("hubinfo.test"), logging.WARNING, "made", token=make_token())

def test_raised():
    try:
        raise ValueError(make_token())
    except ValueError:
        logging.getLogger("anybody").exception("failed")

@pytest.fixture
def process():
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        Thread(target=server.handle_request).start()
        yield f"http://127.0.0.1:{server.server_port}/"

def test_presented_to_a_process_that_says_it(process):
    requests.get(process, headers={"Authorization": "Token presented-to-a-process"}, timeout=20)
    collected.line("GET / presented-to-a-process")

def test_presented_by_another_library(process):
    with pytest.raises(HTTPError):
        urlopen(Request(process, headers={"Authorization": "Token presented-by-another"}), timeout=20)
    collected.line("GET / presented-by-another")

def test_presented_to_an_app():
    Flask("app").test_client().get("/", headers={"Authorization": "Token presented-to-an-app"})
    collected.line("GET / presented-to-an-app")

def test_nothing():
    make_token()
    logging.getLogger("hubinfo.test").warning("made one")
"""


def run_tests(folder: Path, *options: str, tests: str = LOGS_A_TOKEN) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_logs_a_token.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:cov", *options]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_run_whose_tests_pass_fails_with_the_lines(tmp_path: Path, options: list[str]) -> None:
    ended = run_tests(tmp_path, *options)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "7 passed" in ended.stdout
    assert "6 lines with a TOKEN in them" in ended.stdout
    assert "hubinfo.test made {'token': '" in ended.stdout


def test_a_run_that_logs_none_passes(tmp_path: Path) -> None:
    ended = run_tests(tmp_path, "-k", "nothing")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "TOKEN" not in ended.stdout


MAKES_UP_A_TOKEN = """
import logging
from hypothesis import given, strategies as st
from tests.support.leaks import collected

@given(st.just("Token platform_registered"))
def test_any_header(value):
    collected.header(value)

def test_a_word_of_ours():
    logging.getLogger("hubinfo.test").warning("platform_registered")
"""


def test_a_token_made_up_by_hypothesis_may_be_a_word_of_ours(tmp_path: Path) -> None:
    ended = run_tests(tmp_path, tests=MAKES_UP_A_TOKEN)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 passed" in ended.stdout
