"""Long lists, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request

SIZE = 50


@dataclass(frozen=True)
class Pages:
    """Which part of a list is shown; a page beyond the last is the last."""

    total: int
    asked: int
    size: int = SIZE

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // self.size))

    @property
    def number(self) -> int:
        """The number of this page, from 1."""
        return min(self.asked, self.last)

    @property
    def offset(self) -> int:
        """How many come before."""
        return (self.number - 1) * self.size

    @property
    def end(self) -> int:
        """How many there are up to and with this page."""
        return min(self.offset + self.size, self.total)

    def of(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The part of the whole list."""
        return rows[self.offset : self.end]


def asked() -> int:
    """The page that the request asks for."""
    text = request.args.get("page", "")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else 1
