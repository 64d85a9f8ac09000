"""Logging a folder or another source into a store, each picture into the bucket it is from."""

import hashlib
import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, Unpack

from lightmeter.batch.block import Work, blocks
from lightmeter.batch.fetching import loaded
from lightmeter.batch.profile import Executor, Run
from lightmeter.batch.running import workers_of
from lightmeter.batch.segments import GroupBy, SegmentBy, columns_of
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, Source, Wanted
from lightmeter.batch.sources.names import is_url, shown_url
from lightmeter.errors import ConflictError
from lightmeter.files import path_bytes
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.segments import Segment, SegmentedViews, parse_segment, segment_text
from lightmeter.store.inbox import Inbox
from lightmeter.store.store import Store
from lightmeter.text import visible
from lightmeter.times import DAY, bucket_start, to_duration
from lightmeter.writers.dates import DateOf, by_bucket, date_column, date_reader
from lightmeter.writers.rows import target_of

_SHOWN = 60  # characters of a name


class Logged(NamedTuple):
    """What `log_folder` put, by the start of the bucket, and what it left out.

    Attributes:
        profiles: what was put of all images.
        undated: names of pictures that have no date.
        rolled_up: names of the pictures of buckets that hold the folder already and can no longer
            be replaced.
        segments: with `segment_by`, how many images of each segment were measured. The profiles of
            segments are in the store alone.
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
    progress: Callable[[int, int], None] | None = None,
    **options: Unpack[ReadingOptions],
) -> Logged:
    """Profile the images of a folder, or of an archive, table or address, into their buckets.

    The writer is the folder, by its real path: logging it again replaces what it gave to each
    bucket. In a store that is no file it is also of this machine, by the machine's name. What is
    elsewhere is the writer by its address, of the web without what follows the path. Buckets
    that it has no images of any more are left as they are, and so are those that `Store.gc` has
    rolled up with this folder in them: their files are not measured, but listed in the result.
    While a server is away the profiles wait on the disk of this machine. That needs `every`, and
    cannot be with `segment_by`.
    Folders that hold the same files count them twice.

    With `inbox` the profiles are objects there, whose number is the time of the call: the last call
    counts. Nothing is known of what the store has. So buckets last a day unless `every` says more,
    and what an earlier call put into segments that no image is in any more stays.

    Pictures in compressed archives, tables and shards elsewhere are read once if they are sorted by
    time, and else once for each bucket; with ``date_from`` once more, to date them.

    Args:
        store: the store, or its address, where a new one is made if there is none; None with
            `inbox`.
        folder: a folder, file, glob pattern, archive, table, manifest or address, as for
            `lightmeter.profile_images`.
        dataset: name of what is watched.
        inbox: an inbox in place of a store, or its address, such as ``"s3://bucket/drift"``.
        at: when all of it is from; without a time zone it is local time. None takes now, unless
            `date_from` says more.
        date_from: where the date of each file comes from: ``"exif"``, ``"mtime"``,
            ``"column:NAME"`` or ``"path:PATTERN"`` such as ``"path:%Y-%m-%d"``; see `date_reader`.
            Files without a date are not measured, but listed in the result.
        column: the column of images in a table, or of paths in a manifest, likewise.
        segment: of all images, such as ``{"camera": "left"}``.
        segment_by: what segment an image belongs to besides, as for `lightmeter.profile_images`.
            The profile of each segment is put beside that of all images. Segments that the dataset
            has already are kept first; more are kept until there are 1000, in the order of the
            buckets and their paths.
        group: what an image has in common with others, as for `lightmeter.profile_images`.
        every: length of the buckets of a new dataset; None takes that of the dataset, or a day.
        writer: a name in place of the folder, such as where the name of the machine changes.
        reading: how pictures are read.
        exemplars: pictures to keep to look at, as for `lightmeter.Profile`; none by default.
        sample: of how many images to keep the numbers for `lightmeter.check_image`, likewise, such
            as 256.
        tags: what to say of the profiles, likewise.
        workers: how many decode and measure at once; None takes one per processor.
        executor: who works, as for `lightmeter.profile_images`.
        resume: a folder that keeps what is done, likewise.
        progress: called as ``progress(done, total)`` after each block, likewise.
        options: what differs from `reading`, or from the default: see `lightmeter.Reading`.

    Raises:
        FileNotFoundError: `folder` does not exist.
        TypeError: `at` is neither a date nor a datetime, or an option is unknown.
        ValueError: both `at` and `date_from`, or one of them is not understood, or `exemplars` or
            an option is out of range; or there is no such column.
        StoreError: the store cannot take the profiles.
        BatchError: a worker process died; the folder of `resume` cannot be written.
        ImportError: a package that the source needs is not installed.

    What an earlier call put into segments of the same keys that no image is in any more is deleted
    from the buckets that are replaced.
    """
    if at is not None and date_from is not None:
        raise ValueError("got both `at` and `date_from`; expected one of them")
    reading = reading_of(reading, options)
    whole = parse_segment(segment_text(segment))
    columns = dict.fromkeys((*date_column(date_from), *columns_of(segment_by, group)))
    wanted = Wanted(column, tuple(columns), reading.limits, reading.layout)
    reader = date_reader(date_from, reading.limits) if date_from is not None else None
    run = Run(workers_of(workers), executor, resume)
    source = source_of(folder, wanted)
    work = Work(
        reading=reading,
        exemplars=exemplars,
        sample=sample,
        tags=tags,
        segment_by=segment_by,
        group=group,
        fixed=whole,
    )
    target = target_of(store, inbox)
    with target if isinstance(target, Store) and target is not store else nullcontext():
        lengths = target.datasets() if isinstance(target, Store) and every is None else {}
        length = lengths.get(dataset, DAY) if every is None else to_duration(every)
        name = _writer(folder, target.address) if writer is None else writer
        place = _Place(target, dataset, name, whole, length)
        if segment_by is not None:
            place.find_segments()
        if reader is None:
            start = bucket_start(datetime.now(UTC) if at is None else at, length)
            return _put_all(place, {start: source}, [], run, work, progress)
        items: Iterable[Item] = source
        if date_from == "exif":  # which is in the bytes of the pictures
            items = (item for block in blocks(source) for item in loaded(block, reading.limits))
        buckets, undated = by_bucket(items, partial(_start_of, reader, length), source)
        return _put_all(place, buckets, undated, run, work, progress)


def _put_all(
    place: "_Place",
    buckets: Mapping[datetime, Source],
    undated: list[str],
    run: Run,
    work: Work,
    progress: Callable[[int, int], None] | None,
) -> Logged:
    held = [start for start in place.rolled_up() if start in buckets]
    rolled_up = {start: [item.name for item in buckets[start]] for start in held}
    logged = Logged({}, undated, rolled_up, {})
    sources = {start: buckets[start] for start in buckets if start not in rolled_up}
    total = sum(source.total or 0 for source in sources.values())
    before = done = 0

    def report(measured: int, came: int) -> None:
        nonlocal done
        done = before + measured
        if progress is not None:
            progress(done, max(total, before + came))  # one that is not known grows

    for start, source in sources.items():
        before = done
        views = replace(run, progress=report).profile(source, work, place.kept).views()
        if done > before:
            place.put(views, start)
            logged.profiles[start] = views.whole
            logged.segments[start] = {text: view.images for text, view in views.items()}
    return logged


@dataclass
class _Place:
    """Where a folder goes: the profiles of all images into `segment`, and others into its parts.

    Attributes:
        kept: segments that the dataset has besides.
        before: those that a bucket has of this writer.
        number: of what is put into an inbox: the time of the call, so that the last one counts.
    """

    target: Store | Inbox
    dataset: str
    writer: str
    segment: dict[str, str]
    every: timedelta
    kept: set[str] = field(default_factory=set)
    before: dict[datetime, set[str]] = field(default_factory=lambda: defaultdict(set))
    number: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    def find_segments(self) -> None:
        store = self.target
        if isinstance(store, Inbox) or self.dataset not in store.datasets():
            return
        self.kept = {segment_text(segment) for segment in store.segments(self.dataset)}
        self.kept -= {"", segment_text(self.segment)}
        for segment in self.kept:
            if store.reads_late:  # a server does not say whose a profile is
                starts = [bucket.start for bucket in store.buckets(self.dataset, segment=segment)]
            else:
                rows = store.stored(self.dataset, segment=segment)
                starts = [row.start for row in rows if row.writer == self.writer]
            for start in starts:
                self.before[start].add(segment)

    def rolled_up(self) -> list[datetime]:
        """Return the starts of the buckets whose profile can no longer be replaced."""
        if isinstance(self.target, Inbox):
            return []
        return self.target.rolled_up(self.dataset, writer=self.writer, segment=self.segment)

    def put(self, views: SegmentedViews, start: datetime) -> None:
        """Put the profiles of a bucket, in place of those that an earlier call put."""
        target: Any = self.target
        put = partial(target.put, self.dataset, at=start, writer=self.writer, every=self.every)
        if isinstance(target, Inbox):
            put = partial(put, seq=self.number)
        put(views.whole, segment=self.segment)
        if isinstance(target, Store):
            keys = {frozenset(parse_segment(segment)) for segment in views}
            for segment in self.before[start] - views.keys():
                if frozenset(parse_segment(segment)) not in keys:
                    continue
                if target.reads_late:  # a server deletes nothing; this counts as nothing
                    put(Profile(), segment=segment)
                    continue
                bucket = start, start + self.every
                target.delete(self.dataset, *bucket, segment=segment, writer=self.writer)
        for segment, view in views.items():
            with suppress(ConflictError):  # it has been rolled up
                put(view, segment=segment)


def _writer(folder: str | os.PathLike[str], target: str) -> str:
    """One per folder. Names that are no text, which a store does not take, are shown as bytes.

    Where several machines write, it is of this machine too, and its path stays at home. What is
    elsewhere is the same from any machine.
    """
    if is_url(address := os.fsdecode(folder)):
        return f"address {visible(shown_url(address))}"
    path = os.path.realpath(folder)
    raw = path_bytes(path)
    if "://" in target:
        name = visible(raw.rpartition(b"/")[2].decode(errors="replace"))[:_SHOWN]
        digest = hashlib.sha256(raw).hexdigest()[:16]
        return f"folder {name} {digest} of {visible(platform.node())[:_SHOWN]}"
    return f"folder {path if raw == raw.decode(errors='replace').encode() else repr(raw)}"


def _start_of(reader: DateOf, length: timedelta, item: Item) -> datetime | None:
    """None where it has no date, or one that is no time of a picture, such as 9999-12-31."""
    when = reader(item)
    try:
        return None if when is None else bucket_start(when, length)
    except (ValueError, OverflowError):
        return None
