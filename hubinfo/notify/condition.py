"""What is the case now, as the database has it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hubinfo.notify.kinds import Kind

Key = tuple[Kind, str]
"""A kind and whom it is about, by the short name."""


@dataclass(frozen=True)
class Condition:
    """Something that lasts."""

    since: datetime | None
    """None where nobody has written down when it began."""
    facts: dict[str, Any]
    """As JSON can say them."""
