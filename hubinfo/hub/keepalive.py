"""Asking the silent: GET the versions endpoint of each platform not heard for a while (OCPI 2.2.1 hubclientinfo, still-alive)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import ColumnElement, and_, or_, select, update

from hubinfo import clock
from hubinfo.config import Settings
from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.logs import say
from hubinfo.models import ConnectionStatus, Platform
from hubinfo.ocpi.authorization import TokenForm
from hubinfo.ocpi.client import Answer, Client, Outcome, PeerError, Request
from hubinfo.platforms.vault import TokenUnreadable, Vault

_log = logging.getLogger(__name__)
CONNECTED, OFFLINE = ConnectionStatus.CONNECTED, ConnectionStatus.OFFLINE
ENOUGH_TO_JUDGE = 3
"""From so many CONNECTED platforms on, all failing at once means that the fault is ours."""


@dataclass(frozen=True)
class _Watched:
    """A CONNECTED platform: since when it fails, and how often it has."""

    id: int
    failed_probes: int
    failing_since: datetime | None
    last_heard_at: datetime | None

    def has_witness(self, others: Sequence["_Watched"]) -> bool:
        """Whether another platform was heard since this one began to fail, so that our own network was fine."""
        since = self.failing_since
        return since is not None and any(
            other.id != self.id and other.last_heard_at is not None and other.last_heard_at >= since for other in others
        )


class Keepalive:
    """Still-alive checks, all due ones side by side."""

    def __init__(self, app: Flask, client: Client, vault: Vault, settings: Settings, *, now: clock.Clock = clock.now) -> None:
        self._app = app
        self._client = client
        self._vault = vault
        self._keepalive_seconds = settings.keepalive_seconds
        self._retry_seconds = settings.keepalive_retry_seconds
        self._enough_failures = settings.offline_after_failures
        self._now = now
        self._own_fault = False

    def due(self) -> bool:
        """Whether any platform is to be probed; in the caller's app context."""
        return db.session.scalar(select(Platform.id).where(self._is_due()).limit(1)) is not None

    def run(self) -> None:
        """Probe every platform that is due and store what came of it."""
        with self._app.app_context():
            due = db.session.scalars(select(Platform).where(self._is_due())).all()
            if due:
                outcomes = self._ask(due)
                self._record(outcomes)
                self._judge(outcomes)

    def probe(self, platform: Platform) -> Outcome:
        """Probe one platform now, due or not, and store what came of it; in the caller's app context."""
        outcomes = self._ask([platform])
        self._record(outcomes)
        self._judge(outcomes)
        return next(iter(outcomes.values()))

    def _is_due(self) -> ColumnElement[bool]:
        now = self._now()
        silent = Platform.last_heard_at <= now - timedelta(seconds=self._keepalive_seconds)
        return and_(
            Platform.status.in_((CONNECTED, OFFLINE)),
            Platform.token_out.is_not(None),
            or_(Platform.next_probe_at <= now, and_(Platform.next_probe_at.is_(None), silent)),
        )

    def _ask(self, platforms: Sequence[Platform]) -> dict[int, Outcome]:
        """GET versions of each with the token it gave us; no transaction is open meanwhile."""
        outcomes: dict[int, Outcome] = {}
        requests = []
        for platform in platforms:
            try:
                requests.append(self._request(platform))
            except TokenUnreadable as error:
                outcomes[platform.id] = PeerError(str(error))
        db.session.rollback()

        def then(request: Request, outcome: Outcome) -> None:
            outcomes[request.platform_id] = outcome

        self._client.exchange(requests, then)
        return outcomes

    def _request(self, platform: Platform) -> Request:
        assert platform.versions_url is not None
        assert platform.token_out is not None
        return Request(
            platform_id=platform.id,
            url=platform.versions_url,
            token=self._vault.decrypt(platform.token_out),
            token_form=TokenForm(platform.token_form or TokenForm.BASE64),
        )

    def _record(self, outcomes: Mapping[int, Outcome]) -> None:
        """One commit for all answers of a round."""
        now = self._now()
        failed = {key: outcome.reason for key, outcome in outcomes.items() if isinstance(outcome, PeerError)}
        with write() as session:
            presence.heard({key: now for key, outcome in outcomes.items() if isinstance(outcome, Answer)})
            watched = select(Platform).where(Platform.id.in_(failed), Platform.status.in_((CONNECTED, OFFLINE)))
            for platform in session.scalars(watched):
                platform.failed_probes += 1
                platform.failing_since = platform.failing_since or now
                platform.probe_reason = failed[platform.id]
                platform.next_probe_at = now + timedelta(seconds=self._wait_seconds(platform))
                values = {"failures": platform.failed_probes, "reason": platform.probe_reason}
                say(_log, logging.WARNING, "probe_failed", platform=platform.name, **values)

    def _wait_seconds(self, platform: Platform) -> float:
        """The long dead are asked ever less often, yet never less than the silent are."""
        doublings = platform.failed_probes - self._enough_failures if platform.status == OFFLINE else 0
        return min(self._retry_seconds * 2.0 ** min(max(doublings, 0), 20), self._keepalive_seconds)

    def _judge(self, outcomes: Mapping[int, Outcome]) -> None:
        """OFFLINE is who failed just now and often enough, unless all fail at once: then the fault is ours.

        1. A platform that failed is condemned when another one was heard since it began to fail.
        2. Where there is no such witness, those not asked lately are asked now.
        3. When none of them answers either, no status changes until one does. With fewer than three, nobody can witness.
        4. When one does, those that failed during our own fault are asked once more before they are judged.
        """
        watched = self._watched()
        failed = {platform_id for platform_id, outcome in outcomes.items() if isinstance(outcome, PeerError)}
        condemned = [item for item in watched if item.id in failed and item.failed_probes >= self._enough_failures]
        if len(watched) >= ENOUGH_TO_JUDGE:
            if any(not platform.has_witness(watched) for platform in condemned):
                watched = self._call_witnesses(watched)
            condemned = self._acquit_in_own_fault(condemned, watched)
        if condemned:
            self._condemn([platform.id for platform in condemned])

    def _acquit_in_own_fault(self, condemned: list[_Watched], watched: list[_Watched]) -> list[_Watched]:
        """Those still condemned once our own fault is allowed for."""
        doubtful = [platform for platform in condemned if not platform.has_witness(watched)]
        if doubtful and not self._own_fault:
            say(_log, logging.ERROR, "own_fault", watched=len(watched), meaning="all platforms fail at once; no status changes")
        ended = self._own_fault and not doubtful
        self._own_fault = bool(doubtful)
        if ended:
            say(_log, logging.INFO, "own_fault_ended")
            self._ask_again_soon()
            return []
        return [platform for platform in condemned if platform not in doubtful]

    def _ask_again_soon(self) -> None:
        with write() as session:
            failing = and_(Platform.status == CONNECTED, Platform.failed_probes > 0)
            session.execute(update(Platform).where(failing).values(next_probe_at=self._now()))

    def _condemn(self, platform_ids: Sequence[int]) -> None:
        with write() as session:
            still = and_(Platform.id.in_(platform_ids), Platform.failed_probes >= self._enough_failures)
            reasons = session.execute(select(Platform.id, Platform.probe_reason).where(still))
            presence.probes_failed({platform_id: reason or "" for platform_id, reason in reasons})

    def _call_witnesses(self, watched: list[_Watched]) -> list[_Watched]:
        unasked = [platform.id for platform in watched if platform.failed_probes == 0]
        if not unasked:
            return watched
        self._record(self._ask(db.session.scalars(select(Platform).where(Platform.id.in_(unasked))).all()))
        return self._watched()

    def _watched(self) -> list[_Watched]:
        columns = (Platform.id, Platform.failed_probes, Platform.failing_since, Platform.last_heard_at)
        rows = db.session.execute(select(*columns).where(Platform.status == CONNECTED, Platform.token_out.is_not(None)))
        watched = [_Watched(*row) for row in rows]
        db.session.rollback()
        return watched
