"""What is kept how long: changes of status and what operators did for HISTORY_DAYS, of pushes and probes the latest."""

import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from hubinfo.database import write
from hubinfo.hub import activity, history
from hubinfo.models import Action

PAUSE_SECONDS = 0.1
"""Who waits for SQLite's write lock looks only now and then whether it is free: without pauses it would never find it so."""


def forget_before(cutoff: datetime, goes_on: Callable[[], bool], pause: Callable[[float], object] = time.sleep) -> None:
    """In steps, so that nobody waits long for the write lock; until nothing is left, or it is not to go on."""
    with write() as session:
        session.execute(delete(Action).where(Action.at < cutoff))
    while goes_on() and _forget_some(cutoff):
        pause(PAUSE_SECONDS)


def _forget_some(cutoff: datetime) -> bool:
    steps: tuple[Callable[[Session], bool], ...] = (lambda session: history.forget_before(session, cutoff) > 0, activity.forget)
    found = [_in_a_step(step) for step in steps]
    return any(found)


def _in_a_step(forget_some: Callable[[Session], bool]) -> bool:
    with write() as session:
        return forget_some(session)
