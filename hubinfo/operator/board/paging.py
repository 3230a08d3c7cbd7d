"""Long lists, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request

from hubinfo.operator import log_book

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


def before() -> int | None:
    """The id that all that is shown comes before; None from the newest on."""
    text = request.args.get("before", "")
    return min(int(text), log_book.LAST_ID) if text.isascii() and text.isdigit() and len(text) < 19 else None


def newest(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of one row more than is shown, asked for to see whether there are older ones."""
    shown = rows[:SIZE]
    return {"rows": shown, "older": shown[-1]["id"] if len(rows) > SIZE else None, "before": before()}
