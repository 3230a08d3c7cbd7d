"""Asking the silent: GET the versions endpoint of each platform not heard for a while (OCPI 2.2.1 hubclientinfo, still-alive)."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import ColumnElement, and_, or_, select, update

from hubinfo import clock
from hubinfo.config import Settings
from hubinfo.database import db, write
from hubinfo.due import is_due, no_later
from hubinfo.hub import activity, presence
from hubinfo.hub.own_fault import CAN_BE_ASKED, OwnFault, Watched
from hubinfo.logs import say
from hubinfo.models import ConnectionStatus, Platform
from hubinfo.ocpi.authorization import TokenForm
from hubinfo.ocpi.client import Answer, Client, Outcome, PeerError, Request
from hubinfo.platforms.vault import TokenUnreadable, Vault

_log = logging.getLogger(__name__)
CONNECTED, OFFLINE = ConnectionStatus.CONNECTED, ConnectionStatus.OFFLINE
_RECORD_EVERY_SECONDS = 0.05
_UNREADABLE_SECONDS = 60.0
"""Before a token is tried again that we could not decrypt."""
_FAST_SECONDS = 10.0
_NAMED = 10


class Keepalive:
    """Still-alive checks, all due ones side by side. `run` is called by one thread at a time."""

    def __init__(
        self,
        app: Flask,
        client: Client,
        vault: Vault,
        settings: Settings,
        *,
        may_run: Callable[[], bool] = lambda: True,
        now: clock.Clock = clock.now,
    ) -> None:
        self._app = app
        self._client = client
        self._vault = vault
        self._keepalive_seconds = settings.keepalive_seconds
        self._retry_seconds = settings.keepalive_retry_seconds
        self._enough_failures = settings.offline_after_failures
        self._may_run = may_run
        self._now = now
        self._own_fault = OwnFault()
        self._wanted = threading.Event()
        self._asking: set[int] = set()
        self._outcomes: dict[int, Outcome] = {}
        self._sent: dict[int, Request] = {}
        self._recorded_at = 0.0

    def due(self) -> bool:
        """Whether any platform is to be probed, or heard in the future; in the caller's app context."""
        return db.session.scalar(select(Platform.id).where(self._is_due() | self._is_ahead()).limit(1)) is not None

    def want(self) -> None:
        """Some may be due: look again, also while running. May be called from any thread."""
        self._wanted.set()

    def run(self) -> bool:
        """Probe every platform that is due, and those that become due meanwhile; store what comes of it. Whether it may do so."""
        self._wanted.set()
        self._asking.clear()
        with self._app.app_context():
            self._client.exchange((), self._then, self._more)
        return self._may_run()

    def probe(self, platform: Platform) -> Outcome:
        """Probe one platform now, due or not, and store what came of it; in the caller's app context."""
        seen: list[Outcome] = []
        requests = self._requests([platform])
        if not requests:
            return PeerError(str(TokenUnreadable()))

        def then(request: Request, outcome: Outcome) -> None:
            if not seen:  # the first answer is its own; those of witnesses follow
                seen.append(outcome)
            self._then(request, outcome)

        self._client.exchange(requests, then, self._more)
        return seen[0] if seen else PeerError("not asked: this process is stopping")

    def _is_due(self) -> ColumnElement[bool]:
        now = self._now()
        silent = Platform.last_heard_at <= now - timedelta(seconds=self._keepalive_seconds)
        return and_(
            Platform.status.in_((CONNECTED, OFFLINE)),
            Platform.token_out.is_not(None),
            or_(is_due(Platform.next_probe_at, now, self._keepalive_seconds), and_(Platform.next_probe_at.is_(None), silent)),
        )

    def _is_ahead(self) -> ColumnElement[bool]:
        """Heard by a clock that has been set back since, not by another host's that is a little fast."""
        return Platform.last_heard_at > self._now() + timedelta(seconds=min(_FAST_SECONDS, self._keepalive_seconds))

    def _then(self, request: Request, outcome: Outcome) -> None:
        self._asking.discard(request.platform_id)
        self._outcomes[request.platform_id] = outcome

    def _more(self) -> list[Request]:
        """Who is due, and, once what has come in is stored, who has to be asked before others can be judged."""
        requests: list[Request] = []
        if self._wanted.is_set():
            self._wanted.clear()
            requests += self._requests(self._look() if self._may_run() else ())
        while self._outcomes and (not self._asking or time.monotonic() - self._recorded_at > _RECORD_EVERY_SECONDS):
            requests += self._settle()
        return requests

    def _look(self) -> Sequence[Platform]:
        if db.session.scalar(select(Platform.id).where(self._is_ahead()).limit(1)) is not None:
            with write() as session:
                session.execute(update(Platform).where(self._is_ahead()).values(last_heard_at=self._now()))
        due = select(Platform).where(self._is_due(), Platform.id.not_in(self._asking))
        return db.session.scalars(due.order_by(Platform.id)).all()

    def _requests(self, platforms: Iterable[Platform]) -> list[Request]:
        """GET versions of each with the token it gave us; ends the read transaction."""
        requests, unreadable = [], dict[int, str]()
        for platform in platforms:
            try:
                requests.append(self._request(platform))
            except TokenUnreadable:
                unreadable[platform.id] = platform.token_out or ""
        db.session.rollback()
        sent = {request.platform_id: request for request in requests}
        self._sent |= sent
        self._asking |= sent.keys()
        if unreadable:
            self._put_off(unreadable)
        return requests

    def _put_off(self, unreadable: Mapping[int, str]) -> None:
        """That we cannot ask is our own fault and says nothing of them: no probe has failed, and no status changes."""
        reason = str(TokenUnreadable())
        at = self._now() + timedelta(seconds=min(_UNREADABLE_SECONDS, self._keepalive_seconds))
        with write() as session:
            watched = select(Platform).where(Platform.id.in_(unreadable), Platform.status.in_((CONNECTED, OFFLINE)))
            found = session.scalars(watched.order_by(Platform.id))
            same = [platform for platform in found if platform.token_out == unreadable[platform.id]]
            for platform in same:
                platform.next_probe_at = at
                platform.probe_reason = platform.probe_reason if platform.failed_probes else reason
            names = [platform.name for platform in same]
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            say(_log, logging.ERROR, "not_probed", platforms=", ".join(names[:_NAMED]) + more, reason=reason)

    def _request(self, platform: Platform) -> Request:
        assert platform.versions_url is not None
        assert platform.token_out is not None
        return Request(
            platform_id=platform.id,
            url=platform.versions_url,
            token=self._vault.decrypt(platform.token_out),
            token_form=TokenForm(platform.token_form or TokenForm.BASE64),
        )

    def _settle(self) -> list[Request]:
        """One commit for all answers since the last one; then judge. Returns requests to witnesses."""
        outcomes, self._outcomes = self._outcomes, {}
        answered = [key for key, outcome in outcomes.items() if isinstance(outcome, Answer)]
        now = self._now()
        self._record(answered, outcomes, now)
        self._recorded_at = time.monotonic()
        if self._own_fault.answered(answered, now):
            self._ask_again_soon()
        verdict = self._own_fault.judge(self._watched(), self._asking, now)
        if verdict.condemned:
            self._condemn(verdict.condemned)
        return self._requests(self._platforms(verdict.witnesses))

    def _platforms(self, platform_ids: Sequence[int]) -> Sequence[Platform]:
        return db.session.scalars(select(Platform).where(Platform.id.in_(platform_ids))).all() if platform_ids else ()

    def _record(self, answered: Sequence[int], outcomes: Mapping[int, Outcome], now: datetime) -> None:
        failed = {key: outcome.reason for key, outcome in outcomes.items() if isinstance(outcome, PeerError)}
        entries = [activity.probe(key, outcome, now) for key, outcome in outcomes.items()]
        with write() as session:
            activity.write(session, entries)
            presence.heard(dict.fromkeys(answered, now))
            watched = select(Platform).where(Platform.id.in_(failed), Platform.status.in_((CONNECTED, OFFLINE)))
            for platform in session.scalars(watched):
                if self._has_new_token(platform):
                    continue
                platform.failed_probes += 1
                platform.failing_since = no_later(platform.failing_since, now) or now
                platform.probe_reason = failed[platform.id]
                platform.next_probe_at = now + timedelta(seconds=self._wait_seconds(platform))
                self._say_failed(platform, outcomes[platform.id])
                if platform.status == CONNECTED and platform.failed_probes >= self._enough_failures:
                    self._own_fault.accuse([platform.id])
        for entry in entries:
            activity.ended.send(self._app, entry=entry, changed_at=None)

    def _has_new_token(self, platform: Platform) -> bool:
        """What came of asking with the one before says nothing."""
        sent = self._sent.get(platform.id)
        try:
            return sent is not None and sent.token != self._vault.decrypt(platform.token_out or "")
        except TokenUnreadable:
            return False

    def _say_failed(self, platform: Platform, outcome: Outcome) -> None:
        sent, seconds = self._sent.get(platform.id), outcome.seconds
        values = {**(sent.ids if sent else {}), "seconds": None if seconds is None else round(seconds, 3)}
        values["reason"] = platform.probe_reason
        say(_log, logging.WARNING, "probe_failed", platform=platform.name, failures=platform.failed_probes, **values)

    def _wait_seconds(self, platform: Platform) -> float:
        """The long dead are asked ever less often, yet never less than the silent are."""
        doublings = platform.failed_probes - self._enough_failures if platform.status == OFFLINE else 0
        return min(self._retry_seconds * 2.0 ** min(max(doublings, 0), 20), self._keepalive_seconds)

    def _ask_again_soon(self) -> None:
        with write() as session:
            failing = and_(Platform.status == CONNECTED, Platform.failed_probes > 0)
            session.execute(update(Platform).where(failing).values(next_probe_at=self._now()))

    def _condemn(self, platform_ids: Sequence[int]) -> None:
        with write() as session:
            still = and_(Platform.id.in_(platform_ids), Platform.failed_probes >= self._enough_failures)
            reasons = session.execute(select(Platform.id, Platform.probe_reason).where(still))
            presence.probes_failed({platform_id: reason or "" for platform_id, reason in reasons})

    def _watched(self) -> list[Watched]:
        """Those heard last come first: of them an answer is likeliest."""
        columns = (Platform.id, Platform.failed_probes, Platform.failing_since)
        connected = select(*columns).where(Platform.status == CONNECTED, Platform.token_out.is_not(None), CAN_BE_ASKED)
        rows = db.session.execute(connected.order_by(Platform.last_heard_at.desc()))
        now = self._now()
        watched = [Watched(row[0], row[1], no_later(row[2], now)) for row in rows]
        db.session.rollback()
        return watched
