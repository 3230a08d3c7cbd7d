"""A webhook, signed as Standard Webhooks describes (standardwebhooks.com)."""

import base64
import hashlib
import hmac
import json
from urllib.parse import urlsplit

from hubinfo import clock
from hubinfo.config import Settings
from hubinfo.notify.channel import NotSent
from hubinfo.notify.outbox import Message
from hubinfo.ocpi import transport
from hubinfo.ocpi.certificates import Certificates
from hubinfo.ocpi.faults import FAULTS, reason_of
from hubinfo.ocpi.guard import AddressRefused, Guard

LIMIT_SECONDS = 15.0
_GUARD = Guard(allow_private_networks=True, allow_http=True)
"""Whom the operator names may be anywhere."""


class Webhook:
    """POSTs one event at a time."""

    def __init__(self, settings: Settings, limit_seconds: float = LIMIT_SECONDS, now: clock.Clock = clock.now) -> None:
        assert settings.notify_webhook_url is not None
        assert settings.notify_webhook_secret is not None
        self._url = settings.notify_webhook_url
        self._secret = settings.notify_webhook_secret
        self._agent = f"hubinfo ({settings.party})"
        self._limit_seconds = limit_seconds
        self._now = now
        self._adapter = transport.GuardedAdapter(_GUARD, Certificates(settings.ca_file))

    def __str__(self) -> str:
        parts = urlsplit(self._url)
        return f"to {parts.scheme}://{parts.netloc}/"

    def send(self, message: Message) -> None:
        """Raises NotSent unless the answer is 2xx. Of the answer no more than its head is read."""
        try:
            with transport.one_request(self._limit_seconds, keep=False), transport.session(self._adapter) as session:
                response = session.post(
                    self._url,
                    data=(body := _body(message)),
                    headers=self._headers(message.id, body),
                    allow_redirects=False,
                    stream=True,
                    timeout=self._limit_seconds,
                )
                response.close()
        except AddressRefused as refused:
            raise NotSent(str(refused)) from None
        except FAULTS as fault:
            raise NotSent(reason_of(fault)) from None
        if not 200 <= response.status_code < 300:
            redirects = ": redirects are not followed" if 300 <= response.status_code < 400 else ""
            raise NotSent(f"HTTP {response.status_code}{redirects}")

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._now().timestamp()))
        return {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "User-Agent": self._agent,
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._secret, message_id, timestamp, body),
        }


def signature(secret: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """Of what is sent; symmetric, version 1."""
    signed = hmac.new(secret, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def _body(message: Message) -> bytes:
    [event] = message.events
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
