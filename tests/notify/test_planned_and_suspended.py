"""What an operator is told of parties that are PLANNED or SUSPENDED."""

import pytest

from hubinfo.operator import actions
from tests.support.live import Hub
from tests.support.notices import Desk

both_databases = pytest.mark.both_databases("outages are found and compared in SQL")


def test_who_is_suspended_while_offline_is_told_to_be_suspended_and_not_to_be_back(desk: Desk) -> None:
    desk.become("OFFLINE", "NL-TNM")
    desk.after(700)
    desk.become("SUSPENDED", "NL-TNM")
    assert desk.after(60) == [("party.suspended", ["NL-TNM"])]


def test_newly_planned_is_told_with_what_to_do(desk: Desk) -> None:
    Hub(desk.app).invite("DE", "NEW", "EMSP", "CPO")
    message = desk.message_after(60)
    assert desk.subject(message) == "[NL-HUX] DE-NEW is PLANNED: get in touch with them"
    assert "contracts come first" in desk.text(message)
    assert desk.after(86400, step=600) == []


@pytest.mark.parametrize("source", ["command", "board"])
def test_suspended_is_told_with_by_whom(desk: Desk, source: str) -> None:
    with desk.app.app_context():
        actions.suspend(source, "NL-TNM")
    message = desk.message_after(60)
    assert desk.subject(message) == "[NL-HUX] NL-TNM is SUSPENDED"
    assert f", by an operator ({source})" in desk.text(message)


def test_suspended_is_told_with_why(desk: Desk) -> None:
    desk.become("SUSPENDED", "NL-TNM", reason="no longer among the roles of its platform")
    desk.become("SUSPENDED", "BE-BEC")
    text = desk.text(desk.message_after(60))
    assert "NL-TNM TNM (CPO): since 2030-01-01 00:00:10 UTC, no longer among the roles of its platform" in text
    assert "BE-BEC BEC (CPO): since 2030-01-01 00:00:10 UTC, it has deleted its credentials" in text


def test_who_is_suspended_again_is_news_again_after_the_quiet_time(desk: Desk) -> None:
    desk.become("SUSPENDED", "NL-TNM")
    assert desk.after(60) == [("party.suspended", ["NL-TNM"])]
    desk.become("CONNECTED", "NL-TNM")
    assert desk.after(60) == []
    desk.become("SUSPENDED", "NL-TNM")
    assert desk.after(3400) == []
    assert desk.after(200) == [("party.suspended", ["NL-TNM"])]
