"""Commits of other processes, noticed at once. Only sooner: what is missed here is seen by the worker's poll."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine

from hubinfo.database import CHANGED, cause
from hubinfo.job import Faults
from hubinfo.logs import say

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.03
"""How often an SQLite file is looked at: each look takes some 0.1 ms."""
_LISTEN_SECONDS = 0.2
_RETRY_SECONDS = 1.0


def watch(engine: Engine, stopped: threading.Event, wake: Callable[[], None], lost: Callable[[], None]) -> None:
    """Call `wake` soon after any process has committed what others may wait for; until stopped.

    `lost` is called when commits are no longer seen, for now or for good. Neither may raise.
    """
    watch_database = _watch_file if engine.dialect.name == "sqlite" else _listen
    faults = Faults()

    def committed() -> None:
        faults.over("watch")
        wake()

    while not stopped.is_set():
        try:
            with engine.connect() as connection:
                connection.detach()  # kept for good, it would be missing in the pool
                try:
                    watch_database(connection, stopped, committed)
                except Exception:
                    connection.invalidate()  # else it is rolled back first, which fails once more
                    raise
        except Exception as error:
            if failures := faults.failed("watch", error):
                reason = f"{type(error).__name__}: {cause(error)}"
                say(_log, logging.WARNING, "watch_failed", failures=failures, reason=reason)
            lost()
            stopped.wait(_RETRY_SECONDS)
    lost()


def _watch_file(connection: Connection, stopped: threading.Event, wake: Callable[[], None]) -> None:
    """SQLite tells nobody, but to a connection `data_version` tells cheaply whether others have committed."""
    raw: Any = connection.connection.dbapi_connection
    seen = None
    while not stopped.wait(_LOOK_SECONDS):
        version = raw.execute("PRAGMA data_version").fetchone()
        if version != seen:
            seen = version
            wake()


def _listen(connection: Connection, stopped: threading.Event, wake: Callable[[], None]) -> None:
    raw: Any = connection.connection.dbapi_connection
    raw.autocommit = True
    raw.execute(f"LISTEN {CHANGED}")
    wake()  # for what was committed before
    while not stopped.is_set():
        for _ in raw.notifies(timeout=_LISTEN_SECONDS, stop_after=1):
            wake()
