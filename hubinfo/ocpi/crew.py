"""Threads that wait for peers."""

import queue
import threading
from collections.abc import Callable

Job = Callable[[], None]


class Crew:
    """As many daemon threads as there are jobs at once.

    Not concurrent.futures: that one joins its threads when the process ends, and a single hanging peer would hold up the end.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)

    def submit(self, job: Job) -> None:
        """Run the job in an idle thread, or in a new one. The job must not raise."""
        self._jobs.put(job)
        if not self._idle.acquire(blocking=False):
            threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            self._idle.release()
