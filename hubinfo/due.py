"""Stored times are not trusted: a clock that ran ahead has written some, and was set right."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_


def is_due(planned_at: Any, now: datetime, longest_seconds: float) -> ColumnElement[bool]:
    """Whether a planned time has come. One further ahead than the longest wait there is counts as come; none is not due."""
    return or_(planned_at <= now, planned_at > now + timedelta(seconds=longest_seconds))


def is_come(planned_at: datetime | None, now: datetime, longest_seconds: float) -> bool:
    """Whether a planned time has come, as `is_due` judges it in SQL."""
    return planned_at is not None and not now < planned_at <= now + timedelta(seconds=longest_seconds)


def no_later(at: datetime | None, now: datetime) -> datetime | None:
    """When something happened: what has not happened yet happens now."""
    return at and min(at, now)
