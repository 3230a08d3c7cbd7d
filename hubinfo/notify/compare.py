"""What is the case, compared with what the operator has been told: what has changed, and what of it is news.

A concern goes through these states, and what is in none of them is not kept:

1. It lasts, and has not been told: it is once it has lasted long enough, unless its quiet time is not over.
2. It lasts, and the operator knows. Its end is told, too.
3. It has ended, and is kept until its quiet time is over; then what happened meanwhile is summed up, if it is worth it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.config import Settings
from hubinfo.models import Concern
from hubinfo.notify import parties, platforms
from hubinfo.notify.condition import Condition, Facts, Kept, Key
from hubinfo.notify.kinds import HAPPENINGS, NAMES, Kind, seconds_before_told, spread
from hubinfo.ocpi.dialect import HUB

OURS: Key = (Kind.OWN_FAULT, "")
BEGUN: Key = (Kind.BEGUN, "")
_OUTAGES = {Kind.OFFLINE, Kind.SILENT}
_FLAPS = 2


@dataclass(frozen=True)
class News:
    """Something to be told."""

    type: str
    facts: Callable[[], Facts]
    awaits_others: bool = False
    """It has ended, and still lasts for others that were told of in the same message."""


@dataclass(frozen=True)
class Change:
    """What becomes of a concern. One that has news changes only when that is told."""

    key: Key
    values: Mapping[str, Any] | None
    """None: it is forgotten."""
    news: News | None = None


class Comparison:
    """At one moment, in one transaction."""

    def __init__(self, session: Session, settings: Settings, now: datetime) -> None:
        self._session = session
        self._settings = settings
        self._now = now
        self._limits = {kind: timedelta(seconds=seconds) for kind, seconds in seconds_before_told(settings).items()}
        self._quiet = timedelta(seconds=settings.notify_quiet_seconds)
        self._spread = spread(settings)
        columns = (Concern.id, Concern.kind, Concern.subject, Concern.since, Concern.told, Concern.told_at)
        kept = [Kept(*row) for row in session.execute(select(*columns))]
        self.concerns: dict[Key, Kept] = {(Kind(row.kind), row.subject): row for row in kept}
        self._first = BEGUN not in self.concerns
        self._lasting: set[tuple[Kind, datetime | None]] = set()

    def changes(self) -> list[Change]:
        """All of them, in an order that is always the same."""
        found = self._conditions()
        keys = sorted((found.keys() | self.concerns.keys()) - {BEGUN})
        ours = OURS in found
        self._lasting = {(key[0], concern.told_at) for key, concern in self.concerns.items() if concern.told and key in found}
        changes = [
            self._set_aside(key) if ours and key != OURS else self._change(key, self.concerns.get(key), found.get(key))
            for key in keys
        ]
        if self._first and not ours:
            changes.append(Change(BEGUN, {"since": self._now, "told": True}))
        made = [change for change in changes if change is not None]
        return sorted(made + self._along(made, found), key=attrgetter("key"))

    def _along(self, changes: Sequence[Change], found: Mapping[Key, Condition]) -> list[Change]:
        """Outages that have not lasted long enough, and came along with one that has: told with it, not in further messages."""
        latest: dict[str, datetime] = {}
        for change in changes:
            concern = self.concerns.get(change.key)
            if change.news and concern and concern.since and change.key[0] in _OUTAGES and change.key in found:
                latest[change.news.type] = max(concern.since, latest.get(change.news.type, concern.since))
        if not latest:
            return []
        others = found.keys() - {change.key for change in changes}
        return [told for key in others if (told := self._told_along(key, found[key], latest))]

    def _told_along(self, key: Key, condition: Condition, latest: Mapping[str, datetime]) -> Change | None:
        concern = self.concerns.get(key)
        if key[0] not in _OUTAGES or not concern or not concern.since or concern.told or not self._quiet_is_over(concern):
            return None
        change = self._told(key, concern, condition)
        began = latest.get(change.news.type) if change.news else None
        return change if began and concern.since <= began + self._spread else None

    def _conditions(self) -> dict[Key, Condition]:
        session, roles = self._session, set(self._settings.roles)
        known = self.concerns.get(OURS)
        ours = platforms.own_fault(session, known and known.since, self._settings.offline_after_failures)
        if ours is not None:
            return {OURS: ours}
        found = parties.told_by_hubs(session) if roles - {HUB} else {}
        found |= parties.ours(session)
        if HUB in roles:
            found |= platforms.untold(session, self._told_of(Kind.UNTOLD))
        if roles - {HUB}:
            found |= platforms.unpulled(session, self._told_of(Kind.PULL))
        return found

    def _told_of(self, kind: Kind) -> set[str]:
        return {subject for (its, subject), concern in self.concerns.items() if its is kind and concern.told}

    def _set_aside(self, key: Key) -> Change | None:
        """While the fault is ours, it is what others seem to do; what still lasts afterwards begins then."""
        concern = self.concerns[key]
        return self._over(key, concern) if concern.since is not None and not concern.told else None

    def _change(self, key: Key, concern: Kept | None, condition: Condition | None) -> Change | None:
        if concern is None:
            assert condition is not None
            return self._begun(key, condition, told=self._first and key[0] in HAPPENINGS)
        if condition is None:
            return self._ended(key, concern)
        if concern.since is None:
            return self._begun(key, condition, told=False)
        if condition.since is not None and condition.since != concern.since:
            return self._begun(key, condition, told=concern.told and key[0] not in HAPPENINGS)
        lasted = self._now - concern.since >= self._limits.get(key[0], timedelta())
        if lasted and not concern.told and self._quiet_is_over(concern):
            return self._told(key, concern, condition)
        return None

    def _begun(self, key: Key, condition: Condition, *, told: bool) -> Change:
        return Change(key, {"since": condition.since or self._now, "told": told})

    def _over(self, key: Key, concern: Kept) -> Change:
        return Change(key, {"since": None, "told": False} if concern.told_at else None)

    def _told(self, key: Key, concern: Kept, condition: Condition) -> Change:
        kind, subject = key
        name, more = NAMES[kind].begins, {"since": clock.render(concern.since or self._now)}
        outages, flapping = self._outages(key, concern), NAMES[kind].flapping
        if flapping and len(outages) >= _FLAPS:
            name, more = flapping, more | self._summary(concern, outages, "OFFLINE")

        def facts() -> Facts:
            why = parties.why_suspended(self._session, subject) if kind is Kind.SUSPENDED else None
            return condition.facts() | more | ({"reason": why} if why else {})

        return Change(key, {"told": True, "told_at": self._now}, News(name, facts))

    def _ended(self, key: Key, concern: Kept) -> Change | None:
        if concern.since is None:
            return self._summed_up(key, concern) if self._quiet_is_over(concern) else None
        over = self._over(key, concern)
        ends, facts = NAMES[key[0]].ends, self._facts_of_end(key, concern)
        if not (concern.told and ends and facts):
            return over
        return Change(key, over.values, News(ends, lambda: facts, (key[0], concern.told_at) in self._lasting))

    def _facts_of_end(self, key: Key, concern: Kept) -> Facts | None:
        """None where what has ended is not to be told: another thing is, that took its place."""
        kind, subject = key
        times = {"since": clock.render(concern.since or self._now), "until": clock.render(self._now)}
        if kind is Kind.OWN_FAULT:
            return times
        if kind in _OUTAGES:
            returned = parties.returned(self._session, kind, subject)
            return times | returned if returned else None
        return times | {"platform": subject} if platforms.is_connected(self._session, subject) else None

    def _summed_up(self, key: Key, concern: Kept) -> Change:
        """What happened in the quiet time, where it would have been told without it, or where it goes on and on."""
        kind, subject = key
        outages, flapping = self._outages(key, concern), NAMES[kind].flapping
        worth_it = len(outages) >= _FLAPS or any(lasted >= self._limits[kind] for lasted in outages)
        returned = parties.returned(self._session, kind, subject) if worth_it else None
        if flapping and returned:
            facts = returned | self._summary(concern, outages, "CONNECTED")
            return Change(key, {"told_at": self._now}, News(flapping, lambda: facts))
        return Change(key, None)

    def _outages(self, key: Key, concern: Kept) -> list[timedelta]:
        if key[0] not in _OUTAGES or concern.told_at is None:
            return []
        return parties.outages(self._session, key[0], key[1], concern.told_at, self._now)

    def _summary(self, concern: Kept, outages: list[timedelta], status: str) -> Facts:
        assert concern.told_at is not None
        return {"times": len(outages), "within_seconds": (self._now - concern.told_at).total_seconds(), "status": status}

    def _quiet_is_over(self, concern: Kept) -> bool:
        return concern.told_at is None or not timedelta() <= self._now - concern.told_at < self._quiet
