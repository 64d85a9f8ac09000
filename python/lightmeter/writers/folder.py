"""Logging a folder or another source into a store, each picture into the bucket it is from.

The time of a picture is that of its Exif, path, column, or of the last change of its file.
"""

import hashlib
import os
import platform
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice
from math import inf
from typing import Any, NamedTuple, Unpack

from lightmeter.batch.block import Work, blocks
from lightmeter.batch.fetching import loaded
from lightmeter.batch.profile import Executor, Run
from lightmeter.batch.running import Progress, workers_of
from lightmeter.batch.segments import GroupBy, SegmentBy, exif_of
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, RemotePart, Source, Wanted
from lightmeter.batch.sources.names import is_url, is_video_name, shown_url
from lightmeter.errors import ConflictError, ImageError
from lightmeter.files import path_bytes
from lightmeter.image.reading import LoggedOptions, Reading, reading_of
from lightmeter.image.video import Clip, span_of
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import Segment, SegmentedViews, parse_segment, segment_text
from lightmeter.store.inbox import Inbox
from lightmeter.store.store import Store
from lightmeter.text import visible
from lightmeter.times import DAY, EPOCH, bucket_start, parse_time, to_duration, to_utc
from lightmeter.writers.rows import target_of

# From a picture to when it is from.
DateOf = Callable[[Item], datetime | None]

_TAKEN = ("DateTimeOriginal", "DateTimeDigitized", "DateTime")  # offsets are OffsetTime...

_MOST_PARTS = 1024  # of a video, as a file may say any length

_FIELDS = {"Y": "year", "m": "month", "d": "day", "H": "hour", "M": "minute", "S": "second"}


