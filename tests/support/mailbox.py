"""A real mail server on loopback, with TLS, a password or refusals as a test asks."""

import asyncio
import email
import email.policy
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.processes import free_port

USER, PASSWORD = "hub@ops", "p:a/s s@word"
SENDER = "hubinfo@hub.example.com"


class Mailbox:
    """What has been delivered, and whom it refuses."""

    def __init__(self) -> None:
        self.begun: list[EmailMessage] = []
        """What has come in, answered or not."""
        self.delivered: list[Envelope] = []
        self.over_tls: list[bool] = []
        self.authenticated: list[bool] = []
        self.refused: dict[str, str] = {}
        """What is said to a recipient."""
        self.answer = "250 thank you"
        self.answers = threading.Event()
        """Until this is set, the end of a mail is not answered."""
        self.answers.set()
        self.began = threading.Event()
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"smtp://localhost:{self.port}"

    @property
    def mails(self) -> list[EmailMessage]:
        """In order; read as a mail program would."""
        return [_read(envelope) for envelope in self.delivered]

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        self.begun.append(_read(envelope))
        self.began.set()
        while not self.answers.is_set():
            await asyncio.sleep(0.02)
        if self.answer.startswith("250"):
            self.over_tls.append(session.ssl is not None)
            self.authenticated.append(bool(session.authenticated))
            self.delivered.append(envelope)
        return self.answer

    def wait_for(self, count: int, seconds: float = 60) -> list[EmailMessage]:
        """Until so many have been delivered."""
        deadline = time.monotonic() + seconds
        while len(self.delivered) < count:
            assert time.monotonic() < deadline, f"only {len(self.delivered)} mails"
            time.sleep(0.02)
        return self.mails


def _read(envelope: Envelope) -> EmailMessage:
    mail = email.message_from_bytes(envelope.original_content or b"", policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)


@contextmanager
def mailbox(certificate: Path | None = None, *, tls: str = "", password: bool = False) -> Iterator[Mailbox]:
    """`tls`: starttls or smtps; with a certificate and its key."""
    box = Mailbox()
    options: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        options["tls_context" if tls == "starttls" else "ssl_context"] = context
    if password:
        # To aiosmtpd only STARTTLS is TLS.
        options |= {"authenticator": authenticate, "auth_require_tls": tls == "starttls"}
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    controller.start()
    try:
        yield box
    finally:
        box.answers.set()
        controller.stop()
