"""What is the case now, as the database has it, and what of it is kept as told or to be told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from hubinfo.notify.kinds import Kind

Key = tuple[Kind, str]
"""A kind and whom it is about, by the short name."""
Facts = dict[str, Any]
"""As JSON can say them."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that lasts."""

    since: datetime | None
    """None where nobody has written down when it began."""
    facts: Callable[[], Facts]
    """Asked for only when it is told: most of what lasts has been."""


class Kept(NamedTuple):
    """A row of models.Concern. There may be thousands, looked at all the time."""

    id: int
    kind: str
    subject: str
    since: datetime | None
    told: bool
    told_at: datetime | None
