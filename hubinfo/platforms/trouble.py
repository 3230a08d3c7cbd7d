"""A database that cannot be asked, seen by those who must not wait for it each time."""

import logging
import time

from sqlalchemy.exc import SQLAlchemyError

from hubinfo.database import cause
from hubinfo.logs import say

_log = logging.getLogger(__name__)
_PAUSE_SECONDS = 5.0
_SILENT_SECONDS = 60.0
"""Between two lines in the log."""


class Trouble:
    """While it lasts the database is asked now and then, by one request, which may have to wait for its timeout."""

    def __init__(self) -> None:
        self.failures = 0
        self._ask_at = 0.0
        self._said_at = float("-inf")

    def may_ask(self) -> bool:
        """Always, while there is none."""
        now = time.monotonic()
        if not self._ask_at:
            return True
        if now < self._ask_at:
            return False
        self._ask_at = now + _PAUSE_SECONDS
        return True

    def began(self, error: SQLAlchemyError) -> None:
        """Or goes on."""
        now = time.monotonic()
        self.failures += 1
        self._ask_at = now + _PAUSE_SECONDS
        if now >= self._said_at + _SILENT_SECONDS:
            self._said_at = now
            say(_log, logging.WARNING, "holders_unreadable", reason=f"database: {cause(error)}")

    def ended(self) -> None:
        """The database has answered."""
        self._ask_at = 0.0
