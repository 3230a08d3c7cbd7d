"""What gunicorn itself says, in the form of our own lines, from its start to its stop."""

import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from hubinfo.config import log_format
from hubinfo.logs import OthersFormatter
from tests.support.log_lines import LINE
from tests.support.processes import Installation, Server

LEADS = ' "worker_leads",'


def objects(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.lines]


def kill_leader(server: Server) -> None:
    [holder] = [line["holder"] for line in objects(server) if line["event"] == "worker_leads"]
    os.kill(int(holder.split("/")[-2]), signal.SIGKILL)


def first_start(installation: Installation) -> None:
    """The one that greets, on stdout and for people."""
    server = installation.gunicorn().wait_until_ready()
    server.signal(signal.SIGTERM)
    assert server.ended() == 0


@pytest.mark.parametrize("options", [("-w", "2"), ("--preload",)], ids=["two workers", "preloaded"])
def test_in_json_each_line_is_an_object_also_when_a_worker_dies(tmp_path: Path, options: tuple[str, ...]) -> None:
    with Installation(tmp_path, LOG_FORMAT="json") as installation:
        first_start(installation)
        server = installation.gunicorn(*options).wait_for(lambda server: LEADS in server.said)
        kill_leader(server)
        server.wait_for(lambda server: server.said.count(LEADS) == 2)
        server.signal(signal.SIGHUP)
        server.wait_for(lambda server: server.said.count(LEADS) == 3).wait_until_ready()
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
    lines = [line for line in objects(server) if line["event"] == "gunicorn"]
    begins = [line["message"].partition(" ")[0] for line in lines]
    assert {"Starting", "Listening", "Booting", "Handling", "Worker", "Shutting"} <= set(begins)
    assert [line["level"] for line in lines if "SIGKILL" in line["message"]] == ["ERROR"]


def test_only_what_stops_the_start_is_no_object(tmp_path: Path) -> None:
    with Installation(tmp_path, LOG_FORMAT="json", PAGE_LIMIT="many") as installation:
        server = installation.gunicorn()
        assert server.ended(60) != 0
    assert [line[:17] for line in server.lines if not line.startswith("{")] == ["hubinfo: HUBINFO_"]
    assert json.loads(server.lines[0])["message"].startswith("Starting gunicorn")


def test_in_text_each_line_is_an_event_with_its_message(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        first_start(installation)
        server = installation.gunicorn().wait_for_leader()
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
    assert [line for line in server.lines if not LINE.fullmatch(line)] == []
    assert ' INFO    gunicorn message="Booting worker with pid: ' in server.said


@pytest.mark.parametrize("request_line", ["GET / HTTP/1.1\r\nHost: x\r\nAuthorization Token {}", "GET /ocpi/versions {} HTTP/1.1"])
def test_what_cannot_be_parsed_is_not_quoted(tmp_path: Path, request_line: str) -> None:
    """Without its colon a header is no header, and its token still good."""
    with Installation(tmp_path) as installation:
        server = installation.gunicorn().wait_until_ready()
        with socket.create_connection(("127.0.0.1", installation.port), timeout=60) as caller:
            caller.sendall(request_line.format("c2VjcmV0LW9mLU5MLVROTQ==").encode() + b"\r\n\r\n")
            assert b" 400 " in caller.recv(1000)
        server.wait_for(lambda server: "Invalid request from ip=127.0.0.1: Invalid HTTP " in server.said)
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
    assert ' (not shown)"' in server.said
    assert "c2VjcmV0" not in server.said


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Invalid request from ip=::1: Request Line is too large (4096 > 4094)", None),
        ("Invalid request from ip=: 'x'", "Invalid request from ip=: (not shown)"),
        (
            "Invalid request from ip=1.2.3.4: Invalid HTTP method: 'x'",
            "Invalid request from ip=1.2.3.4: Invalid HTTP method (not shown)",
        ),
        ("Booting worker with pid: 12", None),
    ],
)
def test_only_what_was_quoted_is_left_out(said: str, shown: str | None) -> None:
    given = logging.LogRecord("gunicorn.error", logging.WARNING, __file__, 1, said, None, None)
    assert json.loads(OthersFormatter("json").format(given))["message"] == (shown or said)


def test_the_format_in_the_file_holds_for_gunicorn_too(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        installation.instance.mkdir()
        (installation.instance / "config.toml").write_text('log_format = "json"\n')
        server = installation.gunicorn().wait_for(lambda server: LEADS in server.said)
        assert json.loads(server.lines[0])["event"] == "gunicorn"


@pytest.mark.parametrize(
    ("file", "environ", "expected"),
    [
        pytest.param("", {}, "text", id="default"),
        pytest.param('log_format = "json"', {}, "json", id="file"),
        pytest.param('log_format = "json"', {"HUBINFO_LOG_FORMAT": "text"}, "text", id="environment wins"),
        pytest.param("broken", {"HUBINFO_LOG_FORMAT": "json"}, "json", id="file cannot be read"),
        pytest.param("", {"HUBINFO_LOG_FORMAT": "xml"}, "text", id="wrong"),
        pytest.param("page_limit = 0", {"HUBINFO_LOG_FORMAT": "json", "HUBINFO_NAMES": ""}, "json", id="others are wrong"),
    ],
)
def test_the_format_is_known_before_the_other_settings_are(
    tmp_path: Path, file: str, environ: dict[str, str], expected: str
) -> None:
    (tmp_path / "config.toml").write_text(file)
    assert log_format(tmp_path, environ) == expected


def record(message: str, *arguments: object) -> logging.LogRecord:
    try:
        raise ValueError("theirs")
    except ValueError:
        return logging.LogRecord("urllib3.pool", logging.WARNING, __file__, 1, message, arguments, sys.exc_info())


def test_what_another_library_logs_is_a_value_and_is_left_as_it_is_for_others() -> None:
    given = record("pool of %s is\nfull", "hub")
    text = OthersFormatter("text").format(given)
    assert LINE.fullmatch(text.partition("\n")[0])
    assert r' urllib3 message="pool of hub is\nfull"' in text
    line = json.loads(OthersFormatter("json").format(given))
    assert (line["logger"], line["event"], line["message"]) == ("urllib3.pool", "urllib3", "pool of hub is\nfull")
    assert line["traceback"].endswith("ValueError: theirs")
    assert given.getMessage() == "pool of hub is\nfull"
