"""A webhook that others can verify, and what becomes of receivers that fail; and what apprise delivers."""

import contextlib
import json
import queue
import socket
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from hubinfo import config
from hubinfo.config import Settings
from hubinfo.notify.channel import NotSent
from hubinfo.notify.channels import configured
from hubinfo.notify.elsewhere import Elsewhere
from hubinfo.notify.outbox import Message
from hubinfo.notify.webhook import Webhook
from tests.support.certificates import certificate, tls
from tests.support.clients import drip, raw_server
from tests.support.notices import SECRET
from tests.support.peers import Behaviour, Peer, hang

MADE_AT = datetime(2030, 1, 1, 12, 30, tzinfo=UTC)
FACTS = {"party": "NL-TNM", "country_code": "NL", "party_id": "TNM", "name": "Söhne", "roles": ["CPO"], "reason": "timed out"}
EVENT = {"type": "party.offline", "timestamp": "2030-01-01T12:30:00.000Z", "data": {"sender": "NL-HUX", "parties": [FACTS]}}
MESSAGE = Message("msg_0123456789abcdef01234567", MADE_AT, [EVENT])
Make = Callable[..., Any]
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # which apprise imports


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    def load(**overrides: Any) -> Settings:
        return config.load(tmp_path, environ={}, overrides={"country_code": "NL", "party_id": "HUX", **overrides})

    return load


@pytest.fixture
def make_webhook(settings: Callable[..., Settings]) -> Make:
    def make(url: str, limit_seconds: float = 15, **overrides: Any) -> Webhook:
        return Webhook(settings(notify_webhook_url=url, notify_webhook_secret=SECRET, **overrides), limit_seconds)

    return make


@pytest.fixture
def receiver(make_peer: Callable[..., Peer]) -> Peer:
    """That takes what is posted to /hook."""
    made = make_peer()
    made.behave("POST", "/hook", lambda handler: handler.raw(b"", http_status=204))
    return made


def fails(channel: Any) -> str:
    with pytest.raises(NotSent) as caught:
        channel.send(MESSAGE)
    return str(caught.value)


def test_what_is_posted_can_be_verified(make_webhook: Make, receiver: Peer) -> None:
    make_webhook(f"{receiver.base}/hook?to=me").send(MESSAGE)
    [got] = receiver.received
    assert Verifier(SECRET).verify(got.body, got.headers) == EVENT
    assert (got.path, got.headers["Content-Type"], got.headers["webhook-id"]) == ("/hook?to=me", "application/json", MESSAGE.id)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(got.body.replace(b"TNM", b"XXX"), got.headers)


def test_each_attempt_has_the_same_id_and_its_own_time(settings: Callable[..., Settings], receiver: Peer) -> None:
    times = [datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 2, tzinfo=UTC)]
    given = settings(notify_webhook_url=f"{receiver.base}/hook", notify_webhook_secret=SECRET)
    webhook = Webhook(given, now=iter(times).__next__)
    webhook.send(MESSAGE)
    webhook.send(MESSAGE)
    first, second = (got.headers for got in receiver.received)
    assert first["webhook-id"] == second["webhook-id"]
    assert [int(head["webhook-timestamp"]) for head in (first, second)] == [int(time.timestamp()) for time in times]
    assert first["webhook-signature"] != second["webhook-signature"]
    assert len(b64decode(first["webhook-signature"].removeprefix("v1,"))) == 32


def test_over_tls_with_a_certificate_that_ca_file_vouches_for(
    make_webhook: Make, make_peer: Callable[..., Peer], tmp_path: Path
) -> None:
    peer, path = make_peer(), certificate(tmp_path)
    peer.behave("POST", "/", lambda handler: handler.raw(b""))
    url = tls(peer, path)
    make_webhook(url, ca_file=str(path)).send(MESSAGE)
    assert fails(make_webhook(url)).startswith("TLS certificate not trusted")


REFUSALS: list[Any] = [
    pytest.param(lambda handler: handler.raw(b"no", http_status=500), "HTTP 500", id="500"),
    pytest.param(lambda handler: handler.raw(b"no", http_status=410), "HTTP 410", id="410"),
    pytest.param(
        lambda handler: handler.raw(b"", http_status=302, headers={"Location": "/elsewhere"}),
        "HTTP 302: redirects are not followed",
        id="redirects",
    ),
    pytest.param(hang(20), "timed out", id="hangs"),
    pytest.param(lambda handler: handler.connection.close(), "connection closed", id="closes"),
]


@pytest.mark.parametrize(("answer", "said"), REFUSALS)
def test_what_is_not_taken_is_not_sent(make_webhook: Make, receiver: Peer, answer: Behaviour, said: str) -> None:
    receiver.behave("POST", "/hook", answer)
    assert fails(make_webhook(f"{receiver.base}/hook", limit_seconds=2)).startswith(said)
    assert [got.path for got in receiver.received] == ["/hook"]


