"""Who holds which token, in memory: for those who ask with every message, and must not wait for the database."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from blinker import Namespace
from flask import Flask, current_app
from sqlalchemy import event, insert, inspect, select, update
from sqlalchemy.orm import Session, selectinload

from hubinfo.database import after_commit, db
from hubinfo.models import ClientInfo, ConnectionStatus, Counter, Platform, party_of
from hubinfo.platforms.vault import digest

HOLDERS = "holders"
"""The counter of changes of tokens, statuses and roles: what is in memory holds as long as it stands still."""
changed = Namespace().signal("changed")
"""Sent by an app after each of its commits that changed a token, a status or a role."""
_NOTED = "hubinfo_holders_noted"
_COLUMNS = ("name", "status", "token_hash", "token_out")


@dataclass(frozen=True, slots=True)
class Party:
    """A party in one role, as its platform spells it."""

    country_code: str
    party_id: str
    role: str
    is_suspended: bool


@dataclass(frozen=True, slots=True)
class Holder:
    """A registered platform; token A is no proof of one."""

    platform_id: int
    name: str
    status: str
    parties: tuple[Party, ...]

    def party(self, country_code: str = "", party_id: str = "") -> Party | None:
        """For whom a message speaks: the party it names if that is one of its own, else the first; None: it is suspended."""
        named = party_of(country_code, party_id)
        own = [party for party in self.parties if party_of(party.country_code, party.party_id) == named]
        admitted = self.status != ConnectionStatus.SUSPENDED
        return next((party for party in own or self.parties if admitted and not party.is_suspended), None)


@dataclass(frozen=True)
class _Read:
    """All holders, as of a count of changes; `before` is what `_changed_last` was before they were read."""

    before: object
    count: int
    holders: dict[str, Holder]


class Directory:
    """One per app, used by any thread.

    1. All is read at once when it is first asked for, and when something has changed.
    2. A commit of this process says so itself. Of one by another process the watch tells, which calls `look`.
    3. Where there is no watch, or it has lost its database, each question looks at the counter first.
    """

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._changed_last = object()
        self._read: _Read | None = None
        self.is_watched = False

    def connect(self, app: Flask) -> None:
        """Follow what this app commits."""
        changed.connect(self._on_changed, sender=app)

    def find(self, tokens: Iterable[str]) -> Holder | None:
        """Whose token one of these is. Raises SQLAlchemyError when the database has to be asked and cannot be."""
        holders = self._current().holders
        return next((holders[key] for key in map(digest, tokens) if key in holders), None)

    def look(self) -> None:
        """Somebody has committed something: whether it concerns the holders, one look at the counter tells."""
        read = self._read
        if read is None or read.count != _count(db.session()):
            self._on_changed()
        db.session.rollback()

    def _on_changed(self, _app: Flask | None = None) -> None:
        self._changed_last = object()

    def _current(self) -> _Read:
        if not self.is_watched:
            self.look()
        read = self._read
        if read is not None and read.before is self._changed_last:
            return read
        with self._reading:
            if self._read is None or self._read.before is not self._changed_last:
                self._read = self._read_all()
            return self._read

    def _read_all(self) -> _Read:
        """What changes meanwhile is noticed: then it is read once more."""
        before, session = self._changed_last, db.session()
        session.rollback()
        try:
            count = _count(session)
            columns = (ClientInfo.country_code, ClientInfo.party_id, ClientInfo.role, ClientInfo.status, ClientInfo.registered)
            found = select(Platform).where(Platform.token_out.is_not(None), Platform.token_hash.is_not(None))
            rows = session.scalars(found.options(selectinload(Platform.client_infos).load_only(*columns)))
            return _Read(before, count, {row.token_hash or "": _holder(row) for row in rows})
        finally:
            session.rollback()


def _holder(platform: Platform) -> Holder:
    parties = tuple(
        Party(row.country_code, row.party_id, row.role, row.status == ConnectionStatus.SUSPENDED)
        for row in platform.client_infos
        if row.registered
    )
    return Holder(platform.id, platform.name, platform.status, parties)


def _count(session: Session) -> int:
    return session.scalar(select(Counter.value).where(Counter.name == HOLDERS)) or 0


@event.listens_for(db.session, "before_flush")
def _note(session: Session, *_arguments: object) -> None:
    """Whoever changes a token, a status or a role: the counter moves on in the same transaction."""
    if session.info.get(_NOTED) is session.get_transaction() or not any(map(_concerns_holders, _touched(session))):
        return
    session.info[_NOTED] = session.get_transaction()
    connection = session.connection()
    moved = connection.execute(update(Counter).where(Counter.name == HOLDERS).values(value=Counter.value + 1))
    if not moved.rowcount:
        connection.execute(insert(Counter).values(name=HOLDERS, value=1))
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    after_commit(partial(_announce, app))


def _announce(app: Flask) -> None:
    changed.send(app)


def _touched(session: Session) -> Iterable[Any]:
    return (*session.new, *session.dirty, *session.deleted)


def _concerns_holders(row: Any) -> bool:
    if isinstance(row, ClientInfo):
        return True
    return isinstance(row, Platform) and any(inspect(row).attrs[name].history.has_changes() for name in _COLUMNS)
