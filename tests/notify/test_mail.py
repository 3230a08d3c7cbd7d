"""Mail, through a real server: TLS, passwords, refusals, hanging; and that nothing hostile gets into a header."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from hubinfo import config
from hubinfo.notify.channel import NotSent, PartlySent
from hubinfo.notify.mail import Mail
from hubinfo.notify.outbox import Message
from tests.support.certificates import certificate
from tests.support.mailbox import PASSWORD, SENDER, USER, mailbox
from tests.support.processes import free_port

MADE_AT = datetime(2030, 1, 1, 12, 30, tzinfo=UTC)
LOGIN = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}"


def message(*parties: str, name: str = "Strom & Söhne") -> Message:
    said = {"name": name, "roles": ["CPO"], "reason": "timed out"}
    facts = [
        {"party": party, "country_code": party[:2], "party_id": party[3:], **said, "page": f"/parties/{party[:2]}/{party[3:]}"}
        for party in parties or ("NL-TNM",)
    ]
    event = {"type": "party.offline", "timestamp": "2030-01-01T12:30:00.000Z", "data": {"sender": "NL-HUX", "parties": facts}}
    return Message("msg_0123456789abcdef01234567", MADE_AT, [event])


@pytest.fixture
def make_mail(tmp_path: Path) -> Callable[..., Mail]:
    def make(url: str, to: str = "ops@example.com", limit_seconds: float = 30, **overrides: Any) -> Mail:
        given = {"notify_mail_to": to, "notify_mail_from": SENDER, "smtp_url": url, "public_url": "https://hub.example.com"}
        settings = config.load(tmp_path, environ={}, overrides={**given, "country_code": "NL", "party_id": "HUX", **overrides})
        return Mail(settings, limit_seconds)

    return make


def fails(mail: Mail) -> str:
    with pytest.raises(NotSent) as caught:
        mail.send(message())
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


def test_a_mail_is_plain_text_with_all_that_belongs_in_its_head(make_mail: Callable[..., Mail]) -> None:
    with mailbox() as box:
        make_mail(box.url, "ops@example.com, night@example.com").send(message())
        [envelope], [mail] = box.delivered, box.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, ["ops@example.com", "night@example.com"])
    assert mail["Subject"] == "[NL-HUX] NL-TNM is OFFLINE"
    assert mail["From"].addresses[0].addr_spec == SENDER
    assert mail["Message-ID"] == "<msg_0123456789abcdef01234567@hub.example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(mail["Date"]) == MADE_AT
    assert (mail.get_content_type(), mail.get_content_charset()) == ("text/plain", "utf-8")
    assert "NL-TNM Strom & Söhne (CPO): timed out" in mail.get_content()
    assert "https://hub.example.com/parties/NL/TNM" in mail.get_content()


@pytest.mark.parametrize(
    "name", ["a\r\nBcc: all@example.com", "x\n.\nMAIL FROM:<a@b>", "\u202egnp.exe", "\x00\x1b[31m", "a" * 5000]
)
def test_a_hostile_name_stays_where_it_belongs(make_mail: Callable[..., Mail], name: str) -> None:
    with mailbox() as box:
        make_mail(box.url).send(message("NL-TNM", name=name))
        make_mail(box.url).send(message(f"{name[:40]}\r\nBcc: a@b"))
        first, second = box.mails
    assert [mail["Bcc"] for mail in (first, second)] == [None, None]
    assert [envelope.rcpt_tos for envelope in box.delivered] == [["ops@example.com"]] * 2
    for mail in (first, second):
        assert all(letter.isprintable() for letter in mail["Subject"])
        assert all(line.isprintable() for line in mail.get_content().split("\r\n"))
    [line] = [line for line in first.get_content().splitlines() if line.startswith("  NL-TNM")]
    assert line.endswith("(CPO): timed out")


def test_a_long_subject_is_cut(make_mail: Callable[..., Mail]) -> None:
    events = message(*[f"NL-{number:03}" for number in range(400)]).events
    with mailbox() as box:
        make_mail(box.url).send(Message("msg_x", MADE_AT, [*events] * 9))
        [mail] = box.mails
    assert (len(mail["Subject"]), mail["Subject"][-1]) == (200, "…")
    assert "NL-399" in mail.get_content()


def test_starttls_is_used_where_it_is_offered_whatever_the_certificate(make_mail: Callable[..., Mail], tmp_path: Path) -> None:
    """Without a password: who can forge a certificate can leave STARTTLS out as well."""
    with mailbox(certificate(tmp_path, name="elsewhere"), tls="starttls") as box:
        make_mail(box.url).send(message())
    assert box.over_tls == [True]


@pytest.mark.parametrize("tls", ["starttls", "smtps"])
def test_a_password_is_given_over_tls(make_mail: Callable[..., Mail], tmp_path: Path, tls: str) -> None:
    path = certificate(tmp_path)
    with mailbox(path, tls=tls, password=True) as box:
        scheme = "smtps" if tls == "smtps" else "smtp"
        make_mail(f"{scheme}://{LOGIN}@localhost:{box.port}", ca_file=str(path)).send(message())
        assert box.authenticated == [True]
        wrong = make_mail(f"{scheme}://{LOGIN}x@localhost:{box.port}", ca_file=str(path))
        assert fails(wrong) == "mail server refuses the user or the password (SMTP 535)"


@pytest.mark.parametrize("tls", ["starttls", "smtps"])
def test_a_password_is_not_given_to_whom_nobody_vouches_for(make_mail: Callable[..., Mail], tmp_path: Path, tls: str) -> None:
    with mailbox(certificate(tmp_path), tls=tls, password=True) as box:
        scheme = "smtps" if tls == "smtps" else "smtp"
        assert fails(make_mail(f"{scheme}://{LOGIN}@localhost:{box.port}")).startswith("TLS certificate not trusted")


def test_a_password_is_not_given_without_tls(make_mail: Callable[..., Mail]) -> None:
    with mailbox(password=True) as box:
        said = fails(make_mail(f"smtp://{LOGIN}@localhost:{box.port}"))
    assert said == "mail server offers no STARTTLS, and without it the password is not sent"


def test_refusals_are_told_in_the_servers_words(make_mail: Callable[..., Mail]) -> None:
    with mailbox() as box:
        box.answer = "554 5.7.1 looks\tlike spam"
        assert fails(make_mail(box.url)) == "mail server refuses: SMTP 554 5.7.1 looks like spam"
        box.refused["ops@example.com"] = "550 5.1.1 nobody here"
        assert fails(make_mail(box.url)) == "mail server refuses all recipients: SMTP 550 5.1.1 nobody here"
    assert fails(make_mail(box.url)) == "connection refused"


def test_who_is_not_refused_gets_it_and_the_others_are_named(make_mail: Callable[..., Mail]) -> None:
    with mailbox() as box:
        box.refused["ops@example.com"] = "550 nobody here"
        with pytest.raises(PartlySent, match=r"^mail server refuses ops@example.com: SMTP 550 nobody here$"):
            make_mail(box.url, "ops@example.com,night@example.com").send(message())
    assert [envelope.rcpt_tos for envelope in box.delivered] == [["night@example.com"]]


@contextmanager
def talking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that is none; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                connection, _ = server.accept()
                with connection:
                    talk(connection)
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        yield f"smtp://localhost:{server.getsockname()[1]}"


def drip(connection: socket.socket) -> None:
    for _ in range(600):
        connection.sendall(b"2")
        time.sleep(0.1)


TALKS: list[Any] = [
    pytest.param(lambda connection: time.sleep(60), "timed out", id="hangs"),
    pytest.param(drip, "timed out", id="drips"),
    pytest.param(lambda connection: None, "connection closed without an answer", id="closes"),
    pytest.param(lambda connection: connection.sendall(b"421 too busy\r\n"), "mail server refuses: SMTP 421 too busy", id="busy"),
    pytest.param(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n"), "mail server refuses: SMTP -1", id="HTTP"),
]


@pytest.mark.parametrize(("talk", "said"), TALKS)
def test_whatever_answers_the_end_comes_in_time(
    make_mail: Callable[..., Mail], talk: Callable[[socket.socket], None], said: str
) -> None:
    with talking(talk) as url:
        assert fails(make_mail(url, limit_seconds=1)).startswith(said)


def test_a_server_that_hangs_after_the_mail_is_given_up(make_mail: Callable[..., Mail]) -> None:
    with mailbox() as box:
        box.answers.clear()
        assert fails(make_mail(box.url, limit_seconds=1)) == "timed out"


def test_the_metadata_address_is_never_called(make_mail: Callable[..., Mail]) -> None:
    assert fails(make_mail("smtp://169.254.169.254")) == "address 169.254.169.254 is never called"


def test_it_is_shown_without_the_password(make_mail: Callable[..., Mail]) -> None:
    port = free_port()
    shown = str(make_mail(f"smtp://{LOGIN}@localhost:{port}", "ops@example.com,night@example.com"))
    assert shown == f"to ops@example.com, night@example.com through smtp://localhost:{port}"
