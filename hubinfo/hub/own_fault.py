"""Whose fault is it? OFFLINE is who fails while others answer; when all fail at the same moment, the fault is ours."""

import heapq
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hubinfo.logs import say
from hubinfo.models import ConnectionStatus, Platform

_log = logging.getLogger(__name__)
ENOUGH_TO_JUDGE = 3
"""From so many CONNECTED platforms on, all failing at once means that the fault is ours."""
CAN_BE_ASKED = or_(Platform.failed_probes > 0, Platform.probe_reason.is_(None))
"""Not so when our own fault keeps us from it: then there is a reason why it was not probed, though no probe has failed."""
_FIRST_WITNESSES = 10
"""So many are asked before all the others are."""


@dataclass(frozen=True)
class Stored:
    """The CONNECTED platforms, as any process can see them."""

    watched: int
    fewest_failures: int
    most_failures: int
    since: datetime | None
    """When the last of them began to fail: no answer can have come between that and now, if all do."""

    @property
    def all_fail(self) -> bool:
        """None of them has answered, or has been heard, since it began to fail."""
        return self.watched > 0 and self.fewest_failures > 0

    def is_ours(self, enough_failures: int) -> bool:
        """All of them fail, and one should be OFFLINE by now."""
        return self.all_fail and self.watched >= ENOUGH_TO_JUDGE and self.most_failures >= enough_failures


def read(session: Session) -> Stored:
    """At this moment."""
    failures = func.min(Platform.failed_probes), func.max(Platform.failed_probes), func.max(Platform.failing_since)
    watched = Platform.status == ConnectionStatus.CONNECTED, Platform.token_out.is_not(None), CAN_BE_ASKED
    count, fewest, most, since = session.execute(select(func.count(), *failures).where(*watched)).one()
    return Stored(count, fewest or 0, most or 0, since)


@dataclass(frozen=True)
class Watched:
    """A CONNECTED platform: how often it has failed in a row, and since when."""

    id: int
    failed_probes: int
    failing_since: datetime | None


@dataclass(frozen=True)
class Verdict:
    """Who is OFFLINE, and who is to be asked before the rest can be judged."""

    condemned: Sequence[int] = ()
    witnesses: Sequence[int] = ()


class OwnFault:
    """Remembers who has answered us and who is accused of silence.

    1. A platform that has failed often enough is condemned when another one has answered since it began to fail. What we
       hear from others does not count: their messages reach us even when ours reach nobody.
    2. Where nobody has, those that have not failed are asked, and the judgement waits for them.
    3. When none of them answers either, the fault is ours: no status changes until one does. With fewer than three, nobody
       can witness, and who fails is condemned.
    4. When one does, those that failed during our own fault are asked once more before they are judged.
    """

    def __init__(self) -> None:
        self._is_ours = False
        self._accused: set[int] = set()
        self._answered_at: dict[int, datetime] = {}
        self._called = False

    def accuse(self, platform_ids: Iterable[int]) -> None:
        """These have failed often enough to be OFFLINE."""
        self._accused.update(platform_ids)

    def answered(self, platform_ids: Collection[int], at: datetime) -> bool:
        """These have answered; whether that ends our own fault."""
        self._answered_at |= dict.fromkeys(platform_ids, at)
        self._accused.difference_update(platform_ids)
        ended = self._is_ours and bool(platform_ids)
        if ended:
            self._is_ours = False
            self._accused.clear()
            say(_log, logging.INFO, "own_fault_ended")
        return ended

    def judge(self, watched: Sequence[Watched], asking: Collection[int], now: datetime) -> Verdict:
        """Judge the accused among the CONNECTED platforms; `asking` are those whose answer is awaited."""
        # An answer of the future came before the clock was set back, nobody knows how long ago.
        self._answered_at = {key: at for key, at in self._answered_at.items() if at <= now}
        accused = [item for item in watched if item.id in self._accused]
        doubtful = self._doubtful(accused)
        if len(watched) < ENOUGH_TO_JUDGE and not self._is_ours:
            doubtful = []
        self._accused = {item.id for item in doubtful}
        condemned = [item.id for item in accused if item.id not in self._accused]
        unfailed = [item.id for item in watched if item.failed_probes == 0]
        if doubtful and not unfailed:
            self._is_our_own(len(watched))
        witnesses = self._witnesses([key for key in unfailed if key not in asking]) if doubtful else []
        self._called = bool(doubtful)
        return Verdict(condemned, witnesses)

    def _doubtful(self, accused: Sequence[Watched]) -> list[Watched]:
        """Those since whose first failure no other platform has answered."""
        latest = heapq.nlargest(2, self._answered_at.items(), key=lambda answer: answer[1])
        return [
            item
            for item in accused
            if item.failing_since is None or not any(at >= item.failing_since for key, at in latest if key != item.id)
        ]

    def _witnesses(self, unasked: Sequence[int]) -> Sequence[int]:
        """A few first, so that one silent platform does not have a thousand others asked; all, when that did not clear it up."""
        return unasked if self._called else unasked[:_FIRST_WITNESSES]

    def _is_our_own(self, watched: int) -> None:
        if not self._is_ours:
            say(_log, logging.ERROR, "own_fault", watched=watched, meaning="all platforms fail at once; no status changes")
        self._is_ours = True
