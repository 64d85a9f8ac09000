"""Time buckets: when a profile in a store is from."""

from datetime import UTC, date, datetime, timedelta

from lightmeter.times import to_utc

_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_WEEK = timedelta(weeks=1)


def bucket_start(at: datetime | date, every: timedelta) -> datetime:
    """Start of the bucket of length `every` that holds `at`.

    Buckets count from Monday, 5 January 1970, 00:00 UTC, in both directions, so days start at
    midnight and weeks on a Monday.

    Raises:
        ValueError: the bucket does not lie within the years 1 to 9999, the only ones that a
            datetime can name.
    """
    try:
        start = (utc := to_utc(at)) - (utc - _MONDAY) % every
        start + every
    except OverflowError:
        raise ValueError(
            f"got {at}, whose bucket does not begin and end within the years 1 to 9999"
        ) from None
    return start
