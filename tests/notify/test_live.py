"""Notifications by a hub that runs: killed in the middle, with a new leader, with a mail server that hangs; no secret in a log."""

import os
import signal
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from standardwebhooks import Webhook as Verifier

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.models import Concern, Notification
from tests.support.captured import Captured
from tests.support.certificates import certificate
from tests.support.hubs import connect
from tests.support.live import LiveHub
from tests.support.mailbox import PASSWORD, SENDER, USER, Mailbox, mailbox
from tests.support.notices import SECRET
from tests.support.peers import Peer
from tests.support.processes import Installation, Server, free_port
from tests.support.waiting import told_at, wait_until

MAIL = {"notify_mail_to": "ops@example.com", "notify_mail_from": SENDER, "notify_group_seconds": "0.1"}
WAIT_SECONDS = 90.0
pytestmark = [
    pytest.mark.outside,
    pytest.mark.both_databases("what was committed when a process died, and who leads then"),
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),  # which apprise imports
]


def count(app: Flask, model: type[Concern] | type[Notification]) -> int:
    with app.app_context():
        found = db.session.scalar(select(func.count()).select_from(model)) or 0
        db.session.rollback()
    return found


def suspend(app: Flask, platform_id: int) -> None:
    with app.app_context(), write():
        presence.suspended([row for row in presence.visible_to(None) if row.platform_id == platform_id])


def subjects(box: Mailbox) -> list[str]:
    return [mail["Subject"] for mail in box.mails]


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    """A hub with two parties and their platforms, which nobody serves and nobody asks."""
    settings = {name.upper(): value for name, value in MAIL.items()}
    with Installation(tmp_path, DATABASE_URL=database_url, KEEPALIVE_SECONDS="3600", **settings) as made:
        made.set(SMTP_URL=f"smtp://127.0.0.1:{free_port()}")
        assert made.flask("hubinfo", "parties").returncode == 0  # makes the schema and the folder
        for party in ("TNM", "BEC"):
            made.connect("http://127.0.0.1:1", ("CPO", "NL", party))
        yield made


def begun(installation: Installation, start: Callable[[], Server]) -> Server:
    """Started, and it has looked."""
    server = start().wait_for_leader()
    wait_until(lambda: count(installation.app, Concern) >= 1, WAIT_SECONDS)
    return server


def try_at_once(installation: Installation) -> None:
    """What waits to be tried again need not wait for its minute."""
    with installation.app.app_context(), write() as session:
        session.execute(update(Notification).values(next_at=clock.now()))


def test_what_could_not_be_sent_before_kill_9_is_sent_by_the_next(installation: Installation, box: Mailbox) -> None:
    server = begun(installation, installation.flask_run)
    installation.command("suspend", "NL", "TNM")
    server.wait_for(lambda it: " notification_failed " in it.said, WAIT_SECONDS)
    server.kill()
    assert "connection refused" in server.said
    installation.set(SMTP_URL=box.url)
    try_at_once(installation)
    installation.flask_run().wait_for(lambda it: " notification_sent " in it.said, WAIT_SECONDS)
    assert subjects(box) == ["[XX-HUB] NL-TNM is SUSPENDED"]
    assert count(installation.app, Notification) == 0


def test_what_was_being_sent_at_kill_9_is_sent_again_with_the_same_id(installation: Installation, box: Mailbox) -> None:
    installation.set(SMTP_URL=box.url)
    box.answers.clear()
    server = begun(installation, installation.flask_run)
    installation.command("suspend", "NL", "TNM")
    assert box.began.wait(WAIT_SECONDS)
    server.kill()
    box.answers.set()
    try_at_once(installation)
    installation.flask_run().wait_for(lambda it: " notification_sent " in it.said, WAIT_SECONDS)
    assert subjects(box)[-1] == "[XX-HUB] NL-TNM is SUSPENDED"
    first, second = box.begun
    assert first["Message-ID"] == second["Message-ID"]
    assert count(installation.app, Notification) == 0


def test_what_happens_while_no_server_runs_is_told_by_the_next(installation: Installation, box: Mailbox) -> None:
    installation.set(SMTP_URL=box.url)
    begun(installation, installation.flask_run).kill()
    installation.command("suspend", "NL", "TNM")
    installation.command("suspend", "NL", "BEC")
    installation.flask_run()
    box.wait_for(1, WAIT_SECONDS)
    assert subjects(box) == ["[XX-HUB] 2 parties are SUSPENDED: NL-BEC, NL-TNM"]


def test_another_leader_tells_what_comes_then_and_nothing_again(installation: Installation, box: Mailbox) -> None:
    installation.set(SMTP_URL=box.url)
    server = begun(installation, lambda: installation.gunicorn("-w", "2"))
    installation.command("suspend", "NL", "TNM")
    box.wait_for(1, WAIT_SECONDS)
    wait_until(lambda: count(installation.app, Notification) == 0, WAIT_SECONDS)
    os.kill(server.leaders()[0], signal.SIGKILL)
    server.wait_for_leader(2, WAIT_SECONDS)
    installation.command("suspend", "NL", "BEC")
    box.wait_for(2, WAIT_SECONDS)
    wait_until(lambda: count(installation.app, Notification) == 0, WAIT_SECONDS)
    assert subjects(box) == ["[NL-HUB] NL-TNM is SUSPENDED", "[NL-HUB] NL-BEC is SUSPENDED"]


