"""Telling it: PUTs every new or changed ClientInfo to every connected platform (OCPI 2.2.1 hubclientinfo, Sender push).

No queue: what a platform is told next is the lowest revision above its cursor among the rows it may see, as the row is now.
"""

import logging
import random
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask

from hubinfo import clock, database
from hubinfo.config import Settings
from hubinfo.database import db
from hubinfo.due import is_come
from hubinfo.hub import activity, cursors, feed
from hubinfo.hub.cursors import WRONG_ANSWERS, Cursor, NotTaken
from hubinfo.hub.feed import Change
from hubinfo.logs import say
from hubinfo.ocpi.authorization import TokenForm
from hubinfo.ocpi.client import Answer, Client, Outcome, PeerError, Request
from hubinfo.ocpi.dialect import DIALECTS
from hubinfo.ocpi.envelope import to_json
from hubinfo.ocpi.fields import below
from hubinfo.platforms.vault import TokenUnreadable, Vault

_log = logging.getLogger(__name__)
LONGEST_OWN_WAIT_SECONDS = 60.0
MOST_SET_ASIDE = 100
"""Rows of one platform; who answers more of them wrongly is itself what is wrong."""
_WRITE_EVERY_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Put(Request):
    """One ClientInfo to one platform."""

    change: Change
    tellings: int
    """Of its cursor when it was sent."""
    token_out: str
    """Its token as it is stored."""


