"""Exif dates, which profiles keep in days since 1970, as people write them."""

import time
from datetime import UTC, datetime, timedelta

from lightmeter.exif import DATES
from lightmeter.viz.text import number

__all__ = ["age", "day", "is_date", "moment"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400  # seconds
_YEAR = 365.25  # days
_END = 2_932_897  # the day after the last one of the year 9999


def is_date(feature: str, greatest: float) -> bool:
    """Whether a feature is an Exif date, as ``image.DateTime`` is.

    Args:
        feature: its name.
        greatest: of its values; a table's times, which are in seconds, are beyond the calendar.
    """
    prefix, _, tag = feature.rpartition(".")
    return bool(prefix) and tag in DATES and greatest < _END


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
