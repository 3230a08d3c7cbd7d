"""What is kept how long: changes of status and what operators did for HISTORY_DAYS, of pushes and probes the latest."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete

from hubinfo.database import write
from hubinfo.hub import activity, history
from hubinfo.models import Action


def forget_before(cutoff: datetime, goes_on: Callable[[], bool]) -> None:
    """In steps, so that nobody waits long for the write lock; until nothing is left, or it is not to go on."""
    with write() as session:
        activity.forget(session)
        session.execute(delete(Action).where(Action.at < cutoff))
    while goes_on() and _forget_some(cutoff):
        pass


def _forget_some(cutoff: datetime) -> bool:
    with write() as session:
        return history.forget_before(session, cutoff) > 0
