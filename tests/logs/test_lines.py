"""Log lines: one each whatever peers send, and readable by programs."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from hubinfo import create_app
from hubinfo.config import current_settings
from hubinfo.hub.push import Push
from hubinfo.logs import say
from hubinfo.ocpi.client import PeerError
from hubinfo.platforms import connections
from tests.support.apps import MakeApp
from tests.support.hubs import AnsweringClient, connect
from tests.support.log_lines import FORGED, LINE, TIME

CPO = ("CPO", "NL", "TNM")
EMSP = ("EMSP", "BE", "BEC")
HOSTILE = [
    "plain",
    "two words",
    "",
    'a "quote"',
    "key=value",
    f"x\n{FORGED}",
    f"x\r{FORGED}",
    "\x1b[31m",
    "\u2028",
    "back\\slash",
    "é",
]
logger = logging.getLogger("hubinfo.test")


def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, log_format: str, level: int, event: str, **values: object) -> str:
    """The line that an app with this LOG_FORMAT writes."""
    create_app({"log_format": log_format}, instance_path=tmp_path)
    say(logger, level, event, **values)
    return last_line(capsys)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    [line] = capsys.readouterr().err.splitlines()
    return line


def test_text_is_time_level_event_and_values(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    values = {"platform": "NL-TNM", "failures": 2, "reason": "timed out after 10 s"}
    line = said(capsys, tmp_path, "text", logging.WARNING, "push_failed", **values)
    assert re.fullmatch(TIME + r' WARNING push_failed platform=NL-TNM failures=2 reason="timed out after 10 s"', line)


def test_json_is_one_object_with_the_values_beside_the_rest(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = json.loads(said(capsys, tmp_path, "json", logging.INFO, "push_failed", platform="NL-TNM", failures=2))
    assert re.fullmatch(TIME, line.pop("time"))
    assert line == {"level": "INFO", "logger": "hubinfo.test", "event": "push_failed", "platform": "NL-TNM", "failures": 2}


def test_json_keeps_its_own_fields_from_values_of_the_same_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    create_app({"log_format": "json"}, instance_path=tmp_path)
    names = ("time", "level", "logger", "event", "platform")
    logger.info("heard", extra={"hubinfo": dict.fromkeys(names, "of the value")})
    line = json.loads(last_line(capsys))
    assert re.fullmatch(TIME, line.pop("time"))
    assert line == {"level": "INFO", "logger": "hubinfo.test", "event": "heard", "platform": "of the value"}


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_cannot_pass_for_a_line_or_another_value(capsys: pytest.CaptureFixture[str], tmp_path: Path, value: str) -> None:
    line = said(capsys, tmp_path, "text", logging.INFO, "heard", value=value, last="end")
    assert LINE.fullmatch(line)
    assert line.isprintable()
    assert line.count(" last=") == 1


@pytest.mark.parametrize("value", HOSTILE)
def test_json_keeps_every_value_as_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path, value: str) -> None:
    assert json.loads(said(capsys, tmp_path, "json", logging.INFO, "heard", value=value))["value"] == value


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_bug_shows_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    create_app({"log_format": log_format}, instance_path=tmp_path)
    try:
        raise ZeroDivisionError("no such thing")
    except ZeroDivisionError:
        logger.exception("job_failed", extra={"hubinfo": {"job": "push"}})
    written = capsys.readouterr().err
    if log_format == "json":
        assert "ZeroDivisionError: no such thing" in json.loads(written)["traceback"]
    else:
        assert LINE.fullmatch(written.splitlines()[0])
        assert "ZeroDivisionError: no such thing" in written


def test_another_app_in_the_process_does_not_double_the_lines(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    create_app(instance_path=tmp_path)
    assert said(capsys, tmp_path, "text", logging.INFO, "heard").endswith(" INFO    heard")


def test_a_status_that_changes_is_a_line_of_that_name_in_both_formats(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(make_app(), CPO)
    assert " INFO    status_changed party=NL-TNM role=CPO status=CONNECTED cause=registered " in last_line(capsys)
    connect(make_app(log_format="json"), EMSP)
    line = json.loads(last_line(capsys))
    assert (line["event"], line["party"], line["status"]) == ("status_changed", "BE-BEC", "CONNECTED")
    assert line["cause"] == "registered"


def test_a_failure_is_a_warning_with_its_reason(make_app: MakeApp, capsys: pytest.CaptureFixture[str]) -> None:
    app = make_app()
    connect(app, CPO)
    connect(app, EMSP, receiver=False)
    capsys.readouterr()
    client: Any = AnsweringClient(lambda _: PeerError("timed out after 10 s"))
    with app.app_context():
        Push(app, client, connections().vault, current_settings()).run()
    assert re.search(r' WARNING push_failed platform=P\d+ failures=1 .*reason="timed out after 10 s"$', last_line(capsys))
