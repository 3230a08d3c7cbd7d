"""Credentials sent to a hub, and what it says to them."""

from typing import Any

from werkzeug.test import TestResponse

from tests.support.live import Hub


def post(hub: Hub, token: str, sent: Any, version: str = "2.2.1", method: str = "POST") -> TestResponse:
    return hub.call(method, f"/ocpi/{version}/credentials", token, json=sent)


def said(response: TestResponse) -> tuple[int, int]:
    assert response.json is not None
    return response.status_code, response.json["status_code"]


def message(response: TestResponse) -> str:
    assert response.json is not None
    text: str = response.json["status_message"]
    return text
