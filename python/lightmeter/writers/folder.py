"""Logging a folder or another source into a store, each image into the bucket of its date."""

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
    """Profile the images of a folder, archive, table or address into the buckets of a dataset.

    The folder itself is the writer, so logging it again replaces its earlier profiles and counts no
    image twice. Two folders that contain the same files count them twice. The name of the writer
    contains a digest of the real path of the folder and, unless the store is a file, the name of
    this machine. The writer of a remote source is its address, without a query.

    Buckets and segments that no longer have images in the folder keep their profiles. So do buckets
    that `Store.gc` has deleted, or has rolled up with this folder: their files are not measured,
    but listed in the result.

    While a server is unavailable, the profiles wait on the disk of this machine, if `every` is
    given and `segment_by` is not.

    With `inbox`, each profile is an object whose number is the time of the call, so the last call
    counts. An inbox does not know the store, so buckets last a day unless `every` is given.

    Images in compressed archives, tables and remote shards are read once if they are sorted by
    time, and otherwise once for each bucket; ``date_from`` reads them once more, for their dates.

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
    in_store = target if isinstance(target, Store) else None  # an inbox does not know its store
    with nullcontext() if in_store is None or in_store is store else in_store:
        known = in_store.datasets() if in_store and every is None else {}
        length = known.get(dataset, DAY) if every is None else to_duration(every)
        if read_date is None:
            start = bucket_start(datetime.now(UTC) if at is None else at, length)
            buckets, undated = {start: source}, list[str]()
        else:
            items: Iterable[Item] = source
            if date_from == "exif":  # which is in the bytes of the images
                items = (item for block in blocks(source) for item in loaded(block, reading.limits))
            buckets, undated = by_bucket(items, read_date, length, source)
        writer = _writer(folder, target.address) if writer is None else writer
        gone, kept = set[datetime](), set[str]()  # `kept`: existing segments of the dataset
        if in_store:
            gone = buckets.keys() & in_store.rolled_up(dataset, writer=writer, segment=part)
            if segment_by and dataset in in_store.datasets():
                kept = {*map(segment_text, in_store.segments(dataset))} - {"", part}
        rolled_up = {start: [item.name for item in buckets.pop(start)] for start in sorted(gone)}
        logged = Logged({}, undated, rolled_up, {})
        # In an inbox, the last call counts.
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

    def report(measured: int, known: int) -> None:
        if progress is not None:  # an unknown total grows
            progress(before + measured, max(total, before + known))

    for start, source in buckets.items():
        done = replace(run, progress=report).profile(source, *how).views()
        before += source.total or 0
        yield start, done


def _writer(folder: str | os.PathLike[str], target: str) -> str:
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
