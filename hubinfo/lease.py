"""Exactly one: of all processes that serve one database, the holder of the lease does the background work."""

import os
import secrets
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.models import Lease

NAME = "worker"
LEASE_SECONDS = 15.0
RENEW_SECONDS = 5.0


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
    return lease is not None and lease.expires_at > time_of(session) and not _is_dead(lease.holder)


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
        return lease.expires_at > self._now(session) and not _is_dead(lease.holder)

    def release(self) -> None:
        """Let another take it at once."""
        with write() as session:
            lease = session.get(Lease, NAME)
            if lease is not None and lease.holder == self.holder:
                lease.expires_at = self._now(session)


def _is_dead(holder: str) -> bool:
    """Whether the holder was a process of this host that no longer is; of other hosts only the expiry tells."""
    host, _, rest = holder.rpartition("/")[0].rpartition("/")
    if host != _host() or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
