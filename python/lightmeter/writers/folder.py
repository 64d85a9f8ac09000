"""Logging a folder or another source into a store, each image into the bucket of its date.

The time of an image is that of its Exif, path, column, or of the last change of its file.
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
from itertools import chain, islice
from math import inf
from typing import Any, NamedTuple, Unpack

from lightmeter.batch.block import Work
from lightmeter.batch.profile import Executor, Run
from lightmeter.batch.running import Progress, blocks, workers_of
from lightmeter.batch.segments import GroupBy, SegmentBy, exif_of
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, RemotePart, Source, Wanted
from lightmeter.batch.sources.names import is_url, is_video_name, shown_url
from lightmeter.batch.sources.remote import loaded
from lightmeter.errors import ConflictError, ImageError
from lightmeter.files import AnyPath, path_bytes
from lightmeter.image.reading import LoggedOptions, Reading, reading_of
from lightmeter.image.video import Clip, span_of
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import Segment, SegmentedViews, parse_segment, segment_text
from lightmeter.store.inbox import Inbox
from lightmeter.store.store import Store
from lightmeter.text import visible
from lightmeter.times import DAY, EPOCH, bucket_start, parse_time, to_duration, to_utc
from lightmeter.writers.rows import target_of

# From an image to its date.
DateOf = Callable[[Item], datetime | None]

_TAKEN = ("DateTimeOriginal", "DateTimeDigitized", "DateTime")  # offsets are OffsetTime...

_MOST_PARTS = 1024  # of a video, because a file may claim any length

_FIELDS = {"Y": "year", "m": "month", "d": "day", "H": "hour", "M": "minute", "S": "second"}


def date_reader(source: str) -> DateOf:
    """Return a function that returns the date of an image in UTC, or None if it has no date.

    The function raises OSError, OverflowError or ValueError if it cannot read a date. A time
    without a zone is local time, and a date without a time is its midnight in UTC. It never waits
    for pipes and devices, which have no Exif.

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
        return {"exif": _exif_date, "mtime": _modification_date}[source]
    if kind == "path" and rest:
        return partial(_path_date, re.compile(_expression(rest)))
    if kind == "column" and rest:
        return partial(_column_date, rest)
    raise ValueError(
        f"got {source!r} as the source of dates; expected 'exif', 'mtime', 'column:NAME' or "
        "'path:PATTERN', such as 'path:%Y-%m-%d'"
    )


