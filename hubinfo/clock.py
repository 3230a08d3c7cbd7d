"""The only clock: now in UTC, and OCPI's DateTime in and out."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

_DATE_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?Z?", re.ASCII)
_LENIENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d)?)?", re.ASCII
)
_MAX_LENGTH = 25
DATE_TIME_FORM = "a UTC date and time such as 2015-06-29T20:39:09Z, without offset, at most 25 characters"
LENIENT_FORM = "a UTC date and time such as 2015-06-29T20:39:09Z, or one with an offset"


def now() -> datetime:
    """The time in UTC, cut to milliseconds: what is stored is what is shown, so a date filter never misses by a fraction."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def parse(text: str) -> datetime:
    """Read an OCPI DateTime (OCPI 2.2.1 types, DateTime), with or without a fraction, with or without `Z`.

    Raises ValueError, naming the allowed form, for anything else.
    """
    match = _DATE_TIME.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise ValueError(f"must be {DATE_TIME_FORM}")
    *parts, fraction = match.groups()
    year, month, day, hour, minute, second = map(int, parts)
    try:
        return datetime(year, month, day, hour, minute, second, int((fraction or "0").ljust(6, "0")), tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"must be {DATE_TIME_FORM}: {error}") from None


def parse_leniently(text: str) -> datetime:
    """Read what peers send as a DateTime: also any number of fraction digits, any numeric offset, `t`, `z` and second 60.

    Digits after the microsecond are cut off. Raises ValueError, naming the allowed form, for anything else.
    """
    match = _LENIENT.fullmatch(text)
    if match is None:
        raise ValueError(f"must be {LENIENT_FORM}")
    *parts, fraction, sign, hours, minutes = match.groups()
    year, month, day, hour, minute, second = map(int, parts)
    leap = second == 60  # Python knows no such second; it is the first one of the next minute
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    try:
        local = datetime(year, month, day, hour, minute, second - leap, int((fraction or "0")[:6].ljust(6, "0")), tzinfo=UTC)
        return local + timedelta(seconds=leap) - offset
    except (ValueError, OverflowError) as error:
        raise ValueError(f"must be {LENIENT_FORM}: {error}") from None


def render(instant: datetime) -> str:
    """Write an instant as OCPI DateTime: UTC, three fraction digits, `Z`."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
