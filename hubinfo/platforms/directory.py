"""Who holds which token, in memory: for those who ask with every message, and must not wait for the database."""

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from blinker import Namespace
from flask import Flask, current_app
from sqlalchemy import event, false, insert, inspect, select, true, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hubinfo.database import after_commit, db
from hubinfo.models import AlternativeToken, ClientInfo, ConnectionStatus, Counter, Platform, party_of
from hubinfo.platforms.alternatives import Kind
from hubinfo.platforms.trouble import Trouble
from hubinfo.platforms.vault import digest

HOLDERS = "holders"
"""The counter of changes of tokens, statuses and roles: what is in memory holds as long as it stands still."""
changed = Namespace().signal("changed")
"""Sent by an app after each of its commits that changed a token, a status or a role."""
_NOTED = "hubinfo_holders_noted"
_OF_PLATFORM = ("name", "status", "token_hash", "token_out")
_OF_CLIENT_INFO = ("country_code", "party_id", "role", "registered", "platform_id", "platform")
_OLD_SECONDS = 60.0
"""While the database cannot be asked, what was last known holds for so long."""
_Row: TypeAlias = Any
"""SQLAlchemy's Row, whose type has one parameter in 2.0 and one for each column in 2.1."""


@dataclass(frozen=True, slots=True)
class Party:
    """A party in one role."""

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
    has_own_token: bool = True
    """Not so where it is known by one of those in alternatives.py."""

    def party(self, country_code: str = "", party_id: str = "") -> Party | None:
        """For whom a message speaks: the party it names if that is one of its own, else the first; None: it is suspended."""
        if self.status == ConnectionStatus.SUSPENDED:
            return None
        named = party_of(country_code, party_id) if country_code else None
        own = named and [party for party in self.parties if party_of(party.country_code, party.party_id) == named]
        return next((party for party in own or self.parties if not party.is_suspended), None)


class Unreadable(Exception):
    """The database cannot be asked, and what was last known is too old, or known to have changed."""


@dataclass(frozen=True)
class _Read:
    """All holders, as of a count of changes; `before` is what `_changed_last` was before they were read."""

    before: object
    count: int
    platforms: dict[str, _Row]
    """By the hash of their token."""
    client_infos: dict[int, list[_Row]]
    """By platform."""
    _made: dict[str, Holder] = field(default_factory=dict)

    def holder(self, token_hash: str) -> Holder | None:
        """Made when it is first asked for: of all, that would take longer than reading them."""
        if token_hash not in self._made and (platform := self.platforms.get(token_hash)):
            self._made[token_hash] = self._make(platform)
        return self._made.get(token_hash)

    def _make(self, platform: _Row) -> Holder:
        rows = self.client_infos.get(platform.id, ())
        parties = (Party(row.country_code, row.party_id, row.role, row.status == ConnectionStatus.SUSPENDED) for row in rows)
        return Holder(platform.id, platform.name, platform.status, tuple(parties), platform.is_own)


