"""Who was heard when: kept in memory and written in one batch, so that it costs a request next to nothing."""

import threading
from datetime import datetime


class Heard:
    """The last message of each platform since the last write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: dict[int, datetime] = {}

    def note(self, platform_id: int, at: datetime) -> None:
        """This platform has sent a message."""
        with self._lock:
            self._at[platform_id] = at

    def take(self) -> dict[int, datetime]:
        """All that has been noted, and forget it."""
        with self._lock:
            taken, self._at = self._at, {}
            return taken

    def put_back(self, taken: dict[int, datetime]) -> None:
        """What could not be written; what was noted meanwhile is newer."""
        with self._lock:
            self._at = taken | self._at