def date_reader(source: str) -> DateOf:
    """Return a function from a picture to when it is from, in UTC; None where nothing says so.

    A time without a zone is local time, and a day without a time its midnight in UTC. It never
    waits for a pipe or a device: they have no Exif.

    Parameters
    ----------
    source
        Where dates come from:

        - ``"exif"``: when the picture was taken, or else digitized, or else changed. Where the
          camera noted its offset from UTC that is its zone. A video says when it begins.
        - ``"mtime"``: the time of modification of the file, for pictures that are files.
        - ``"column:NAME"``: a column of a table or manifest, or a key of the ``.json`` beside
          the picture in an archive. It holds times, or texts of ISO 8601, such as
          ``2024-05-01T10:30:00+02:00`` or ``20240501``.
        - ``"path:PATTERN"``: the last place in the path that looks like the pattern, with
          ``%Y %m %d`` and, if wanted, ``%H %M %S`` for digits, ``*`` for anything within a
          name, ``%%`` for a percent sign, and anything else for itself. A
          number does not match a part of a longer one. Of a picture in an archive or table the
          path is its name there, behind that of the archive.

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
        with suppress(OSError, OverflowError, ValueError):  # no picture, or out of all years
            return read(item)
        return None

    return date_of


def _modification_date(item: Item) -> datetime | None:
    if not isinstance(item.data, str):
        return None
    return EPOCH + timedelta(microseconds=os.stat(item.data).st_mtime_ns // 1000)


def _column_date(column: str, item: Item) -> datetime | None:
    value: Any = item.values.get(column)
    if isinstance(value, str | int):  # as a table has 20240501 without quotes
        value = parse_time(str(value).strip())
    return to_utc(value) if isinstance(value, date) else None


def _exif_date(item: Item) -> datetime | None:
    if _is_video(item):
        return span_of(item.data)[0]
    tags = exif_of(item.picture)
    for taken in _TAKEN:
        days, zone = tags.get(taken), None
        if isinstance(days, int | float):
            offset = tags.get(taken.replace("Date", "Offset"))
            with suppress(ValueError):
                zone = datetime.strptime(str(offset), "%z").tzinfo
            clock = EPOCH + timedelta(seconds=round(days * 86_400))
            return to_utc(clock.replace(tzinfo=zone))
    return None


def _path_date(expression: re.Pattern[str], item: Item) -> datetime | None:
    last = None
    for match in expression.finditer(item.name):
        fields = {name: int(digits) for name, digits in match.groupdict().items()}
        with suppress(ValueError):  # there is no such day
            last = to_utc((datetime if "hour" in fields else date)(**fields))
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
    """Yield a picture and the start of its bucket; a video file in a part for each bucket.

    The date of a video is that of its first frame.
    """
    begin, seconds = 0.0, 0.0
    with suppress(Exception):  # measuring it says what is wrong
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
    """Return the pictures of each bucket, sorted by its start; and the names of those that have
    none.

    Pictures that come as paths or addresses are held. Those that come with their bytes are read
    again from the source, once where it is sorted by time, and else once for each bucket.

    Parameters
    ----------
    items
        Those of `source`, which may have more bytes than those that it gives.
    date_of
        When a picture is from. What no bucket can hold, such as 9999-12-31, is none.
    every
        The length of the buckets.
    source
        What they are from.
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
    """Return a function from an item that may have its number in the source as data to the item.

    It goes on through the source, and from its start again for what lies behind.
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
        detail = "the source has fewer pictures than a moment ago"
        return replace(item, data=ImageError("vanished", detail))

    return whole


_SHOWN = 60  # characters of a name


class Logged(NamedTuple):
    """What `log_folder` put, by the start of the bucket, and what it left out.

    Attributes
    ----------
    profiles
        What was put of all images.
    undated
        Names of pictures that have no date.
    rolled_up
        Names of the pictures of buckets that `Store.gc` has deleted, or that hold the folder
        already and can no longer be replaced.
    segments
        With `segment_by`, how many images of each segment were measured. The profiles of segments
        are in the store alone.
    """

    profiles: dict[datetime, ProfileView]
    undated: list[str]
    rolled_up: dict[datetime, list[str]]
    segments: dict[datetime, dict[str, int]]


def log_folder(
    store: Store | str | os.PathLike[str] | None,
    folder: str | os.PathLike[str],
    dataset: str,
    *,
    inbox: Inbox | str | None = None,
    at: date | datetime | None = None,
    date_from: str | None = None,
    column: str | None = None,
    segment: Segment | None = None,
    segment_by: SegmentBy | None = None,
    group: GroupBy | None = None,
    every: str | timedelta | None = None,
    writer: str | None = None,
    reading: Reading | None = None,
    exemplars: int = 0,
    sample: int = 0,
    tags: Mapping[str, str] | None = None,
    workers: int | None = None,
    executor: Executor = "threads",
    resume: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    **options: Unpack[LoggedOptions],
) -> Logged:
    """Profile the images of a folder, or of an archive, table or address, into their buckets.

    The writer is the folder, by its real path: logging it again replaces what it gave to each
    bucket. In a store that is no file it is also of this machine, by the machine's name. What is
    elsewhere is the writer by its address, of the web without what follows the path. Buckets and
    segments that it has no images of any more are left as they are, and so are buckets that
    `Store.gc` has deleted, or rolled up with this folder in them: their files are not measured, but
    listed in the result.
    While a server is away the profiles wait on the disk of this machine. That needs `every`, and
    cannot be with `segment_by`.
    Folders that hold the same files count them twice.

    With `inbox` the profiles are objects there, whose number is the time of the call: the last call
    counts. Nothing is known of what the store has. So buckets last a day unless `every` says more.

    Pictures in compressed archives, tables and shards elsewhere are read once if they are sorted by
    time, and else once for each bucket; with ``date_from`` once more, to date them.

    Parameters
    ----------
    store
        The store, or its address, where a new one is made if there is none; None with `inbox`.
    folder
        A folder, file, glob pattern, archive, table, manifest or address, as for
        `lightmeter.profile_images`.
    dataset
        Name of what is watched.
    inbox
        An inbox in place of a store, or its address, such as ``"s3://bucket/drift"``.
    at
        When all of it is from; without a time zone it is local time. None takes now, unless
        `date_from` says more.
    date_from
        Where the date of each file comes from: ``"exif"``, ``"mtime"``, ``"column:NAME"`` or
        ``"path:PATTERN"`` such as ``"path:%Y-%m-%d"``; see `date_reader`. Files without a date are
        not measured, but listed in the result.
    column
        The column of images in a table, or of paths in a manifest, likewise.
    segment
        Of all images, such as ``{"camera": "left"}``.
    segment_by
        What segment an image belongs to besides, as for `lightmeter.profile_images`. The profile of
        each segment is put beside that of all images. Segments that the dataset has already are
        kept first; more are kept until there are 1000, in the order of the buckets and their paths.
    group
        What an image has in common with others, as for `lightmeter.profile_images`.
    every
        Length of the buckets of a new dataset; None takes that of the dataset, or a day.
    writer
        A name in place of the folder, such as where the name of the machine changes.
    reading
        How pictures are read.
    exemplars
        Pictures to keep to look at, as for `lightmeter.Profile`; none by default.
    sample
        Of how many images to keep the numbers for `lightmeter.check_image`, likewise, such as 256.
    tags
        What to say of the profiles, likewise.
    workers
        How many decode and measure at once; None takes one per processor.
    executor
        Who works, as for `lightmeter.profile_images`.
    resume
        A folder that keeps what is done, likewise.
    progress
        Called as ``progress(done, total)`` after each block, likewise.
    options
        What differs from `reading`, or from the default: see `lightmeter.Reading`.

    Raises
    ------
    FileNotFoundError
        `folder` does not exist.
    TypeError
        `at` is neither a date nor a datetime, or an option is unknown.
    ValueError
        Both `at` and `date_from`, or one of them is not understood, or `exemplars` or an option is
        out of range; or there is no such column.
    StoreError
        The store cannot take the profiles.
    BatchError
        A worker process died; the folder of `resume` cannot be written.
    ImportError
        A package that the source needs is not installed.

    Examples
    --------
    >>> lm.log_folder("drift.db", "photos/", "cells")
    """
    if at is not None and date_from is not None:
        raise ValueError("got both `at` and `date_from`; expected one of them")
    reading = reading_of(reading, options)
    read_date = None if date_from is None else date_reader(date_from)
    origins = date_from, segment_by, group
    source = source_of(folder, Wanted.of(reading, column, origins=origins))
    run = Run(workers_of(workers), executor, resume)
    work = Work(
        reading=reading,
        exemplars=exemplars,
        sample=sample,
        tags=tags,
        segment_by=segment_by,
        group=group,
        fixed=parse_segment(segment_text(segment)),
    )
    target, part = target_of(store, inbox), segment_text(segment)
    in_store = target if isinstance(target, Store) else None  # of an inbox nothing is known
    with nullcontext() if in_store is None or in_store is store else in_store:
        known = in_store.datasets() if in_store and every is None else {}
        length = known.get(dataset, DAY) if every is None else to_duration(every)
        if read_date is None:
            start = bucket_start(datetime.now(UTC) if at is None else at, length)
            buckets, undated = {start: source}, list[str]()
        else:
            items: Iterable[Item] = source
            if date_from == "exif":  # which is in the bytes of the pictures
                items = (item for block in blocks(source) for item in loaded(block, reading.limits))
            buckets, undated = by_bucket(items, read_date, length, source)
        writer = _writer(folder, target.address) if writer is None else writer
        gone, kept = set[datetime](), set[str]()  # segments that the dataset has besides
        if in_store:
            gone = buckets.keys() & in_store.rolled_up(dataset, writer=writer, segment=part)
            if segment_by and dataset in in_store.datasets():
                kept = {*map(segment_text, in_store.segments(dataset))} - {"", part}
        rolled_up = {start: [item.name for item in buckets.pop(start)] for start in sorted(gone)}
        logged = Logged({}, undated, rolled_up, {})
        # In an inbox the last call counts.
        more: Any = {} if in_store else {"seq": time.time_ns() // 1_000_000}
        put: Any = partial(target.put, dataset, writer=writer, every=length, **more)
        for start, done in _profiled(buckets, run, progress, work, kept):
            if len(done.whole):
                put(done.whole, at=start, segment=part)
                for text, view in done.items():
                    with suppress(ConflictError):  # it has been rolled up
                        put(view, at=start, segment=text)
                logged.profiles[start] = done.whole
                logged.segments[start] = {text: view.images for text, view in done.items()}
    return logged


def _profiled(
    buckets: Mapping[datetime, Source], run: Run, progress: Progress | None, *how: Any
) -> Iterator[tuple[datetime, SegmentedViews]]:
    """Yield the profiles of each bucket, with one progress for all."""
    total, before = sum(source.total or 0 for source in buckets.values()), 0

    def report(measured: int, came: int) -> None:
        if progress is not None:  # a total that is not known grows
            progress(before + measured, max(total, before + came))

    for start, source in buckets.items():
        done = replace(run, progress=report).profile(source, *how).views()
        before += source.total or 0
        yield start, done


def _writer(folder: str | os.PathLike[str], target: str) -> str:
    """Return one per folder, whose path stays at home. Where several machines write, it is of this
    one.

    What is elsewhere is the same from any machine.
    """
    if is_url(address := os.fsdecode(folder)):
        return f"address {visible(shown_url(address))}"
    path = path_bytes(os.path.realpath(folder))
    name = visible(path.rpartition(b"/")[2].decode(errors="replace"))[:_SHOWN]
    machine = f" of {visible(platform.node())[:_SHOWN]}" if "://" in target else ""
    return f"folder {name} {hashlib.sha256(path).hexdigest()[:16]}{machine}"
