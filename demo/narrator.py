"""Tells what happens, as it happens: every line is a log line of an instance, in words."""

import threading
import time
from typing import Any

from demo.instances import DemoFailed, Instance

_WAIT_SECONDS = 20


class Narrator:
    """Prints what instances log, and lets the story wait for it."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._seen: list[tuple[str, dict[str, Any]]] = []
        self._changed = threading.Condition()
        self._muted = False

    def heard(self, instance: Instance, line: dict[str, Any]) -> None:
        """An instance has logged a line."""
        words = _in_words(line)
        if words is not None:
            self.did(instance, words)
        with self._changed:
            self._seen.append((instance.name, line))
            self._changed.notify_all()

    def chapter(self, title: str) -> None:
        """What the story does next."""
        self.say(f"\n{self._now():5.2f} s  == {title}")

    def did(self, instance: Instance, words: str) -> None:
        """What an instance was made to do by a command that came through."""
        self.say(f"{self._now():5.2f} s  {instance.name}  {words}")

    def say(self, line: str) -> None:
        """Print a line, one at a time, until muted."""
        with self._changed:
            if not self._muted:
                print(line, flush=True)

    def mute(self) -> None:
        """The story has ended; that instances miss each other while they stop is no part of it."""
        with self._changed:
            self._muted = True

    def mark(self) -> int:
        """From here on, for `wait_for`."""
        with self._changed:
            return len(self._seen)

    def wait_for(self, since: int, *expected: tuple[str, dict[str, str]]) -> None:
        """Until each of these instances has logged a line with these values. Raises DemoFailed when one does not."""
        deadline = time.monotonic() + _WAIT_SECONDS
        with self._changed:
            while missing := [item for item in expected if not self._has(since, *item)]:
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    raise DemoFailed(f"{missing[0][0]} did not say {missing[0][1]} within {_WAIT_SECONDS} s")

    def _has(self, since: int, name: str, values: dict[str, str]) -> bool:
        return any(who == name and values.items() <= line.items() for who, line in self._seen[since:])

    def _now(self) -> float:
        return time.monotonic() - self._began


def _in_words(line: dict[str, Any]) -> str | None:
    match line["event"]:
        case "status_changed":
            reason = f": {line['reason']}" if line["reason"] != "-" else ""
            return f"keeps  {line['party']} {line['role']:<4} {line['status']} ({line['cause']}{reason})"
        case "told":
            return f"hears  {line['party']} {line['role']:<4} {line['status']} from {line['hub']}"
        case "synced":
            return f"pulls  the full list from {line['hub']}: {line['received']} received, {line['changed']} changed"
        case "platform_registered":
            return f"knows  {line['platform']} over OCPI {line['version']}"
        case "probe_failed":
            return f"asks   {line['platform']} whether it is still there: {line['reason']}"
        case _:
            return None
