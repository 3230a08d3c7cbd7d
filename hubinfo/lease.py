"""Exactly one: of all processes that serve one database, the holder of the lease does the background work."""

import os
import secrets
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hubinfo import clock, schema
from hubinfo.database import db, write
from hubinfo.models import Lease

NAME = "worker"
LEASE_SECONDS = 15.0
RENEW_SECONDS = 5.0
_LONGEST = timedelta(seconds=LEASE_SECONDS + 1)
"""From the look at the clock to the look at what was stored, a moment may pass."""


def _host() -> str:
    """Where a process number means something: the host and, in containers, the process namespace."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        namespace = "-"
    return f"{socket.gethostname()}/{namespace}"


def time_of(session: Session) -> datetime:
    """By which leases expire: one clock for all hosts, the database's; with SQLite there is one host and so one clock."""
    if session.get_bind().dialect.name == "postgresql":
        theirs: datetime = session.scalars(select(func.clock_timestamp())).one()
        return theirs
    return clock.now()


def is_held(session: Session) -> bool:
    """Whether some process holds the lease: one that is dead does not, though it had no time to hand it over."""
    lease = session.get(Lease, NAME)
    return lease is not None and _is_valid(lease, time_of(session))


def _is_valid(lease: Lease, now: datetime) -> bool:
    """Not if it expires later than a lease can: the clock has been set back. Who holds it renews it soon, if it is alive."""
    lives, lasts = _lives(lease.holder), lease.expires_at - now
    return lives is not False and timedelta() < lasts and (lives is True or lasts <= _LONGEST)


def ensure_schema() -> None:
    """Bring the schema up to date for a command, but not below a server that was written for it. Raises SchemaError."""
    if schema.is_older():
        served = is_held(db.session())
        db.session.rollback()
        if served:
            where = schema.shown_url()
            raise schema.SchemaError(
                f"database {where} is served by an older hubinfo; stop it first: this command would upgrade it"
            )
    schema.ensure()


class Claim:
    """One process's claim to the lease. Its methods need an app context, and raise SQLAlchemyError like any query."""

    def __init__(self, now: Callable[[Session], datetime] = time_of) -> None:
        self._now = now
        self.holder = f"{_host()}/{os.getpid()}/{secrets.token_hex(4)}"

    def acquire(self) -> bool:
        """Take the lease if it is free, expired, or its holder is dead; renew it if it is ours. Whether we hold it now."""
        # Looked at without the write lock first: those who wait for the lease ask every second.
        if self._is_taken(db.session()):
            db.session.rollback()
            return False
        with write() as session:
            if self._is_taken(session):
                return False
            expires_at = self._now(session) + timedelta(seconds=LEASE_SECONDS)
            session.merge(Lease(name=NAME, holder=self.holder, expires_at=expires_at))
            return True

    def _is_taken(self, session: Session) -> bool:
        lease = session.get(Lease, NAME, populate_existing=True)
        if lease is None or lease.holder == self.holder:
            return False
        return _is_valid(lease, self._now(session))

    def release(self) -> None:
        """Let another take it at once."""
        with write() as session:
            lease = session.get(Lease, NAME)
            if lease is not None and lease.holder == self.holder:
                lease.expires_at = self._now(session)


def _lives(holder: str) -> bool | None:
    """Whether the holder is a process of this host, or was one; None on another host, of which only the expiry tells."""
    host, _, rest = holder.rpartition("/")[0].rpartition("/")
    if host != _host() or not rest.isdecimal():
        return None
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