@pytest.fixture
def make_telling_hub(make_live_hub: Callable[..., LiveHub]) -> Callable[..., LiveHub]:
    """That has looked."""

    def make(**settings: object) -> LiveHub:
        hub = make_live_hub(**(MAIL | settings))
        wait_until(lambda: count(hub.app, Concern) >= 1, WAIT_SECONDS)
        return hub

    return make


def test_a_mail_server_that_hangs_delays_neither_pushes_nor_probes_nor_a_webhook(
    make_telling_hub: Callable[..., LiveHub], make_peer: Callable[..., Peer], box: Mailbox
) -> None:
    receiver, hook = make_peer(), make_peer()
    hook.behave("POST", "/", lambda handler: handler.raw(b""))
    webhook = {"notify_webhook_url": hook.base, "notify_webhook_secret": SECRET}
    hub = make_telling_hub(smtp_url=box.url, keepalive_seconds=0.5, **webhook)
    hub.register(receiver, ("EMSP", "BE", "BEC"))
    box.answers.clear()
    suspend(hub.app, connect(hub.app, ("CPO", "NL", "TNM"), receiver=False))
    assert box.began.wait(WAIT_SECONDS)
    connect(hub.app, ("EMSP", "DE", "NEW"), receiver=False)
    told_at(receiver, "DE-NEW")
    asked = len(probes(receiver))
    receiver.wait_for(lambda it: len(probes(it)) > asked, WAIT_SECONDS)
    hook.wait_for(lambda it: len(it.received) > 0, WAIT_SECONDS)
    assert box.delivered == []  # all of that while it hung
    assert Verifier(SECRET).verify(hook.received[0].body, hook.received[0].headers)["type"] == "party.suspended"
    box.answers.set()
    [mail] = box.wait_for(1, WAIT_SECONDS)
    assert mail["Subject"] == "[XX-HUB] NL-TNM is SUSPENDED"


def probes(peer: Peer) -> list[str]:
    return [request.path for request in peer.received if request.path == "/versions"]


def test_a_hub_stops_in_time_while_a_mail_server_hangs(make_telling_hub: Callable[..., LiveHub], box: Mailbox) -> None:
    hub = make_telling_hub(smtp_url=box.url)
    box.answers.clear()
    suspend(hub.app, connect(hub.app, ("CPO", "NL", "TNM"), receiver=False))
    assert box.began.wait(WAIT_SECONDS)
    hub.worker.stop()
    assert not hub.worker.alive
    with hub.app.app_context():
        assert db.session.scalars(select(Notification.reason)).all() == [None], "the mail server still hangs"
        db.session.remove()
    box.answers.set()
    hub.worker._notify.wait(time.monotonic() + WAIT_SECONDS)  # so that nothing uses the database after this test


def test_a_silent_platform_is_told_of_from_probe_to_mail(
    make_telling_hub: Callable[..., LiveHub], make_peer: Callable[..., Peer], box: Mailbox
) -> None:
    """A keep-alive that finds it OFFLINE, and then that it is back."""
    fast = {"keepalive_seconds": 0.2, "keepalive_retry_seconds": 0.1, "notify_offline_seconds": 0}
    hub, peer = make_telling_hub(smtp_url=box.url, **fast), make_peer()
    hub.register(peer, ("CPO", "NL", "TNM"))
    peer.stop()
    box.wait_for(1, WAIT_SECONDS)
    peer.start_again()
    box.wait_for(2, WAIT_SECONDS)
    assert subjects(box) == ["[XX-HUB] NL-TNM is OFFLINE", "[XX-HUB] NL-TNM is back"]
    assert "connection refused" in box.mails[0].get_content()


def test_nothing_configured_nothing_done(make_live_hub: Callable[..., LiveHub]) -> None:
    hub = make_live_hub()
    wait_until(lambda: hub.worker.leads)
    suspend(hub.app, connect(hub.app, ("CPO", "NL", "TNM"), receiver=False))
    hub.worker.stop()
    assert (count(hub.app, Concern), count(hub.app, Notification)) == (0, 0)


def test_no_secret_is_in_any_line_of_any_logger(
    make_telling_hub: Callable[..., LiveHub], make_peer: Callable[..., Peer], tmp_path: Path
) -> None:
    path, hook = certificate(tmp_path), make_peer()
    hook.behave("POST", "/", lambda handler: handler.raw(f"no {PASSWORD}".encode(), http_status=500))
    with mailbox(path, tls="starttls", password=True) as box:
        hub = make_telling_hub(
            smtp_url=f"smtp://{quote(USER, safe='')}:{quote(PASSWORD + 'x', safe='')}@localhost:{box.port}",
            ca_file=str(path),
            notify_webhook_url=f"{hook.base}/hook",
            notify_webhook_secret=SECRET,
            notify_urls=f"json://{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@127.0.0.1:{hook.port}/apprise",
        )
        with Captured() as captured:
            suspend(hub.app, connect(hub.app, ("CPO", "NL", "TNM"), receiver=False))
            for channel in ("mail", "webhook", "apprise-1"):
                captured.wait_for(f"notification_failed channel={channel} ", WAIT_SECONDS)
    plain = f"\0{USER}\0{PASSWORD}x"
    hidden = [PASSWORD, quote(PASSWORD, safe=""), SECRET.removeprefix("whsec_")]
    hidden += [b64encode(text.encode()).decode().rstrip("=") for text in (plain, f"{USER}:{PASSWORD}", PASSWORD)]
    assert not [line for line in (*captured.lines, *captured.raw) if any(secret in line for secret in hidden)]
