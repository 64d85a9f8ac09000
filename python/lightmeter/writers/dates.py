"""The date of an image, and so its bucket: from Exif, path, column or modification time."""

import datetime as dt
import os
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from math import inf
from typing import Any

from lightmeter.batch.segments import exif_of
from lightmeter.batch.sources.item import Item, RemotePart, Source
from lightmeter.batch.sources.names import is_video_name
from lightmeter.errors import ImageError
from lightmeter.image.video import Clip, span_of
from lightmeter.times import EPOCH, bucket_start, parse_time, to_utc

# From an image to its date.
DateOf = Callable[[Item], datetime | None]

_TAKEN = ("DateTimeOriginal", "DateTimeDigitized", "DateTime")  # offsets are OffsetTime...

_MOST_PARTS = 1024  # of a video, because a file may claim any length

_FIELDS = {"Y": "year", "m": "month", "d": "day", "H": "hour", "M": "minute", "S": "second"}


def date_reader(source: str) -> DateOf:
    """Return a function that returns the date of an image in UTC, or None if it has no date.

    A time without a zone is local time, and a date without a time is its midnight in UTC. The
    function never waits for pipes and devices, which have no Exif.

    Parameters
    ----------
    source
        The source of the dates:

        - ``"exif"``: the time at which the image was taken, or else digitized, or else changed, in
          the zone that the camera recorded, if any. A video file has the time of its beginning.
        - ``"mtime"``: the modification time of the file, for images that are files.
        - ``"column:NAME"``: a column of a table or manifest, or a key of the ``.json`` beside
          the image in an archive. It contains times, or texts in ISO 8601, such as
          ``2024-05-01T10:30:00+02:00`` or ``20240501``.
        - ``"path:PATTERN"``: the last part of the path that matches the pattern, in which
          ``%Y %m %d`` and optionally ``%H %M %S`` stand for digits, ``*`` for any text within a
          name, ``%%`` for a percent sign, and everything else for itself. A number does not match
          a part of a longer number. The path of an image in an archive or table is its name there,
          after that of the archive.

    Raises
    ------
    ValueError
        `source` is none of these.
    """
    kind, _, rest = source.partition(":")
    if source in ("exif", "mtime"):
        read = {"exif": _exif_date, "mtime": _modification_date}[source]
    elif kind == "path" and rest:
        read = partial(_path_date, re.compile(_expression(rest)))
    elif kind == "column" and rest:
        read = partial(_column_date, rest)
    else:
        raise ValueError(
            f"got {source!r} as the source of dates; expected 'exif', 'mtime', 'column:NAME' or "
            "'path:PATTERN', such as 'path:%Y-%m-%d'"
        )

    def date_of(item: Item) -> datetime | None:
        with suppress(OSError, OverflowError, ValueError):  # no image, or no year of the calendar
            return read(item)
        return None

    return date_of


