"""When a token of `/api` was last used, and under whose name what is done with it is recorded."""

import pytest
from flask import Flask
from sqlalchemy import delete
from werkzeug.test import EnvironBuilder

from hubinfo import clock
from hubinfo.database import db
from hubinfo.models import ApiToken
from hubinfo.operator import access, actions
from hubinfo.operator.refused import Refused
from tests.support.hubs import SetClock


def make(app: Flask, name: str = "billing") -> str:
    with app.app_context():
        return actions.make_api_token("command", name)


def signed_in(app: Flask, authorization: str) -> str | None:
    headers = {"Authorization": authorization}
    with app.test_request_context("/api/parties", headers=headers) as context:
        return access.signed_in(context.request)


def last_used_at(app: Flask) -> object:
    with app.app_context():
        [token] = access.api_tokens()
        return token["last_used_at"]


@pytest.mark.both_databases("what is revoked while it is looked at")
def test_the_last_use_is_kept_to_about_a_minute(app: Flask, now: SetClock) -> None:
    token, began_at = make(app), now.time
    assert last_used_at(app) is None
    for seconds in (0, 30, 30):
        now.pass_seconds(seconds)
        assert signed_in(app, f"Bearer {token}") == "api: billing"
        assert last_used_at(app) == began_at
    now.pass_seconds(1)
    signed_in(app, f"Bearer {token}")
    assert last_used_at(app) == now.time


def test_a_stranger_uses_nothing(app: Flask, now: SetClock) -> None:
    make(app)
    for authorization in ("Bearer wrong", "Bearer ", "Token x", "Basic b3BlcmF0b3I6d3Jvbmc=", "x"):
        assert signed_in(app, authorization) is None
    assert last_used_at(app) is None


def test_a_new_token_of_the_same_name_has_not_been_used(app: Flask, now: SetClock) -> None:
    signed_in(app, f"Bearer {make(app)}")
    assert last_used_at(app) == now.time
    make(app)
    assert last_used_at(app) is None


def test_the_operators_password_has_a_name_that_no_token_can_have(app: Flask) -> None:
    basic = EnvironBuilder(auth=("operator", "operator")).headers["Authorization"]
    assert signed_in(app, basic) == "api: operator"
    with pytest.raises(Refused, match=r"^name='operator': must be another"):
        make(app, "operator")


@pytest.mark.both_databases("what is revoked while it is looked at")
def test_a_token_that_is_revoked_while_it_is_looked_at_is_no_error(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    token = make(app)

    def revoke() -> object:
        with db.engine.begin() as connection:
            connection.execute(delete(ApiToken))
        return SetClock().time

    monkeypatch.setattr(clock, "now", revoke)
    assert signed_in(app, f"Bearer {token}") == "api: billing"
    assert signed_in(app, f"Bearer {token}") is None
