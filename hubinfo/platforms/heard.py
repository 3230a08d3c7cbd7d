"""Who was heard when: kept in memory and written in one batch, so that it costs a request next to nothing."""

import threading
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from hubinfo.database import write
from hubinfo.job import Faults
from hubinfo.platforms.parties import Parties


class Heard:
    """The last message of each platform since the last write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: dict[int, datetime] = {}
        self._own_at: dict[int, datetime] = {}
        """The last one with the platform's own token, not with an alternative one."""
        self._writing = threading.Lock()
        self._faults = Faults()
        self.wake: Callable[[], None] | None = None
        """Has another thread write; None where nobody works in the background."""

    def note(self, platform_id: int, at: datetime, *, own_token: bool = True) -> None:
        """This platform has sent a message, with its own token or an alternative one."""
        with self._lock:
            self._at[platform_id] = at
            if own_token:
                self._own_at[platform_id] = at

    def take(self) -> dict[int, datetime]:
        """All that has been noted, and forget it."""
        with self._lock:
            taken, self._at = self._at, {}
            return taken

    def put_back(self, taken: dict[int, datetime]) -> None:
        """What could not be written; what was noted meanwhile is newer."""
        with self._lock:
            self._at = taken | self._at

    def write(self, parties: Parties) -> None:
        """Write down all that has been noted; what cannot be written is kept for the next time."""
        with self._writing:
            with self._lock:
                own, self._own_at = self._own_at, {}
            taken = self.take()
            try:
                if taken:
                    with write():
                        parties.heard({key: at for key, at in taken.items() if own.get(key) != at})
                        parties.heard(own, presented=True)
            except Exception:
                self.put_back(taken)
                with self._lock:
                    self._own_at = own | self._own_at
                raise

    def write_at_once(self, parties: Parties) -> None:
        """Without a request waiting for it, where there is another thread; never raises for a database that cannot be written."""
        if self.wake is not None:
            self.wake()
            return
        try:
            self.write(parties)
            self._faults.over("write_heard")
        except SQLAlchemyError as error:
            self._faults.report("write_heard", error)