def _modification_date(item: Item) -> datetime | None:
    if not isinstance(item.data, str):
        return None
    return EPOCH + timedelta(microseconds=os.stat(item.data).st_mtime_ns // 1000)


def _column_date(column: str, item: Item) -> datetime | None:
    value: Any = item.values.get(column)
    if isinstance(value, str | int):  # int, because a table may have 20240501 without quotes
        value = parse_time(str(value).strip())
    return to_utc(value) if isinstance(value, dt.date) else None


def _exif_date(item: Item) -> datetime | None:
    if _is_video(item):
        return span_of(item.data)[0]
    tags = exif_of(item.picture)
    for date in _TAKEN:
        days, zone = tags.get(date), None
        if isinstance(days, int | float):
            offset = tags.get(date.replace("Date", "Offset"))
            with suppress(ValueError):
                zone = datetime.strptime(str(offset), "%z").tzinfo
            clock = EPOCH + timedelta(seconds=round(days * 86_400))
            return to_utc(clock.replace(tzinfo=zone))
    return None


def _path_date(expression: re.Pattern[str], item: Item) -> datetime | None:
    last = None
    for match in expression.finditer(item.name):
        fields = {name: int(digits) for name, digits in match.groupdict().items()}
        with suppress(ValueError):  # no such day
            last = to_utc((datetime if "hour" in fields else dt.date)(**fields))
    return last


def _expression(pattern: str) -> str:
    names = [name for name in re.findall("%(.?)", pattern, re.DOTALL) if name != "%"]
    if len({*names}) < len(names) or not {*"Ymd"} <= {*names} <= {*_FIELDS}:
        raise ValueError(
            f"got the pattern {pattern!r}; expected %Y, %m and %d once each, and at most one each "
            "of %H, %M and %S"
        )

    def digits(match: re.Match[str]) -> str:
        count = 4 if match[1] == "Y" else 2
        return rf"(?P<{_FIELDS[match[1]]}>\d{{{count}}})" if match[1] != "%" else "%"

    text = re.sub("%(.)", digits, re.escape(pattern).replace(r"\*", "[^/]*?"))
    return rf"(?<!\d)(?:{text})(?!\d)"


def _is_video(item: Item) -> bool:
    return isinstance(item.data, str) and is_video_name(item.data)


def _parts(item: Item, at: datetime, every: timedelta) -> Iterator[tuple[datetime, Item]]:
    """Yield an image with the start of its bucket; a video file in one part for each bucket.

    The date of a video is that of its first frame.
    """
    begin, seconds = 0.0, 0.0
    with suppress(Exception):  # measuring reports the error
        seconds = span_of(item.data)[1] if _is_video(item) else 0.0
    for _ in range(_MOST_PARTS):
        start = bucket_start(at + timedelta(seconds=begin), every)
        end = (start + every - at).total_seconds()
        if end >= seconds:
            yield start, replace(item, data=Clip(item.data, begin, inf)) if begin else item
            return
        yield start, replace(item, data=Clip(item.data, begin, end))
        begin = end


def by_bucket(
    items: Iterable[Item], date_of: DateOf, every: timedelta, source: Source
) -> tuple[dict[datetime, Source], list[str]]:
    """Return the images of each bucket, in order of time, and the names of images without a date.

    Paths and addresses of images are kept. Images that come as bytes are read again from the
    source: once if it is sorted by time, and otherwise once for each bucket.

    Parameters
    ----------
    items
        The items of `source`, possibly with more of their bytes loaded.
    date_of
        The function that returns the date of an image. A date without a valid bucket, such as
        9999-12-31, counts as no date.
    every
        The length of the buckets.
    source
        The source of the items.
    """
    buckets, without = defaultdict[datetime, list[Item]](list), list[str]()
    for number, item in enumerate(items):
        at, is_dated = date_of(item), False
        with suppress(ValueError, OverflowError):
            for start, part in _parts(item, at, every) if at is not None else ():
                is_light = isinstance(part.data, str | Clip | RemotePart | ImageError)
                buckets[start].append(part if is_light else replace(part, data=number))
                is_dated = True
        if not is_dated:
            without.append(item.name)
    whole = _whole_items(source)
    return {
        start: Source(partial(map, whole, held), len(held))
        for start, held in sorted(buckets.items())
    }, without


def _whole_items(source: Source) -> Callable[[Item], Item]:
    """Return a function that replaces an item whose data is its number by the item of `source`.

    It reads the source forward, and from the start again for a lower number.
    """
    items: Iterator[Item] = iter(())
    following = sys.maxsize

    def whole(item: Item) -> Item:
        nonlocal items, following
        number = item.data
        if not isinstance(number, int):
            return item
        if number < following:
            items, following = iter(source), 0
        skipped, following = number - following, number + 1
        if again := next(islice(items, skipped, None), None):
            return again
        detail = "the source has fewer images than before"
        return replace(item, data=ImageError("vanished", detail))

    return whole