def test_a_receiver_that_drips_ends_in_time(make_webhook: Make) -> None:
    with raw_server(drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000)) as url:
        assert fails(make_webhook(url, limit_seconds=1)) == "timed out"


def test_of_the_answer_only_the_head_is_waited_for(make_webhook: Make) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            connection.recv(1)  # until the other side has had enough

    with raw_server(endless) as url:
        make_webhook(url).send(MESSAGE)


def test_the_environment_has_no_say(make_webhook: Make, receiver: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    make_webhook(f"{receiver.base}/hook").send(MESSAGE)
    assert len(receiver.received) == 1


def test_addresses_that_are_never_called(make_webhook: Make) -> None:
    assert fails(make_webhook("http://169.254.169.254/hook")) == "address 169.254.169.254 is never called"


def test_it_is_shown_without_what_may_be_secret(make_webhook: Make) -> None:
    assert str(make_webhook("https://ops.example.com/hook/s3cret?key=s3cret")) == "to https://ops.example.com/"


def json_url(peer: Peer) -> str:
    return f"json://user:hunter2@127.0.0.1:{peer.port}/hook"


def test_apprise_delivers(settings: Callable[..., Settings], receiver: Peer) -> None:
    given = settings(notify_urls=json_url(receiver))
    [(name, channel)] = configured(given).items()
    channel.send(MESSAGE)
    [got] = receiver.received
    sent = json.loads(got.body)
    assert (name, str(channel)) == ("apprise-1", "to json://")
    assert sent["title"] == "[NL-HUX] NL-TNM is OFFLINE"
    assert "NL-TNM Söhne (CPO): timed out" in sent["message"]


def test_apprise_gets_a_short_list(settings: Callable[..., Settings], receiver: Peer) -> None:
    parties = [FACTS | {"party": f"NL-P{number:02}", "party_id": f"P{number:02}"} for number in range(50)]
    event = EVENT | {"data": {"sender": "NL-HUX", "parties": parties}}
    Elsewhere(settings(), json_url(receiver)).send(Message("msg_x", MADE_AT, [event]))
    sent = json.loads(receiver.received[0].body)["message"]
    assert (sent.count("timed out"), "and 40 more: http://127.0.0.1:5000/" in sent) == (10, True)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda handler: handler.raw(b"", http_status=500), "apprise could not deliver it"),
        (hang(20), "timed out after 1 s"),
    ],
    ids=["500", "hangs"],
)
def test_what_apprise_cannot_deliver_is_not_sent(
    settings: Callable[..., Settings], receiver: Peer, answer: Behaviour, said: str
) -> None:
    receiver.behave("POST", "/hook", answer)
    limit = 1 if "timed" in said else 20
    assert fails(Elsewhere(settings(), json_url(receiver), limit)) == said


@pytest.fixture
def late(settings: Callable[..., Settings], receiver: Peer) -> Iterator[tuple[Elsewhere, Callable[[int], None]]]:
    """A service that answers when it is told to, and with what; two attempts have not waited for that."""
    answers: queue.SimpleQueue[int] = queue.SimpleQueue()
    receiver.behave("POST", "/hook", lambda handler: handler.raw(b"", http_status=answers.get(timeout=60)))
    before = set(threading.enumerate())
    channel = Elsewhere(settings(), f"{json_url(receiver)}?rto=60&cto=60", limit_seconds=1)
    assert [fails(channel), fails(channel)] == ["timed out after 1 s"] * 2
    running = [thread for thread in set(threading.enumerate()) - before if thread.name == "apprise"]

    def answer(status: int) -> None:
        answers.put(status)
        for thread in running:
            thread.join(60)

    assert len(running) == 1
    yield channel, answer
    answers.put(200)


def test_what_apprise_delivered_late_is_not_sent_again(late: tuple[Elsewhere, Callable[[int], None]], receiver: Peer) -> None:
    channel, answer = late
    answer(200)
    channel.send(MESSAGE)
    assert len(receiver.received) == 1


def test_what_apprise_could_not_deliver_late_is_sent_again(late: tuple[Elsewhere, Callable[[int], None]], receiver: Peer) -> None:
    channel, answer = late
    answer(500)
    assert fails(channel) == "apprise could not deliver it"
    receiver.behave("POST", "/hook", lambda handler: handler.raw(b"", http_status=204))
    channel.send(MESSAGE)
    assert len(receiver.received) == 2


def test_a_url_that_apprise_does_not_understand(settings: Callable[..., Settings]) -> None:
    assert fails(Elsewhere(settings(), "nonsense://hunter2@x")) == "apprise does not understand this URL"
