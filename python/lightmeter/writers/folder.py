"""Logging a folder or another source into a store, each picture into the bucket it is from."""

import hashlib
import os
import platform
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, Unpack

from lightmeter.batch.block import Work, blocks
from lightmeter.batch.fetching import loaded
from lightmeter.batch.profile import Executor, Run
from lightmeter.batch.running import Progress, workers_of
from lightmeter.batch.segments import GroupBy, SegmentBy
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, Source, Wanted
from lightmeter.batch.sources.names import is_url, shown_url
from lightmeter.errors import ConflictError
from lightmeter.files import path_bytes
from lightmeter.image.reading import LoggedOptions, Reading, reading_of
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import Segment, SegmentedViews, parse_segment, segment_text
from lightmeter.store.inbox import Inbox
from lightmeter.store.store import Store
from lightmeter.text import visible
from lightmeter.times import DAY, bucket_start, to_duration
from lightmeter.writers.dates import by_bucket, date_reader
from lightmeter.writers.rows import target_of

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
