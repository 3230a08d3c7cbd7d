"""What an operator is told of: how each thing that lasts is called when it begins and when it ends."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from hubinfo.config import Settings


class Kind(StrEnum):
    """A concern's kind."""

    OWN_FAULT = "own_fault"
    """All watched platforms fail at once: the fault is here. While it lasts, nothing else is told."""
    OFFLINE = "offline"
    SILENT = "silent"
    """A hub is OFFLINE for us, a party of it."""
    UNTOLD = "untold"
    PULL = "pull"
    """A hub's list cannot be pulled."""
    SUSPENDED = "suspended"
    PLANNED = "planned"
    BEGUN = "begun"
    """Not a concern: since when we tell at all."""


@dataclass(frozen=True)
class Names:
    """The types of the events, and what their data calls those that they are about."""

    begins: str
    ends: str | None = None
    flapping: str | None = None
    about: str = "parties"


NAMES = {
    Kind.OWN_FAULT: Names("own_fault.begun", "own_fault.ended"),
    Kind.OFFLINE: Names("party.offline", "party.back", "party.flapping"),
    Kind.SILENT: Names("hub.silent", "hub.back", "hub.flapping"),
    Kind.UNTOLD: Names("platform.untold", "platform.told", about="platforms"),
    Kind.PULL: Names("hub.pull_failing", "hub.pulled", about="platforms"),
    Kind.SUSPENDED: Names("party.suspended"),
    Kind.PLANNED: Names("party.planned"),
}
TYPES = [
    *[name for names in NAMES.values() for name in (names.begins, names.flapping) if name],
    *[names.ends for names in NAMES.values() if names.ends],
]
"""In the order in which a message has them: what is the matter, then what no longer is."""
HAPPENINGS = {Kind.SUSPENDED, Kind.PLANNED}
"""These are news when they happen, and no trouble that lasts."""


def seconds_before_told(settings: Settings) -> dict[Kind, float]:
    """How long each must have lasted; what is not named is told of at once."""
    offline, untold = settings.notify_offline_seconds, settings.notify_untold_seconds
    return {Kind.OFFLINE: offline, Kind.SILENT: offline, Kind.UNTOLD: untold, Kind.PULL: untold}


def spread(settings: Settings) -> timedelta:
    """What has one cause becomes known within this time: each platform is asked when it has been silent for so long."""
    return timedelta(seconds=min(settings.keepalive_seconds, settings.notify_quiet_seconds))
