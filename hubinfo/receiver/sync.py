"""Pulling the full list from every hub: at start, after a gap, and now and then (OCPI 2.2.1 hubclientinfo, pull)."""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from blinker import Namespace
from flask import Flask
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.config import Settings
from hubinfo.database import db, write
from hubinfo.due import is_due
from hubinfo.logs import say
from hubinfo.models import ClientInfo, ConnectionStatus, Platform
from hubinfo.ocpi.client import Answer, Client, Outcome, Request
from hubinfo.ocpi.dialect import HUB
from hubinfo.platforms import connections
from hubinfo.platforms.vault import TokenUnreadable, Vault
from hubinfo.receiver.pull import Pull

_log = logging.getLogger(__name__)
LONGEST_WAIT_SECONDS = 3600.0
SPLAY = 0.1
pulled = Namespace().signal("pulled")
"""Sent by an app as each `pull` ends."""


def is_hub() -> ColumnElement[bool]:
    """A platform that has a list for us: registered, its credentials name the role HUB, and it has a Sender."""
    named = Platform.client_infos.any((ClientInfo.role == HUB) & ClientInfo.registered)
    return Platform.token_out.is_not(None) & Platform.sender_url.is_not(None) & named


def hubs(session: Session) -> list[Platform]:
    """All of them, in the order of registration."""
    return list(session.scalars(select(Platform).where(is_hub()).order_by(Platform.id)))


class Sync:
    """Pulls from hubs, several side by side. Used by one thread at a time."""

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
        self._strict = settings.strict
        self._sync_seconds = settings.sync_seconds
        self._retry_seconds = settings.keepalive_retry_seconds
        self._may_run = may_run
        self._now = now
        self._wanted = threading.Event()
        self._pulls: dict[int, Pull] = {}

    def due(self) -> bool:
        """Whether any hub is to be pulled from; in the caller's app context."""
        return db.session.scalar(select(Platform.id).where(self._is_due()).limit(1)) is not None

    def all_are_due(self) -> None:
        """At start: what hubs told us while we were away did not arrive."""
        with write() as session:
            session.execute(update(Platform).where(is_hub()).values(next_sync_at=None))

    def want(self) -> None:
        """Some may be due: look again, also while running. May be called from any thread."""
        self._wanted.set()

    def run(self) -> bool:
        """Pull from every hub that is due, and from those that become due meanwhile. Whether it may do so."""
        self._wanted.set()
        self._pulls.clear()
        with self._app.app_context():
            self._client.exchange((), self._then, self._more)
        return self._may_run()

    def pull(self, hubs: Sequence[Platform]) -> list[Pull]:
        """Pull from these hubs, due or not, and store what comes of it; in the caller's app context."""
        pulls = self._begin(hubs)
        self._client.exchange([pull.request() for pull in pulls if pull.token], self._then)
        return pulls

    def _more(self) -> list[Request]:
        """The first request to each hub that is due and not being pulled from already."""
        if not self._wanted.is_set():
            return []
        self._wanted.clear()
        due = select(Platform).where(self._is_due(), Platform.id.not_in(self._pulls))
        pulls = self._begin(db.session.scalars(due).all()) if self._may_run() else []
        return [pull.request() for pull in pulls if pull.token]

    def _is_due(self) -> ColumnElement[bool]:
        longest = max(self._sync_seconds * (1 + SPLAY), LONGEST_WAIT_SECONDS)
        due = or_(Platform.next_sync_at.is_(None), is_due(Platform.next_sync_at, self._now(), longest))
        return is_hub() & due & (Platform.status == ConnectionStatus.CONNECTED)

    def _begin(self, hubs: Sequence[Platform]) -> list[Pull]:
        """Ends the read transaction."""
        pulls = [self._pull_of(hub) for hub in hubs]
        db.session.rollback()
        self._pulls |= {pull.platform_id: pull for pull in pulls if pull.token}
        for pull in pulls:
            if not pull.token:
                self._finish(pull)
        return pulls

    def _pull_of(self, hub: Platform) -> Pull:
        """Without a token where ours cannot be decrypted: then it has failed already."""
        try:
            return Pull.of(hub, self._vault.decrypt(hub.token_out or ""), self._now(), strict=self._strict)
        except TokenUnreadable as error:
            pull = Pull.of(hub, "", self._now(), strict=self._strict)
            pull.fail(str(error))
            return pull

    def _then(self, request: Request, outcome: Outcome) -> Request | None:
        pull = self._pulls[request.platform_id]
        if not isinstance(outcome, Answer):
            pull.fail(outcome.reason, outcome.retry_after_seconds)
        elif pull.take(outcome, self._now()) and self._may_run():
            return pull.request()
        del self._pulls[request.platform_id]
        self._finish(pull, request)
        return None

    def _finish(self, pull: Pull, asked: Request | None = None) -> None:
        with write() as session:
            hub = session.get_one(Platform, pull.platform_id)
            is_of_now = (hub.token_out, hub.sender_url) == (pull.token_out, pull.sender_url)
            if is_of_now and pull.token:
                hub.token_out_used_at = self._now()
            if is_of_now and pull.reason is None:
                pull.mark()
                connections().parties.heard({pull.platform_id: self._now()})
            asked_for_meanwhile = pull.planned_at is not None and hub.next_sync_at is None
            if is_of_now and not asked_for_meanwhile:
                self._plan(hub, pull)
        pulled.send(self._app, pull=pull)
        values: dict[str, Any] = {
            "received": pull.received,
            "ignored": pull.ignored,
            "changed": pull.changed,
            "no_longer_valid": pull.no_longer_valid,
        }
        values |= {"correlation_id": pull.correlation_id} | ({"request_id": asked.request_id} if asked else {})
        if pull.reason is None:
            say(_log, logging.INFO, "synced", hub=pull.hub, **values)
        else:
            say(_log, logging.WARNING, "sync_failed", hub=pull.hub, **values, reason=pull.reason)

    def _plan(self, hub: Platform, pull: Pull) -> None:
        """When to pull next: splayed, so that not all parties of a hub come at once; after a failure soon, then ever later."""
        hub.sync_reason = pull.reason
        if pull.reason is None:
            hub.synced_at, hub.failed_syncs = self._now(), 0
            wait = self._sync_seconds * random.uniform(1 - SPLAY, 1 + SPLAY)  # noqa: S311
        else:
            wait = min(self._retry_seconds * 2.0 ** min(hub.failed_syncs, 20), self._sync_seconds, LONGEST_WAIT_SECONDS)
            wait = max(wait, pull.retry_after_seconds)
            hub.failed_syncs += 1
        hub.next_sync_at = self._now() + timedelta(seconds=wait)
