"""The only door to other platforms: what goes out, what comes back, and how it can fail."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests
from requests.structures import CaseInsensitiveDict

from hubinfo.ocpi import authorization, verdict
from hubinfo.ocpi.authorization import TokenForm
from hubinfo.ocpi.certificates import Certificates
from hubinfo.ocpi.crew import Crew
from hubinfo.ocpi.envelope import StatusCode, read_json
from hubinfo.ocpi.exchange import Exchange
from hubinfo.ocpi.faults import FAULTS, reason_of
from hubinfo.ocpi.guard import AddressRefused, Guard
from hubinfo.ocpi.transport import GuardedAdapter, Resolve, one_request, resolve, session

MEBIBYTE = 1024 * 1024
NO_CERTIFICATES = Certificates()
MAX_ANSWER = MEBIBYTE
_log = logging.getLogger(__name__)
_RETRIED = {401, 403, 408, 429}
"""Said of the token or of the moment, not of what was sent. Peers in the field answer 403 to a token they do not know."""


def new_id() -> str:
    """Of a message."""
    return str(uuid.uuid4())


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request to one platform."""

    platform_id: int = 0
    """At most one request is under way per platform."""
    method: str = "GET"
    url: str
    token: str | None
    token_form: TokenForm = TokenForm.BASE64
    body: bytes | None = None
    max_answer: int = MAX_ANSWER
    """Bytes; more is a PeerError."""
    more_follow: bool = False
    """Keep the connection: the next request to this platform is waiting already."""
    request_id: str = field(default_factory=new_id)
    correlation_id: str = field(default_factory=new_id)
    """What this request belongs to (OCPI 2.2.1 transport, Unique message IDs)."""

    @property
    def ids(self) -> dict[str, str]:
        """For the log."""
        return {"request_id": self.request_id, "correlation_id": self.correlation_id}


@dataclass(frozen=True)
class Answer:
    """HTTP 2xx with an OCPI 1xxx envelope."""

    http_status: int
    status_code: int
    data: Any
    seconds: float
    headers: Mapping[str, str] = field(default_factory=CaseInsensitiveDict)
    """As they came, whatever their case: a list has its paging in them."""


MAX_REASON = 255
"""What the columns take that keep a reason; PostgreSQL refuses more."""


class PeerError(Exception):
    """The one way in which a request to a platform fails; its reason is cut to MAX_REASON."""

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool = False,
        http_status: int | None = None,
        status_code: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        reason = "".join(character if character.isprintable() else " " for character in reason)[:MAX_REASON]
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        """The platform has understood and refused: the same again would be refused again."""
        self.http_status = http_status
        self.status_code = status_code
        """OCPI's, None when the answer was not OCPI or there was none."""
        self.retry_after_seconds = retry_after_seconds
        self.seconds: float | None = None
        """How long the request took; None when none was sent."""

    @property
    def answered_wrongly(self) -> bool:
        """The platform has answered, but neither took nor refused what was sent: HTTP 5xx or 3xx, not OCPI, OCPI 3xxx."""
        return self.http_status is not None and not self.permanent and self.http_status not in _RETRIED


Outcome = Answer | PeerError
R = TypeVar("R", bound=Request)