class Directory:
    """One per app, used by any thread.

    1. All is read at once when it is first asked for, and when something has changed.
    2. A commit of this process says so itself. Of one by another process the watch tells, which calls `look`.
    3. Where there is no watch, or it has lost its database, each question looks at the counter first.
    4. The background work reads again within a second what has changed, once anybody has asked.
    5. While the database cannot be asked, what was last known holds for a minute; what is known to have changed does not.
    """

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._changed_last = object()
        self._read: _Read | None = None
        self._sure_at = 0.0
        self._trouble = Trouble()
        self.is_watched = False

    def connect(self, app: Flask) -> None:
        """Follow what this app commits."""
        changed.connect(self._on_changed, sender=app)

    def find(self, tokens: Iterable[str]) -> Holder | None:
        """Whose token one of these is. Raises Unreadable."""
        read = self._current()
        return next((holder for token in tokens if (holder := read.holder(digest(token)))), None)

    def look(self) -> None:
        """Somebody has committed something: whether it concerns the holders, one look at the counter tells."""
        read, began = self._read, time.monotonic()
        if read is None or read.count != _count(db.session()):
            self._on_changed()
        db.session.rollback()
        self._sure_at = began
        self._trouble.ended()

    def follow(self) -> None:
        """As `look`; what has been asked for before is read again at once: the database may be gone when it is next asked for."""
        self.look()
        if self._read is not None and self._read.before is not self._changed_last:
            with contextlib.suppress(Unreadable):
                self._asked()

    def _on_changed(self, _app: Flask | None = None) -> None:
        self._changed_last = object()

    def _current(self) -> _Read:
        if self.is_watched and (known := self._known()):
            return known
        if self._trouble.may_ask():
            try:
                return self._asked()
            except SQLAlchemyError as error:
                self._trouble.began(error)
        if known := self._known():
            return known
        raise Unreadable

    def _known(self) -> _Read | None:
        """What was read last, if nothing is known to have changed since, and that has not been long ago."""
        read = self._read
        return read if read is not None and read.before is self._changed_last and self._is_sure() else None

    def _is_sure(self) -> bool:
        return time.monotonic() < self._sure_at + _OLD_SECONDS

    def _asked(self) -> _Read:
        if not self.is_watched or not self._is_sure():
            self.look()
        failures = self._trouble.failures
        with self._reading:
            if failures != self._trouble.failures:
                raise Unreadable  # whoever was first has waited for nothing, and so would each of the others in turn
            if self._read is None or self._read.before is not self._changed_last:
                self._read = self._read_all()
            return self._read

    def _read_all(self) -> _Read:
        """What changes meanwhile is noticed: then it is read once more."""
        before, session = self._changed_last, db.session()
        session.rollback()
        try:
            count = _count(session)
            connection = session.connection()  # which is faster than the session
            platforms: dict[str, _Row] = {row.token_hash: row for row in connection.execute(_PLATFORMS).all()}
            platforms |= {row.token_hash: row for row in connection.execute(_ALTERNATIVES).all()}
            client_infos = defaultdict[int, list[_Row]](list)
            for row in connection.execute(_CLIENT_INFOS).all():
                client_infos[row[0]].append(row)
            return _Read(before, count, platforms, client_infos)
        finally:
            session.rollback()


_PLATFORMS = select(Platform.token_hash, Platform.id, Platform.name, Platform.status, true().label("is_own")).where(
    Platform.token_out.is_not(None), Platform.token_hash.is_not(None)
)
_ALTERNATIVES = (
    select(AlternativeToken.token_hash, Platform.id, Platform.name, Platform.status, false().label("is_own"))
    .join(Platform, AlternativeToken.platform_id == Platform.id)
    .where(Platform.token_out.is_not(None), AlternativeToken.kind != Kind.INVITATION)
)
_CLIENT_INFOS = (
    select(ClientInfo.platform_id, ClientInfo.country_code, ClientInfo.party_id, ClientInfo.role, ClientInfo.status)
    .where(ClientInfo.registered)
    .order_by(ClientInfo.id)
)


def _count(session: Session) -> int:
    return session.scalar(select(Counter.value).where(Counter.name == HOLDERS)) or 0


@event.listens_for(db.session, "before_flush")
def _note(session: Session, *_arguments: object) -> None:
    """Whoever changes a token, a status or a role: the counter moves on in the same transaction."""
    if session.info.get(_NOTED) is session.get_transaction() or not _concerns_holders(session):
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


def _concerns_holders(session: Session) -> bool:
    made_or_gone = (*session.new, *session.deleted)
    concerned = Platform | ClientInfo | AlternativeToken
    return any(isinstance(row, concerned) for row in made_or_gone) or any(map(_is_changed, session.dirty))


def _is_changed(row: Any) -> bool:
    """In what is kept in memory: of a ClientInfo's status, only whether it is suspended."""
    if isinstance(row, ClientInfo):
        return _has_changed(row, _OF_CLIENT_INFO) or _is_suspended_or_resumed(row)
    return isinstance(row, Platform) and _has_changed(row, _OF_PLATFORM)


def _has_changed(row: Any, names: Sequence[str]) -> bool:
    attributes = inspect(row).attrs
    return any(attributes[name].history.has_changes() for name in names)


def _is_suspended_or_resumed(row: ClientInfo) -> bool:
    added, _, deleted = inspect(row).attrs.status.history
    was_unknown = bool(added) and not deleted
    return was_unknown or ConnectionStatus.SUSPENDED in (*(added or ()), *(deleted or ()))
