"""`flask hubinfo notify-test`, and what `doctor` says of notifications."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from standardwebhooks import Webhook as Verifier

from hubinfo import clock
from hubinfo.database import write
from hubinfo.models import Notification
from hubinfo.notify import outbox
from tests.support.apps import MakeApp
from tests.support.commands import error_of, invoke, json_of, read_table
from tests.support.mailbox import SENDER, Mailbox
from tests.support.notices import SECRET
from tests.support.peers import Peer
from tests.support.processes import free_port

pytestmark = [
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),  # which apprise imports
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@pytest.fixture
def hook(make_peer: Callable[..., Peer]) -> Peer:
    made = make_peer()
    made.behave("POST", "/", lambda handler: handler.raw(b""))
    return made


@pytest.fixture
def make_telling(make_app: MakeApp, box: Mailbox, hook: Peer) -> Callable[..., Flask]:
    """Over three channels."""

    def make(**overrides: Any) -> Flask:
        given = {
            "notify_mail_to": "ops@example.com",
            "notify_mail_from": SENDER,
            "smtp_url": box.url,
            "notify_webhook_url": f"{hook.base}/hook",
            "notify_webhook_secret": SECRET,
            "notify_urls": f"json://u:hunter2@127.0.0.1:{hook.port}/apprise",
        }
        return make_app(**(given | overrides))

    return make


def doctor(app: Flask) -> tuple[bool, str]:
    """Whether the settings of notifications are fine, and what it says."""
    [found] = [item for item in json_of(app, "doctor", exit_code=1) if item["check"] == "notifications"]
    return found["ok"], found["message"]


def test_every_channel_gets_a_test_message(make_telling: Callable[..., Flask], box: Mailbox, hook: Peer) -> None:
    result = invoke(make_telling(), "notify-test")
    assert (result.exit_code, result.stderr) == (0, "")
    assert read_table(result.stdout.splitlines()) == [
        {"CHANNEL": "mail", "OK": "ok", "MESSAGE": f"sent to ops@example.com through smtp://localhost:{box.port}"},
        {"CHANNEL": "webhook", "OK": "ok", "MESSAGE": f"sent to {hook.base}/"},
        {"CHANNEL": "apprise-1", "OK": "ok", "MESSAGE": "sent to json://"},
    ]
    assert [mail["Subject"] for mail in box.mails] == ["[XX-HUB] a test, nothing has happened"]
    posted, told = hook.received
    assert Verifier(SECRET).verify(posted.body, posted.headers)["type"] == "test"
    assert told.json["title"] == "[XX-HUB] a test, nothing has happened"


def test_one_that_fails_makes_it_exit_1(make_telling: Callable[..., Flask], hook: Peer) -> None:
    hook.behave("POST", "/", lambda handler: handler.raw(b"", http_status=503))
    rows = json_of(make_telling(), "notify-test", exit_code=1)
    assert [(row["channel"], row["ok"]) for row in rows] == [("mail", True), ("webhook", False), ("apprise-1", False)]
    assert rows[1]["message"] == f"to {hook.base}/: HTTP 503"


def test_who_is_refused_is_named_and_makes_it_exit_1(make_telling: Callable[..., Flask], box: Mailbox) -> None:
    box.refused["night@example.com"] = "550 nobody here"
    [row, *_] = json_of(make_telling(notify_mail_to="ops@example.com,night@example.com"), "notify-test", exit_code=1)
    assert not row["ok"]
    assert row["message"].endswith(": mail server refuses night@example.com: SMTP 550 nobody here")
    assert [envelope.rcpt_tos for envelope in box.delivered] == [["ops@example.com"]]


def test_what_waits_for_a_channel_that_works_is_sent_at_once(make_telling: Callable[..., Flask], hook: Peer) -> None:
    hook.behave("POST", "/", lambda handler: handler.raw(b"", http_status=503))
    app, later = make_telling(), clock.now() + timedelta(hours=1)
    with app.app_context(), write() as session:
        for channel in ("mail", "webhook"):
            outbox.put(session, channel, [], later)
    json_of(app, "notify-test", exit_code=1)
    with app.app_context():
        assert outbox.take("mail", clock.now()) is not None
        assert outbox.take("webhook", clock.now()) is None


def test_one_channel_alone(make_telling: Callable[..., Flask], box: Mailbox, hook: Peer) -> None:
    rows = json_of(make_telling(), "notify-test", "--channel", "webhook")
    assert ([row["channel"] for row in rows], box.mails, len(hook.received)) == (["webhook"], [], 1)


def test_a_channel_that_there_is_none_of(make_telling: Callable[..., Flask]) -> None:
    said = error_of(make_telling(), "notify-test", "--channel", "pigeon", exit_code=2)
    assert "'pigeon': must be one of mail, webhook, apprise-1" in said


def test_nothing_configured(make_app: MakeApp) -> None:
    app = make_app()
    assert error_of(app, "notify-test").startswith("no channel for notifications is configured; see the settings NOTIFY_MAIL_TO,")
    assert doctor(app) == (True, "not configured")


def test_doctor_names_the_channels_and_sends_nothing(make_telling: Callable[..., Flask], box: Mailbox, hook: Peer) -> None:
    ok, message = doctor(make_telling())
    assert ok
    assert message == (
        f"mail to ops@example.com through smtp://localhost:{box.port}; webhook to {hook.base}/; "
        "apprise-1 to json://; to try: flask hubinfo notify-test"
    )
    assert (box.mails, hook.received) == ([], [])


def test_doctor_finds_a_url_that_apprise_does_not_understand(make_telling: Callable[..., Flask]) -> None:
    ok, message = doctor(make_telling(notify_urls="json://localhost,nonsense://hunter2"))
    assert (ok, message) == (False, "apprise does not understand the URL of apprise-2; see NOTIFY_URLS")


def test_doctor_says_what_cannot_be_sent(make_telling: Callable[..., Flask]) -> None:
    app = make_telling(smtp_url=f"smtp://localhost:{free_port()}")
    with app.app_context(), write() as session:
        outbox.put(session, "mail", [], clock.now())
        session.flush()
        session.execute(update(Notification).values(reason="connection refused"))
    ok, message = doctor(app)
    assert (ok, message) == (False, "cannot be sent by mail: connection refused (1 waiting); try: flask hubinfo notify-test")
