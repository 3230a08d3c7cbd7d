"""`GET /api/reachable/…` for a party's own software, and who may ask."""

import base64
import logging
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.api import basic
from tests.support.apps import MakeApp
from tests.support.commands import json_of
from tests.support.hub_peer import client_info, connect_hub, set_status
from tests.support.live import Hub
from tests.support.receivers import HUB, NEWER, put
from tests.support.statements import counted

PATH = "/api/reachable/NL/TNM"
SINCE = "2026-01-01T00:00:00.000Z"


OPERATOR = basic("operator")


def ask(party: Hub, path: str = PATH, authorization: str | None = OPERATOR) -> TestResponse:
    headers = {} if authorization is None else {"Authorization": authorization}
    return party.app.test_client().get(path, headers=headers)


def told(party: Hub, status: str = "CONNECTED", hub: str = HUB, **others: Any) -> None:
    put(party, client_info(status=status, **others), hub=hub)


def token(app: Flask, *name: str) -> str:
    return str(json_of(app, "api-token", *name)["token"])


@pytest.mark.parametrize(
    ("status", "reachable"), [("CONNECTED", True), ("OFFLINE", False), ("PLANNED", False), ("SUSPENDED", False)]
)
def test_it_says_whether_as_what_and_through_which_hub_since_when(party: Hub, status: str, reachable: bool) -> None:
    told(party, status)
    response = ask(party)
    assert (response.status_code, response.mimetype, response.headers["Cache-Control"]) == (200, "application/json", "no-store")
    assert response.json == {"reachable": reachable, "status": status, "hub": HUB, "since": SINCE, "stale": False}


def test_of_whom_no_hub_tells_there_is_nothing_to_say_and_that_is_an_answer(party: Hub) -> None:
    response = ask(party)
    assert response.status_code == 200
    assert response.json == {"reachable": False, "status": None, "hub": None, "since": None, "stale": False}


def test_the_party_is_found_without_case(party: Hub) -> None:
    told(party)
    assert ask(party, "/api/reachable/nl/tnm").json == ask(party).json
    assert ask(party, f"{PATH}/").status_code == 200


def test_what_a_silent_hub_told_is_stale(party: Hub) -> None:
    told(party)
    set_status(party.app, 1, "OFFLINE")
    assert ask(party).json == {"reachable": False, "status": "CONNECTED", "hub": HUB, "since": SINCE, "stale": True}


def test_of_two_hubs_the_open_way_is_named(party: Hub) -> None:
    connect_hub(party.app, "FR-HUB")
    told(party, "OFFLINE", last_updated=NEWER)
    told(party, "CONNECTED", "FR-HUB")
    answer = ask(party).json
    assert answer is not None
    assert (answer["reachable"], answer["hub"]) == (True, "FR-HUB")


def test_a_role_may_be_asked_for(party: Hub) -> None:
    told(party, "OFFLINE", role="CPO")
    told(party, "CONNECTED", role="EMSP")
    answers = [ask(party, f"{PATH}?role={role}").json for role in ("CPO", "EMSP", "NSP")]
    assert [answer["status"] for answer in answers if answer] == ["OFFLINE", "CONNECTED", None]


@pytest.mark.parametrize("role", ["", "bad", "cpo", "CPO,EMSP", "%00"])
def test_a_role_that_is_none_is_400_naming_the_roles(party: Hub, role: str) -> None:
    response = ask(party, f"{PATH}?role={role}")
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["error"].startswith("role=")
    assert "EMSP" in response.json["error"]


@pytest.mark.parametrize("party_ids", ["NLD/TNM", "N1/TNM", "NL/TNMX", "NL/%00AB", "NL/T%20M", "NL/TN%C3%89", "%ff/TNM"])
def test_what_can_be_no_party_is_400_naming_it(party: Hub, party_ids: str) -> None:
    response = ask(party, f"/api/reachable/{party_ids}")
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["error"].startswith("country_code=")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_it_is_for_reading_only(party: Hub, method: str) -> None:
    response = party.app.test_client().open(PATH, method=method, headers={"Authorization": OPERATOR})
    assert response.status_code == 405