class Push:
    """Tells platforms what they have not been told. `run` is called by one thread at a time."""

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
        self._retry_seconds = settings.push_retry_seconds
        self._versions_url = settings.versions_url
        self._may_run = may_run
        self._now = now
        self._wanted = threading.Event()
        self._telling: dict[int, Cursor] = {}
        self._unwritten: dict[int, Cursor] = {}
        self._written_at = 0.0
        self._newest = 0
        self._changes: list[Change] = []
        self._revisions: list[int] = []
        self._set_aside: dict[int, Change] = {}
        self._answered_wrongly: set[tuple[int, int]] = set()
        """Platform and row: once, so that once more sets it aside."""

    def want(self) -> None:
        """Something may have changed: look again, also while running. May be called from any thread."""
        self._wanted.set()

    def run(self) -> bool:
        """Tell all who are due, and those who become due meanwhile, until nobody is left to tell now. Whether it may do so."""
        self._wanted.set()
        self._telling.clear()
        with self._app.app_context():
            try:
                self._client.exchange((), self._then, self._more)
            finally:
                self._write()
        return self._may_run()

    def _more(self) -> list[Put]:
        """The first request for each platform that is due and not being told already."""
        if time.monotonic() - self._written_at > _WRITE_EVERY_SECONDS:
            self._write()
        if not self._wanted.is_set():
            return []
        self._wanted.clear()
        self._write()
        due = self._look() if self._may_run() else []
        return [put for cursor in due if (put := self._next(cursor)) is not None]

    def _look(self) -> list[Cursor]:
        """Read what there is to tell and to whom; platforms being told take over what has changed about them."""
        session = db.session()
        self._newest = feed.newest_revision(session)
        now = self._now()
        stored = cursors.read(session, self._newest, now)
        for platform_id, cursor in self._telling.items():
            cursor.follow(stored.pop(platform_id, None))
        due = {key: cursor for key, cursor in stored.items() if not cursor.waits(now)}
        self._telling |= due
        lowest = min((cursor.told_revision for cursor in self._telling.values()), default=self._newest)
        self._changes = feed.changes_after(session, lowest)
        self._revisions = [change.revision for change in self._changes]
        self._set_aside = feed.changes_of(session, {row for cursor in self._telling.values() for row in cursor.set_aside})
        session.rollback()
        return list(due.values())

    def _next(self, cursor: Cursor) -> Put | None:
        """The next row this platform has to be told, or None: it is done, or out of reach."""
        untold = self._untold(cursor)
        change = next(untold, None)
        if change is None and cursor.active:
            cursor.told_revision = max(cursor.told_revision, self._newest)
            self._unwritten[cursor.platform_id] = cursor
            untold = self._due_again(cursor)
            change = next(untold, None)
        if change is None or not cursor.active or not self._may_run():
            self._telling.pop(cursor.platform_id, None)
            return None
        try:
            return self._put(cursor, change, more_follow=next(untold, None) is not None)
        except TokenUnreadable as error:
            self._fail(cursor, PeerError(str(error)))
            return None

    def _untold(self, cursor: Cursor) -> Iterator[Change]:
        for index in range(bisect_right(self._revisions, cursor.told_revision), len(self._changes)):
            if self._changes[index].platform_id != cursor.platform_id:
                yield self._changes[index]

    def _due_again(self, cursor: Cursor) -> Iterator[Change]:
        """The rows that were set aside and are to be tried again; all that has changed has been told before them."""
        now = self._now()
        for row, why in list(cursor.set_aside.items()):
            if row in self._set_aside and is_come(why.next_at, now, cursors.LONGEST_WAIT_SECONDS):
                yield self._set_aside[row]

    def _put(self, cursor: Cursor, change: Change, *, more_follow: bool) -> Put:
        body = {
            "country_code": change.country_code,
            "party_id": change.party_id,
            "role": DIALECTS[cursor.version].role_out(change.role),
            "status": change.status,
            "last_updated": change.last_updated,
        }
        return Put(
            platform_id=cursor.platform_id,
            method="PUT",
            url=below(cursor.receiver_url, change.country_code, change.party_id),
            token=self._vault.decrypt(cursor.token_out),
            token_form=TokenForm(cursor.token_form),
            body=to_json(body),
            more_follow=more_follow,
            correlation_id=feed.correlation_id(self._versions_url, change.revision),
            change=change,
            tellings=cursor.tellings,
            token_out=cursor.token_out,
        )

    def _then(self, put: Put, outcome: Outcome) -> Put | None:
        cursor, change = self._telling[put.platform_id], put.change
        self._unwritten[cursor.platform_id] = cursor
        entry = activity.push(cursor.platform_id, change.id, change.status, outcome, self._now())
        cursor.sent.append(entry)
        activity.ended.send(self._app, entry=entry, changed_at=change.changed_at)
        if isinstance(outcome, PeerError) and not outcome.permanent:
            return self._not_answered(cursor, put, outcome)
        self._answered_wrongly.discard((cursor.platform_id, change.id))
        if isinstance(outcome, Answer):
            say(_log, logging.INFO, "pushed", platform=cursor.name, **_told(put, outcome))
            cursor.note_taken(change.id, self._now())
        else:
            cursor.note_not_taken(change.id, NotTaken(outcome.reason))
            values = {**_told(put, outcome), "reason": outcome.reason}
            say(_log, logging.WARNING, "push_refused", platform=cursor.name, **values)
        cursor.failures, cursor.reason, cursor.next_push_at = 0, None, None
        return self._pass(cursor, put)

    def _not_answered(self, cursor: Cursor, put: Put, error: PeerError) -> Put | None:
        """No answer at all concerns the platform; a wrong one, given twice in a row, only the row.

        What was said to a token that the platform has replaced meanwhile says nothing.
        """
        if put.token_out != cursor.token_out:
            return self._next(cursor)
        key, known = (cursor.platform_id, put.change.id), cursor.set_aside.get(put.change.id)
        is_again = known is not None or key in self._answered_wrongly
        if not error.answered_wrongly or not is_again or (known is None and len(cursor.set_aside) >= MOST_SET_ASIDE):
            if error.answered_wrongly:
                self._answered_wrongly.add(key)
            self._fail(cursor, error, put)
            return None
        self._answered_wrongly.discard(key)
        attempts = (known.attempts if known else WRONG_ANSWERS - 1) + 1
        wait = max(self._doubled(attempts, cursors.LONGEST_WAIT_SECONDS), error.retry_after_seconds or 0)
        cursor.note_not_taken(put.change.id, NotTaken(error.reason, attempts, self._now() + timedelta(seconds=wait)))
        values = {**_told(put, error), "attempts": attempts, "wait_seconds": round(wait, 1), "reason": error.reason}
        say(_log, logging.WARNING, "push_set_aside", platform=cursor.name, **values)
        if known is None:
            cursor.failures, cursor.next_push_at = cursor.failures + 1, None
        return self._pass(cursor, put)

    def _pass(self, cursor: Cursor, put: Put) -> Put | None:
        """Go on after this row, unless everything is to be told anew since it was sent."""
        if put.tellings == cursor.tellings:
            cursor.told_revision = max(cursor.told_revision, put.change.revision)
        return self._next(cursor)

    def _fail(self, cursor: Cursor, error: PeerError, put: Put | None = None) -> None:
        """Try again later, with the row as it is then. Without a PUT where none could be sent."""
        cursor.failures += 1
        wait = max(self._doubled(cursor.failures, LONGEST_OWN_WAIT_SECONDS), error.retry_after_seconds or 0)
        cursor.reason = error.reason
        cursor.next_push_at = self._now() + timedelta(seconds=wait)
        self._unwritten[cursor.platform_id] = cursor
        self._telling.pop(cursor.platform_id, None)
        values = {**(_told(put, error) if put else {}), "wait_seconds": round(wait, 1), "reason": error.reason}
        say(_log, logging.WARNING, "push_failed", platform=cursor.name, failures=cursor.failures, **values)

    def _doubled(self, failures: int, longest_seconds: float) -> float:
        """The wait after so many failures, with jitter so that receivers of one broken host do not come back in step."""
        doubled = self._retry_seconds * 2.0 ** min(failures - 1, 20)
        return min(doubled * random.uniform(0.8, 1.2), longest_seconds)  # noqa: S311

    def _write(self) -> None:
        """One commit for all answers since the last one."""
        self._written_at = time.monotonic()
        if self._unwritten:
            with database.write() as session:
                cursors.write(session, self._unwritten.values(), self._now())
            self._unwritten.clear()


def _told(put: Put, outcome: Outcome) -> dict[str, Any]:
    """For the log: of whom, by which message, and how long it took."""
    change, seconds = put.change, outcome.seconds
    told = {"party": f"{change.country_code}-{change.party_id}", "role": change.role, "status": change.status}
    return {**told, "revision": change.revision, **put.ids, "seconds": None if seconds is None else round(seconds, 3)}
