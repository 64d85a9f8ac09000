"""Exif dates, which profiles keep in days since 1970, as people write them."""

import time
from datetime import UTC, datetime, timedelta

from lightmeter.text import number

__all__ = ["age", "day", "moment"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400  # seconds
_YEAR = 365.25  # days


def moment(days: float) -> datetime:
    """The time that many days after the beginning of 1970.

    Raises:
        OverflowError: it is in no year from 1 to 9999.
        ValueError: `days` is NaN.
    """
    return _EPOCH + timedelta(days=days)


def day(days: float) -> str:
    """The day, as ``2022-09-07``; what the calendar lacks is a number."""
    try:
        return moment(days).date().isoformat()
    except (OverflowError, ValueError):
        return number(days)


def age(days: float) -> str:
    """How long ago that is, as ``2.3 years``."""
    return f"{(time.time() / _DAY - days) / _YEAR:.1f} years"