WRONG = {
    "none": None,
    "empty": "",
    "wrong password": basic("wrong"),
    "no password": basic(""),
    "another user": basic("operator", user="root"),
    "no user": basic("operator", user=""),
    "no colon": "Basic " + base64.b64encode(b"operator").decode(),
    "not base64": "Basic ???",
    "password as bearer": "Bearer operator",
    "unknown token": "Bearer " + "x" * 43,
    "empty bearer": "Bearer ",
    "the hub's token": "Token token-of-DE-HUB",
    "the hub's token as bearer": "Bearer token-of-DE-HUB",
    "another scheme": "Digest username=operator",
    "not ASCII": "Bearer t\u00f6ken",
}


@pytest.mark.parametrize("way", WRONG)
def test_without_password_or_token_it_is_401_that_says_what_to_send(party: Hub, way: str) -> None:
    told(party)
    assert_says_what_to_send(ask(party, PATH, WRONG[way]))


@pytest.mark.parametrize("path", ["/api/reachable/N1/TNM", f"{PATH}?role=bad"])
def test_a_stranger_is_not_told_what_is_wrong_with_the_question(party: Hub, path: str) -> None:
    assert_says_what_to_send(ask(party, path, None))


def assert_says_what_to_send(response: TestResponse) -> None:
    assert response.status_code == 401
    assert response.headers.getlist("WWW-Authenticate") == ['Bearer realm="hubinfo"', 'Basic realm="hubinfo"']
    assert response.json is not None
    assert list(response.json) == ["error"]


def test_a_bearer_token_opens_it(party: Hub) -> None:
    made = json_of(party.app, "api-token", "dispatcher")
    assert list(made) == ["name", "token"]
    assert made["name"] == "dispatcher"
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert ask(party, authorization=f"{scheme} {made['token']}").status_code == 200


@pytest.mark.parametrize("password", ["pässwörd", "пароль", "a:b:c", " a b ", "密码🔑"])
def test_any_password_that_can_be_set_can_be_used(make_app: MakeApp, password: str) -> None:
    party = Hub(make_app(roles="CPO", operator_password=password))
    assert ask(party, authorization=basic(password.strip())).status_code == 200
    assert ask(party, authorization=basic(password.strip() + "x")).status_code == 401
    assert ask(party, authorization=basic(password.strip().upper() + "x", encoding="utf-16")).status_code == 401


def test_a_password_that_was_made_at_the_first_start_is_read_from_its_file(make_app: MakeApp, tmp_path: Path) -> None:
    (tmp_path / "operator.password").write_text("made-once\n")
    party = Hub(make_app(roles="CPO", operator_password="unused"))
    object.__setattr__(party.app.extensions["hubinfo.settings"], "operator_password", None)
    assert ask(party, authorization=basic("made-once")).status_code == 200
    assert ask(party, authorization=basic("")).status_code == 401


def test_no_token_and_no_password_is_in_any_log_line(party: Hub) -> None:
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.getMessage()} {record.__dict__}")

    made, handler = token(party.app), Kept()
    loggers = [logging.getLogger(name) for name in (None, "hubinfo", "werkzeug", "sqlalchemy")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    for authorization in (f"Bearer {made}", f"Bearer {made}x", OPERATOR, basic("wrong-password")):
        ask(party, authorization=authorization)
    token(party.app)
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert not [line for line in lines for secret in (made, "wrong-password", OPERATOR[6:]) if secret in line]


@pytest.mark.parametrize("count", [1, 30])
def test_an_answer_takes_a_fixed_number_of_statements(party: Hub, count: int) -> None:
    made = token(party.app)
    ask(party, authorization=f"Bearer {made}")  # notes when it was used, once a minute
    for number in range(count):
        connect_hub(party.app, f"FR-{number:03}")
        told(party, "OFFLINE", hub=f"FR-{number:03}")
    for authorization, statements in ((OPERATOR, 1), (f"Bearer {made}", 2)):
        with counted(party.app) as sent:
            assert ask(party, authorization=authorization).status_code == 200
        assert len(sent) == statements


def test_a_hub_has_it_too_and_knows_of_nobody(hub: Hub) -> None:
    answer = ask(hub).json
    assert answer is not None
    assert answer["reachable"] is False


def test_it_repeats_no_message_ids_and_is_no_envelope(party: Hub) -> None:
    response = ask(party)
    assert "X-Request-ID" not in response.headers
    assert b"status_code" not in response.data
