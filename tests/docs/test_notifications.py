"""docs/notifications.md, held to what is really sent, and its receiver to what a webhook really posts."""

import json
import re
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Verifier

from hubinfo import clock, config
from hubinfo.database import write
from hubinfo.models import Action, ClientInfo
from hubinfo.notify import words
from hubinfo.notify.kinds import TYPES
from hubinfo.notify.outbox import Message
from hubinfo.notify.webhook import signature
from tests.support.apps import MakeApp
from tests.support.notices import Desk
from tests.support.processes import SOURCES

DOCS = (SOURCES / "docs" / "notifications.md").read_text()
NAMES = {
    "NL-TNM": "Example Mobility",
    "BE-BEC": "Belgian Charging",
    "DE-ABC": "Strom & Söhne",
    "FR-XYZ": "Recharge",
    "FR-ZZZ": "Bornes",
    "DE-NEW": "New Mobility",
}


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> str:
    """One is enough for words."""
    shutil.copy(sqlite_template, tmp_path / "test.sqlite3")
    return f"sqlite:///{tmp_path / 'test.sqlite3'}"


@pytest.fixture
def desk(make_app: MakeApp) -> Desk:
    made = Desk(make_app(country_code="NL", party_id="HUX", name="Hub of Examples", public_url="https://hub.example.com"))
    made.connect("NL-TNM", "BE-BEC", "DE-ABC", "FR-XYZ", "FR-ZZZ")
    made.connect("FR-XYZ", role="EMSP")
    with made.app.app_context(), write() as session:
        for row in session.query(ClientInfo):
            row.business_details = {"name": NAMES[row.party]}
            row.platform.name = row.party if row.role == "CPO" else f"{row.party}-2"
    made.all_know_all()
    made.passes(30)
    return made


def offline(desk: Desk) -> Message:
    desk.become("OFFLINE", "NL-TNM", "BE-BEC", "FR-XYZ")
    return desk.message_after(640)


def back(desk: Desk) -> Message:
    offline(desk)
    desk.become("CONNECTED", "NL-TNM")
    return desk.message_after(330)


def flapping(desk: Desk) -> Message:
    back(desk)
    for _ in range(7):
        desk.become("OFFLINE", "NL-TNM")
        desk.passes(120)
        desk.become("CONNECTED", "NL-TNM")
        desk.passes(120)
    return desk.message_after(3600 - 7 * 240)


def suspended_and_planned(desk: Desk) -> Message:
    desk.connect("DE-NEW")
    with desk.app.app_context(), write() as session:
        for row in session.query(ClientInfo).where(ClientInfo.party == "DE-NEW"):
            row.business_details = {"name": NAMES[row.party]}
        session.add(Action(at=desk.clock(), source="board", what="suspend", about="DE-ABC"))
    desk.become("SUSPENDED", "DE-ABC", event="suspended")
    desk.become("PLANNED", "DE-NEW")
    return desk.message_after(60)


def untold(desk: Desk) -> Message:
    desk.change_platform("BE-BEC", told_revision=desk.newest_revision() - 3, failed_pushes=5, push_reason="HTTP 500")
    return desk.message_after(960)


def fault(desk: Desk) -> Message:
    desk.all_fail()
    return desk.message_after(60)


def fault_ended(desk: Desk) -> Message:
    fault(desk)
    desk.passes(600)
    desk.answers("BE-BEC")
    return desk.message_after(60)


SHOWN: list[Callable[[Desk], Message]] = [offline, back, flapping, suspended_and_planned, untold, fault, fault_ended]


@pytest.mark.parametrize("make", SHOWN, ids=[make.__name__ for make in SHOWN])
def test_a_mail_is_as_shown(desk: Desk, make: Callable[[Desk], Message]) -> None:
    message = make(desk)
    text = desk.text(message).partition("\n-- \n")[0].rstrip()
    assert f"```text\nSubject: {desk.subject(message)}\n\n{text}\n```\n" in DOCS


def test_what_is_posted_is_as_shown(desk: Desk) -> None:
    [event] = back(desk).events
    assert f"```json\n{json.dumps(event, indent=2)}\n```\n" in DOCS


def test_every_type_is_listed() -> None:
    assert re.findall(r"^\| `([a-z_.]+)` \|", DOCS, re.MULTILINE) == TYPES


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    found = re.search(r"HUBINFO_NOTIFY_WEBHOOK_SECRET=(whsec_\S+)", DOCS)
    assert found is not None
    monkeypatch.setenv("WEBHOOK_SECRET", found[1])
    return found[1]


def test_the_receiver_shown_takes_what_is_signed_and_nothing_else(desk: Desk, secret: str) -> None:
    [event] = back(desk).events
    [source] = [block for block in re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL) if "standardwebhooks" in block]
    names: dict[str, object] = {"__name__": "receiver"}
    exec(compile(source, "docs/notifications.md", "exec"), names)
    client = names["app"].test_client()  # type: ignore[attr-defined]
    body, timestamp = json.dumps(event).encode(), str(int(time.time()))
    key = Verifier(secret)._whsecret
    headers = {"webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": signature(key, "msg_1", timestamp, body)}
    assert client.post("/hook", data=body, headers=headers).status_code == 204
    assert client.post("/hook", data=body, headers=headers).status_code == 204
    assert client.post("/hook", data=body + b" ", headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 seconds"),
        (1, "1 second"),
        (640, "10 minutes 40 seconds"),
        (3600, "1 hour"),
        (3640, "1 hour"),
        (5399, "1 hour 29 minutes"),
        (86_430, "1 day"),
        (200_000, "2 days 7 hours"),
    ],
)
def test_how_long_an_outage_was_is_said_in_two_units_at_most(seconds: float, said: str) -> None:
    began = datetime(2030, 1, 1, tzinfo=UTC)
    times = {"since": clock.render(began), "until": clock.render(began + timedelta(seconds=seconds))}
    event = {"type": "own_fault.ended", "timestamp": times["until"], "data": {"sender": "NL-HUX", **times}}
    settings = config.load(Path("nowhere"), environ={})
    assert f"\nIt lasted {said}, from " in words.text(Message("msg_x", began, [event]), settings)
