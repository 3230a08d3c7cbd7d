"""What all ways of sending a message have in common."""

from typing import Protocol

from hubinfo.notify.outbox import Message


class NotSent(Exception):
    """The message did not get through; in a few words why, and no secret in them."""


class PartlySent(NotSent):
    """Some have got it, and would get it again; others never will."""


class Channel(Protocol):
    """One way, to one place."""

    def send(self, message: Message) -> None:
        """Within a limited time. Raises NotSent, and PartlySent where another attempt would do more harm than good."""
        ...

    def __str__(self) -> str:
        """Where it leads, as an operator may see it: without secrets."""
        ...
