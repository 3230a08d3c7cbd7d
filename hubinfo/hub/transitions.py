"""What becomes of a ClientInfo's status when something happens: a table (OCPI 2.2.1 hubclientinfo, ConnectionStatus)."""

from collections.abc import Mapping
from enum import StrEnum

from hubinfo.models import ConnectionStatus

CONNECTED, OFFLINE, PLANNED, SUSPENDED = ConnectionStatus


class Event(StrEnum):
    """What can happen to a row."""

    INVITED = "invited"
    REGISTERED = "registered"
    HEARD = "heard"
    PROBE_FAILED = "probe_failed"
    """The n-th failed probe in a row, n = OFFLINE_AFTER_FAILURES."""
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    UNREGISTERED = "unregistered"


_TABLE: Mapping[tuple[ConnectionStatus, Event], ConnectionStatus] = {
    (PLANNED, Event.REGISTERED): CONNECTED,
    (PLANNED, Event.SUSPENDED): SUSPENDED,
    (PLANNED, Event.UNREGISTERED): SUSPENDED,
    (CONNECTED, Event.PROBE_FAILED): OFFLINE,
    (CONNECTED, Event.SUSPENDED): SUSPENDED,
    (CONNECTED, Event.UNREGISTERED): SUSPENDED,
    (OFFLINE, Event.REGISTERED): CONNECTED,
    (OFFLINE, Event.HEARD): CONNECTED,
    (OFFLINE, Event.SUSPENDED): SUSPENDED,
    (OFFLINE, Event.UNREGISTERED): SUSPENDED,
    (SUSPENDED, Event.REGISTERED): CONNECTED,
    (SUSPENDED, Event.RESUMED): OFFLINE,
}


def transition(status: ConnectionStatus, event: Event, *, by_operator: bool = False, registered: bool = True) -> ConnectionStatus:
    """The status after the event; the same one when the event changes nothing.

    `by_operator`: an operator suspended the row, so registering does not bring it back. `registered`: it has credentials, so
    resuming makes it OFFLINE until it answers; else PLANNED.
    """
    if event is Event.REGISTERED and by_operator and status is SUSPENDED:
        return SUSPENDED
    if event is Event.RESUMED and status is SUSPENDED and not registered:
        return PLANNED
    return _TABLE.get((status, event), status)
