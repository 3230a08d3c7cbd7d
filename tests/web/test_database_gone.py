"""Requests while the database cannot be asked: 503, and one line in the log; a bug of ours is 500, and shows where."""

import json
import logging
from typing import Any

import pytest
from flask import Flask, Response
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hubinfo import logs
from hubinfo.database import db, is_unreachable, write
from hubinfo.models import Platform
from hubinfo.platforms.vault import digest
from tests.support.board import Board
from tests.support.hubs import connect
from tests.support.statements import BreakDatabase, Broken

pytestmark = pytest.mark.both_databases("each driver has errors of its own")

Headers = dict[str, str]


def failed(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Each `request_failed`, as the JSON log has it."""
    formatter = logs._formatter("json")
    lines = [json.loads(formatter.format(record)) for record in caplog.records]
    return [line for line in lines if line["event"] == "request_failed"]


@pytest.fixture
def asked(app: Flask) -> Headers:
    """What a platform that is known sends."""
    platform_id = connect(app, ("CPO", "NL", "TNM"))
    with app.app_context(), write() as session:
        session.get_one(Platform, platform_id).token_hash = digest("the-token-c-of-a-platform")
    return {"Authorization": "Token the-token-c-of-a-platform", "X-Request-ID": "r-1", "X-Correlation-ID": "c-1"}


@pytest.fixture
def broken(app: Flask, asked: Headers, caplog: pytest.LogCaptureFixture, break_database: BreakDatabase) -> Broken:
    caplog.set_level(logging.ERROR)
    return break_database(app)


def test_ocpi_is_answered_503_in_its_envelope(app: Flask, asked: Headers, broken: Broken, caplog: pytest.LogCaptureFixture) -> None:
    response = app.test_client().get("/ocpi/versions", headers=asked)
    assert (response.status_code, response.headers["Retry-After"], response.headers["X-Request-ID"]) == (503, "5", "r-1")
    assert response.json is not None
    assert (response.json["status_code"], response.json["status_message"]) == (3000, "GET /ocpi/versions: Service Unavailable")
    [line] = failed(caplog)
    said = {name: line[name] for name in ("method", "path", "request_id", "correlation_id", "reason")}
    assert said == {
        "method": "GET",
        "path": "/ocpi/versions",
        "request_id": "r-1",
        "correlation_id": "c-1",
        "reason": "database: server closed the connection unexpectedly",
    }
    assert "traceback" not in line
    broken.is_broken = False
    assert app.test_client().get("/ocpi/versions", headers=asked).status_code == 200


def test_programs_and_the_board_are_told_too(app: Flask, caplog: pytest.LogCaptureFixture, break_database: BreakDatabase) -> None:
    board = Board(app)
    break_database(app)
    caplog.set_level(logging.ERROR)
    api = app.test_client().get("/api/parties", headers={"Authorization": "Bearer operator"})
    assert (api.status_code, api.json) == (503, {"error": "GET /api/parties: Service Unavailable"})
    page = board.client.get("/")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert "The database cannot be asked at the moment." in page.text
    assert page.headers["X-Frame-Options"] == "DENY"
    assert ("To the first page" in page.text, "Sign out" in page.text) == (True, True)


def test_a_bug_is_500_and_an_event_that_shows_where(
    app: Flask, asked: Headers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Response:
        raise RuntimeError("ours")

    monkeypatch.setitem(app.view_functions, "platforms.versions", fail)
    endpoint = app.test_client().get("/ocpi/versions", headers=asked)
    assert endpoint.status_code == 500
    [line] = failed(caplog)
    assert (line["path"], line["request_id"]) == ("/ocpi/versions", "r-1")
    assert "RuntimeError: ours" in line["traceback"]


def test_a_mistake_in_sql_is_a_bug(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(Exception, match="nowhere") as raised:
            db.session.execute(text("SELECT 1 FROM nowhere"))
        db.session.rollback()
    assert not is_unreachable(raised.value)
    assert is_unreachable(OperationalError("SELECT", {}, Exception("database is locked")))
