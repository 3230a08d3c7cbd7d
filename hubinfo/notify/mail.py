"""Mail: plain text through one server, over TLS where there is any, by a deadline."""

import contextlib
import smtplib
import socket
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL_POLICY
from urllib.parse import unquote, urlsplit

from hubinfo.config import Settings
from hubinfo.notify import words
from hubinfo.notify.channel import NotSent, PartlySent
from hubinfo.notify.outbox import Message
from hubinfo.ocpi import transport
from hubinfo.ocpi.certificates import Certificates
from hubinfo.ocpi.faults import reason_of
from hubinfo.ocpi.guard import AddressRefused, Guard

LIMIT_SECONDS = 30.0
_PORTS = {"smtp": 25, "smtps": 465}
_GUARD = Guard(allow_private_networks=True, allow_http=True)
"""Whom the operator names may be anywhere."""
_MAX_SAID = 150


@dataclass(frozen=True)
class Server:
    """What SMTP_URL says."""

    host: str
    port: int
    is_tls: bool
    """From the first byte."""
    user: str | None
    password: str | None

    @classmethod
    def of(cls, url: str) -> "Server":
        """Of a checked one."""
        parts = urlsplit(url)
        user, password = (text and unquote(text) for text in (parts.username, parts.password))
        return cls(parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.scheme == "smtps", user, password)

    def __str__(self) -> str:
        return f"{'smtps' if self.is_tls else 'smtp'}://{self.host}:{self.port}"


class Mail:
    """To all recipients in one message."""

    def __init__(self, settings: Settings, limit_seconds: float = LIMIT_SECONDS) -> None:
        assert settings.smtp_url is not None
        assert settings.notify_mail_from is not None
        self._settings = settings
        self._limit_seconds = limit_seconds
        self._server = Server.of(settings.smtp_url)
        self._from = settings.notify_mail_from

    def __str__(self) -> str:
        return f"to {', '.join(self._settings.notify_mail_to)} through {self._server}"

    def send(self, message: Message) -> None:
        """Raises NotSent; PartlySent when some recipients were refused and others not."""
        mail = self.compose(message)
        try:
            with transport.one_request(self._limit_seconds, keep=False):
                self._hand_over(mail)
        except AddressRefused as refused:
            raise NotSent(str(refused)) from None
        except smtplib.SMTPException as error:
            raise NotSent(_in_words(error)) from None
        except (OSError, UnicodeError) as error:
            raise NotSent(reason_of(error)) from None

    def compose(self, message: Message) -> EmailMessage:
        """As it is sent; the same id in every attempt."""
        mail = EmailMessage(policy=MAIL_POLICY)
        mail["From"] = Address("hubinfo", addr_spec=self._from)
        mail["To"] = ", ".join(self._settings.notify_mail_to)
        mail["Subject"] = words.subject(message, self._settings.party)
        mail["Date"] = message.made_at
        mail["Message-ID"] = f"<{message.id}@{self._from.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(words.text(message, self._settings))
        return mail

    def _hand_over(self, mail: EmailMessage) -> None:
        smtp = _Smtp(self._server, transport.tls_context(Certificates(self._settings.ca_file)), _our_name(self._settings))
        try:
            smtp.begin()
            refused = smtp.send_message(mail)
        except BaseException:
            smtp.close()
            raise
        with contextlib.suppress(OSError):  # accepted is accepted, whatever the farewell
            smtp.quit()
        if refused:
            reasons = "; ".join(f"{address}: SMTP {code} {_said(said)}" for address, (code, said) in refused.items())
            raise PartlySent(f"mail server refuses {reasons}")


class _Smtp(smtplib.SMTP):
    def __init__(self, server: Server, context: ssl.SSLContext, our_name: str) -> None:
        self._server = server
        self._context = context
        super().__init__(server.host, server.port, our_name, timeout=LIMIT_SECONDS)

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        sock = transport.connect(host, port, _GUARD)
        return self._context.wrap_socket(sock, server_hostname=host) if self._server.is_tls else sock

    def begin(self) -> None:
        """Up to where mail may be handed over. The password goes to nobody whose certificate has not been verified."""
        self.ehlo_or_helo_if_needed()
        if not self._server.is_tls and self.has_extn("starttls"):
            if self._server.password is None:
                # Who could forge a certificate could as well leave STARTTLS out, so there is nothing to be gained by verifying.
                self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE
            self.starttls(context=self._context)
            self.ehlo()
        if self._server.user is not None and self._server.password is not None:
            if not isinstance(self.sock, ssl.SSLSocket):
                raise smtplib.SMTPNotSupportedError("offers no STARTTLS, and without it the password is not sent")
            self.login(self._server.user, self._server.password)


def _our_name(settings: Settings) -> str:
    """For EHLO. smtplib would ask the DNS for it, without a time limit."""
    host = urlsplit(settings.public_url).hostname or "localhost"
    return host if host.strip("0123456789.:") else f"[{'IPv6:' if ':' in host else ''}{host}]"


def _in_words(error: smtplib.SMTPException) -> str:
    """What the server said, but not where it could repeat a password."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"mail server refuses the user or the password (SMTP {error.smtp_code})"
        case smtplib.SMTPRecipientsRefused():
            code, said = next(iter(error.recipients.values()))
            return f"mail server refuses all recipients: SMTP {code} {_said(said)}"
        case smtplib.SMTPServerDisconnected():
            return reason_of(error.__context__ or ConnectionError())
        case smtplib.SMTPResponseException():
            return f"mail server refuses: SMTP {error.smtp_code} {_said(error.smtp_error)}"
        case _:
            return f"mail server {_said(str(error))}"


def _said(text: bytes | str) -> str:
    line = text.decode(errors="replace") if isinstance(text, bytes) else text
    return words.plain(" ".join(line.split()))[:_MAX_SAID]
