"""Everything that any logger says while a test listens."""

import logging
import threading
import time


class Captured(logging.Handler):
    """All that any logger says: as our own handler would print it, and with all that a record carries."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.raw: list[str] = []
        self.names: set[str] = set()
        self._said = threading.Condition()
        self._loggers = {logger: logger.level for logger in map(logging.getLogger, (None, "hubinfo", "werkzeug", "urllib3"))}

    def __enter__(self) -> "Captured":
        logging.getLogger().addHandler(self)
        logging.getLogger("hubinfo").addHandler(self)  # it does not propagate; the others do
        self.setFormatter(logging.getLogger("hubinfo").handlers[0].formatter)
        self.listen()
        return self

    def listen(self) -> None:
        """Anew after each command: it silences our logger in its process, which here is the hub's."""
        for logger in self._loggers:
            logger.setLevel(logging.DEBUG)

    def __exit__(self, *_: object) -> None:
        for logger, level in self._loggers.items():
            logger.removeHandler(self)
            logger.setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        with self._said:
            self.lines.append(self.format(record))
            self.raw.append(f"{record.getMessage()} {record.__dict__}")
            self.names.add(record.name)
            self._said.notify_all()

    def wait_for(self, start: str, seconds: float = 20) -> str:
        """The first line with this in it."""
        deadline = time.monotonic() + seconds
        with self._said:
            while not (found := [line for line in self.lines if start in line]):
                assert self._said.wait(deadline - time.monotonic()), f"never said: {start}"
        return found[0]
