"""How long news waits for more of its type, so that an outage of many is one message."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from hubinfo.notify.compare import News


class Patience:
    """Known in this process only: after a restart, news waits anew.

    The first news of a type waits for `group`. What comes within `spread` of a message of its type waits until that has
    passed. An end waits as long for the others that were told of in the same message, unless all of them have ended.
    """

    def __init__(self, group: timedelta, spread: timedelta) -> None:
        self._group = group
        self._spread = spread
        self._since: dict[str, datetime] = {}
        self._told_at: dict[str, datetime] = {}

    def due(self, news: Sequence[News], now: datetime) -> set[str]:
        """The types of which all is to be told now; with one that has waited, those that need not wait for others."""
        self._since = {item.type: min(self._since.get(item.type, now), now) for item in news}
        awaiting = {item.type for item in news if item.awaits_others}
        calm = {name for name in self._since if self._is_calm(name, now)}
        long = {name for name in calm & awaiting if now - self._since[name] >= max(self._spread, self._group)}
        ready = calm - awaiting
        has_waited = any(now - self._since[name] >= self._group for name in ready)
        return long | ready if long or has_waited else set()

    def told(self, types: Iterable[str], now: datetime) -> None:
        """These have been, right now."""
        for name in types:
            self._told_at[name] = now
            self._since.pop(name, None)

    def forget(self) -> None:
        """Nobody looks any more."""
        self._since.clear()

    def _is_calm(self, name: str, now: datetime) -> bool:
        told_at = self._told_at.get(name)
        return told_at is None or not timedelta() <= now - told_at < self._spread