class Client:
    """Sends OCPI requests: one with `call`, many side by side with `exchange`. Safe to share between threads."""

    def __init__(
        self,
        guard: Guard,
        *,
        timeout_seconds: float = 10,
        concurrency: int = 32,
        certificates: Certificates = NO_CERTIFICATES,
        agent: str,
        strict: bool = False,
        resolve: Resolve = resolve,
    ) -> None:
        self._strict = strict
        self.guard = guard
        self._timeout_seconds = timeout_seconds
        self._concurrency = concurrency
        self._agent = agent
        self._adapter = GuardedAdapter(guard, certificates, resolve)
        self._threads = threading.local()
        self._crew = Crew("exchange")
        self._slow: set[int] = set()
        self._closed = threading.Event()

    def call(self, request: Request) -> Answer:
        """Send one request. Raises PeerError for all that can go wrong, within the time limit."""
        started = time.monotonic()
        try:
            return self._call(request, started)
        except PeerError as error:
            error.seconds = time.monotonic() - started
            raise

    def _call(self, request: Request, started: float) -> Answer:
        try:
            with one_request(self._timeout_seconds, keep=request.more_follow):
                self.guard.check_url(request.url)
                response = self._send(request)
                try:
                    body = _read(response, request.max_answer)
                finally:
                    response.close()
        except AddressRefused as refused:
            raise PeerError(str(refused)) from None
        except FAULTS as fault:
            reason = reason_of(fault)
            after = f" after {self._timeout_seconds:g} s" if reason == "timed out" else ""
            raise PeerError(reason + after) from None
        return _judge(request, response, body, time.monotonic() - started, strict=self._strict)

    def exchange(
        self,
        requests: Iterable[R],
        then: Callable[[R, Outcome], R | None],
        more: Callable[[], Iterable[R]] = tuple,
    ) -> None:
        """Send many requests, at most one at a time to each platform; returns when all have ended and nothing follows.

        `then(request, outcome)` is called in this thread as each ends and returns that platform's next request or None.
        `more()` is called in this thread too, every few milliseconds, for requests to platforms that had none.
        """
        Exchange(self._outcome, self._crew, self._concurrency, self._slow, self._closed).run(requests, then, more)

    def close(self) -> None:
        """Drop what is under way; exchanges return at once."""
        self._closed.set()

    def _outcome(self, request: Request) -> Outcome:
        try:
            return self.call(request)
        except PeerError as error:
            return error
        except Exception:
            # A bug of ours, and still this platform's outcome: the exchange would wait for it for ever.
            _log.exception("exchange_broke", extra={"hubinfo": {"method": request.method, "url": request.url}})
            return PeerError("our own fault, see the log")

    def _send(self, request: Request) -> requests.Response:
        if not hasattr(self._threads, "session"):
            self._threads.session = session(self._adapter)
        sent: requests.Response = self._threads.session.request(
            request.method,
            request.url,
            data=request.body,
            headers=self._headers(request),
            allow_redirects=False,
            stream=True,
            timeout=self._timeout_seconds,
        )
        return sent

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": self._agent,
            "X-Request-ID": request.request_id,
            "X-Correlation-ID": request.correlation_id,
        }
        if not request.more_follow:
            # An idle connection would block a peer that serves one at a time, and a thousand would use up our files.
            headers["Connection"] = "close"
        if request.token is not None:
            headers["Authorization"] = authorization.header(request.token, request.token_form)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        return headers


def _read(response: requests.Response, limit: int) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise PeerError("answer is compressed, which was not asked for", http_status=response.status_code)
    body = bytearray()
    for chunk in response.raw.stream(65536, decode_content=False):
        body += chunk
        if len(body) > limit:
            raise PeerError(f"answer is larger than {limit // MEBIBYTE} MiB", http_status=response.status_code)
    return bytes(body)


def _judge(request: Request, response: requests.Response, body: bytes, seconds: float, *, strict: bool) -> Answer:
    """An Answer, or PeerError with whether the platform refused for good."""
    status = response.status_code
    envelope = verdict.envelope_of(body, strict=strict)
    code = envelope["status_code"] if envelope else None
    reason = verdict.in_words(request.token, status, envelope)
    said = "" if envelope else verdict.evidence(body, _secrets(request))
    said = f": {said}" if said else ""
    if 300 <= status < 400:
        raise PeerError(f"{reason}: redirects are not followed", http_status=status, status_code=code)
    if not 200 <= status < 300:
        raise PeerError(
            reason + said,
            permanent=400 <= status < 500 and status not in _RETRIED,
            http_status=status,
            status_code=code,
            retry_after_seconds=verdict.retry_after_seconds(response.headers.get("Retry-After")),
        )
    if request.method == "PUT" and not body.strip() and not strict:
        return Answer(status, StatusCode.SUCCESS, None, seconds, response.headers)  # many servers answer a PUT so
    if envelope is None or code is None:
        raise PeerError(f"{reason}, but the answer is not OCPI{said}", http_status=status)
    if not 1000 <= code < 2000:
        raise PeerError(reason, permanent=2000 <= code < 3000, http_status=status, status_code=code)
    return Answer(status, code, envelope.get("data"), seconds, response.headers)


def _secrets(request: Request) -> list[str]:
    """The tokens that a peer may repeat: the one presented, and the one in the credentials sent."""
    sent = read_json(request.body) if request.body else None
    found = (request.token, sent.get("token") if isinstance(sent, dict) else None)
    return [token for token in found if isinstance(token, str) and token]