def _modification_date(item: Item) -> datetime | None:
    if not isinstance(item.data, str):
        return None
    return EPOCH + timedelta(microseconds=os.stat(item.data).st_mtime_ns // 1000)


def _column_date(column: str, item: Item) -> datetime | None:
    value: Any = item.values.get(column)
    if isinstance(value, str | int):  # int, because a table may have 20240501 without quotes
        value = parse_time(str(value).strip())
    return to_utc(value) if isinstance(value, date) else None


def _exif_date(item: Item) -> datetime | None:
    if _is_video(item):
        return span_of(item.data)[0]
    tags = exif_of(item.image)
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
        with suppress(ValueError):  # no such day
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
        The function that returns the date of an image; see `date_reader`. A date without a valid
        bucket, such as 9999-12-31, counts as no date, and so does an error.
    every
        The length of the buckets.
    source
        The source of the items.
    """
    buckets, without = defaultdict[datetime, list[Item]](list), list[str]()
    for number, item in enumerate(items):
        is_dated = False
        with suppress(OSError, OverflowError, ValueError):  # no image, or no year of the calendar
            for start, part in _parts(item, at, every) if (at := date_of(item)) else ():
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
        gone = ImageError("vanished", "the source has fewer images than before")
        return next(islice(items, skipped, None), None) or replace(item, data=gone)

    return whole


_SHOWN = 60  # characters of a name


class Logged(NamedTuple):
    """The profiles that `log_folder` put, and the images that it left out.

    Attributes
    ----------
    profiles
        The profile of all images of each bucket, by the start of the bucket.
    undated
        The names of images without a date.
    rolled_up
        The names of the images of each bucket that accepts no profile of this folder any more,
        because `Store.gc` has deleted it or rolled it up with an earlier one.
    segments
        With `segment_by`, the number of images in each segment of each bucket. The profiles of
        segments are in the store only.
    """

    profiles: dict[datetime, ProfileView]
    undated: list[str]
    rolled_up: dict[datetime, list[str]]
    segments: dict[datetime, dict[str, int]]


def log_folder(
    store: Store | AnyPath | None,
    folder: AnyPath,
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
    resume: AnyPath | None = None,
    progress: Progress | None = None,
    **options: Unpack[LoggedOptions],
) -> Logged:
    """Profile the images of a folder, archive, table or address into the buckets of a dataset.

    The folder itself is the writer, so logging it again replaces its earlier profiles and counts no
    image twice. Two folders that contain the same files count them twice. The name of the writer
    contains a digest of the real path of the folder and, unless the store is a file, the name of
    this machine. The writer of a remote source is its address, without a query.

    Buckets and segments that no longer have images in the folder keep their profiles. So do buckets
    that `Store.gc` has deleted, or has rolled up with this folder: their files are not measured,
    but listed in the result.

    While a server is unavailable, the profiles wait on the disk of this machine, if `every` is
    given, or known from an earlier call, and `segment_by` is not given.

    With `inbox`, each profile is an object whose number is the time of the call, so the last call
    counts. An inbox does not know the store, so buckets last a day unless `every` is given.

    Images in archives and tables are read once if they are sorted by time, and otherwise once for
    each bucket; ``date_from`` reads them once more, for their dates.

    Parameters
    ----------
    store
        The store, or its address, where a store is created if there is none; None with `inbox`.
    folder
        A folder, file, glob pattern, archive, table, manifest or address, as for
        `lightmeter.profile_images`.
    dataset
        The name of the dataset.
    inbox
        An inbox, or its address such as ``"s3://bucket/drift"``, in place of a store.
    at
        The time of all images, local without a time zone; a date means its midnight in UTC. None
        takes the clock, unless `date_from` is given.
    date_from
        The source of the date of each file: ``"exif"``, ``"mtime"``, ``"column:NAME"`` or
        ``"path:PATTERN"``, such as ``"path:%Y-%m-%d"``; see `date_reader`. Files without a date are
        not measured, but listed in the result.
    column
        The column of images in a table, or of paths in a manifest.
    segment
        The segment of all images, such as ``{"camera": "left"}``.
    segment_by
        How to find a further segment for each image, as for `lightmeter.profile_images`. The
        profile of each segment is put in addition to that of all images. Existing segments of the
        dataset take precedence; new ones are added up to 1000, in the order of buckets and paths.
    group
        How to find the group of dependent images that an image belongs to, as for
        `lightmeter.profile_images`.
    every
        The length of the buckets of a new dataset; None takes that of the dataset, or a day.
    writer
        The name of the writer in place of that of the folder, for example if the name of the
        machine changes.
    reading
        How images are read; None takes the default.
    exemplars
        The number of thumbnails to keep, as for `lightmeter.Profile`; none by default.
    sample
        The number of images whose numbers are kept for `lightmeter.check_image`, such as 256.
    tags
        Tags of the profiles, such as ``{"model": "v7"}``.
    workers
        The number of workers that decode and measure at once; None takes one per processor.
    executor
        The kind of workers, as for `lightmeter.profile_images`.
    resume
        A folder that stores finished work, as for `lightmeter.profile_images`.
    progress
        A function that is called as ``progress(done, total)`` after each block.
    options
        Options of `lightmeter.Reading` that differ from `reading`.

    Raises
    ------
    FileNotFoundError
        `folder` does not exist.
    TypeError
        `at` is neither a date nor a datetime, or an option is unknown.
    ValueError
        Both `at` and `date_from` are given; a parameter is invalid or out of range; or the column
        does not exist.
    StoreError
        The store cannot be opened, read or written.
    BatchError
        A worker process died, or the folder `resume` cannot be written.
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
    source = source_of(folder, Wanted.of(reading, column, origins=(date_from, segment_by, group)))
    run = Run(workers_of(workers), executor, resume)
    part = segment_text(segment)
    of_work: Any = {"exemplars": exemplars, "sample": sample, "tags": tags, "group": group}
    work = Work(reading=reading, segment_by=segment_by, fixed=parse_segment(part), **of_work)
    target = target_of(store, inbox)
    in_store = target if isinstance(target, Store) else None  # an inbox does not know its store
    with in_store or nullcontext():
        known = in_store.length(dataset) if in_store and every is None else None
        length = known or DAY if every is None else to_duration(every)
        if read_date is None:
            start = bucket_start(datetime.now(UTC) if at is None else at, length)
            buckets, undated = {start: source}, list[str]()
        else:
            items: Iterable[Item] = source
            if date_from == "exif":  # which is in the bytes of the images
                batches = (loaded(block, reading.limits) for block in blocks(source))
                items = chain.from_iterable(chain.from_iterable(batches))
            buckets, undated = by_bucket(items, read_date, length, source)
        writer = _writer(folder, target.address) if writer is None else writer
        gone, kept = set[datetime](), set[str]()  # `kept`: existing segments of the dataset
        if in_store:
            gone = buckets.keys() & in_store.rolled_up(dataset, writer=writer, segment=part)
            if segment_by and dataset in in_store.datasets():
                kept = {*map(segment_text, in_store.segments(dataset))} - {"", part}
        rolled_up = {start: [item.name for item in buckets.pop(start)] for start in sorted(gone)}
        logged = Logged({}, undated, rolled_up, {})
        seq: Any = None if in_store else time.time_ns() // 1_000_000  # the last call counts
        put: Any = partial(target.put, dataset, writer=writer, every=length, seq=seq)
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

    def report(measured: int, known: int) -> None:
        if progress is not None:  # an unknown total grows
            progress(before + measured, max(total, before + known))

    for start, source in buckets.items():
        done = replace(run, progress=report).profile(source, *how).views()
        before += source.total or 0
        yield start, done


def _writer(folder: AnyPath, target: str) -> str:
    """Return the name of the writer of a folder or address.

    For a folder it contains a digest in place of the path, which stays private, and the name of
    this machine if other machines may write to the target. An address is the same on any machine.
    """
    if is_url(address := os.fsdecode(folder)):
        return f"address {visible(shown_url(address))}"
    path = path_bytes(os.path.realpath(folder))
    name = visible(path.rpartition(b"/")[2].decode(errors="replace"))[:_SHOWN]
    machine = f" of {visible(platform.node())[:_SHOWN]}" if "://" in target else ""
    return f"folder {name} {hashlib.sha256(path).hexdigest()[:16]}{machine}"
