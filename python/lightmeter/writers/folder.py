"""Logging a folder or another source into a store, each picture into the bucket it is from."""

import hashlib
import os
import platform
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import NamedTuple, Unpack

from lightmeter.batch.block import Work, blocks
from lightmeter.batch.profile import Executor, Run
from lightmeter.batch.segments import GroupBy, GroupOf, SegmentBy, SegmentOf, columns_of
from lightmeter.batch.sources.fetch import fetched
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, Source, Wanted
from lightmeter.batch.sources.urls import is_url, shown_url
from lightmeter.errors import StoreError
from lightmeter.files import path_bytes
from lightmeter.image.failure import Failure
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import Segment, SegmentedViews, parse_segment, segment_text
from lightmeter.store.buckets import bucket_start
from lightmeter.store.remote.client import AwayError
from lightmeter.store.store import Store, store_at
from lightmeter.text import visible
from lightmeter.times import to_duration, to_utc
from lightmeter.writers.bucketed import Bucketed, Counted, by_bucket
from lightmeter.writers.dates import DateOf, date_column, date_reader

__all__ = ["Logged", "log_folder"]

_SHOWN = 60  # characters of a name


class Logged(NamedTuple):
    """What `log_folder` put, by the start of the bucket, and what it left out.

    Attributes:
        profiles: what was put of all images. While a server is away and `every` is not given, by
            the time that it is from, as the start of its bucket is not known.
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
    store: Store | str | os.PathLike[str],
    folder: str | os.PathLike[str],
    dataset: str,
    *,
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
    on_failure: Callable[[Failure], None] | None = None,
    **options: Unpack[ReadingOptions],
) -> Logged:
    """Profile the images of a folder, or of an archive, table or address, into their buckets.

    The writer is the folder, by its real path: logging it again replaces what it gave to each
    bucket. In a store that is no file it is also of this machine, by the machine's name. What is
    elsewhere is the writer by its address, of the web without what follows the path. Buckets
    that it has no images of any more are left as they are, and so are those that `Store.gc` has
    rolled up with this folder in them: their files are not measured, but listed in the result.
    While a server is away the profiles wait on the disk of this machine. That needs `every` with
    `date_from`, and cannot be with `segment_by`.
    Folders that hold the same files count them twice.

    Pictures in compressed archives, tables and shards elsewhere are read once if they are sorted by
    time, and else once for each bucket; with ``date_from`` once more, to date them.

    Args:
        store: the store, or its address, where a new one is made if there is none.
        folder: a folder, file, glob pattern, archive, table, manifest or address, as for
            `lightmeter.profile_images`.
        dataset: name of what is watched.
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
        on_failure: called with every file that could not be measured, in the order of the buckets
            and their paths.
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
    columns = (*date_column(date_from), *columns_of(segment_by), *columns_of(group))
    wanted = Wanted(column, tuple(dict.fromkeys(columns)), reading.limits, reading.layout)
    reader = date_reader(date_from, reading.limits) if date_from is not None else None
    run = Run(workers, executor, resume, on_failure=on_failure)
    source = source_of(folder, wanted)
    work = Work(
        reading=reading,
        exemplars=exemplars,
        sample=sample,
        tags=tags,
        segment_of=None
        if segment_by is None
        else SegmentOf(segment_by, source.root, reading.exif, whole),
        group_of=None if group is None else GroupOf(group, source.root, reading.exif),
    )
    with store_at(store, create=True) as opened:
        lengths = _lengths(opened, needed=segment_by is not None or (reader and every is None))
        length = None if lengths is None else lengths.get(dataset, timedelta(days=1))
        if every is not None:
            length = to_duration(every)
        moment = datetime.now(UTC) if at is None else at
        start_of_all = to_utc(moment) if length is None else bucket_start(moment, length)
        if writer is None:
            writer = _writer(folder, opened)
        kept_as_is = []
        if lengths is not None:
            kept_as_is = opened.rolled_up(dataset, writer=writer, segment=segment)
        undated: list[str] = []
        buckets: Mapping[datetime, Bucketed | Counted] = {start_of_all: Counted(source)}
        if reader is not None:
            assert length is not None
            start_of = partial(_start_of, reader=reader, length=length)
            # Only Exif is in the bytes of the pictures.
            items = _fetched(source, reading) if date_from == "exif" else source
            buckets, undated = by_bucket(items, start_of, source)
        rolled_up = {start: buckets[start].names() for start in kept_as_is if start in buckets}
        profiles: dict[datetime, ProfileView] = {}
        segments: dict[datetime, dict[str, int]] = {}
        parts = None
        if work.segment_of is not None:
            parts = _Segments(opened, dataset, writer, whole)
        to_log = {start: buckets[start] for start in buckets if start not in rolled_up}
        sizes = [members.total for members in to_log.values()]
        total, done = None if None in sizes else sum(filter(None, sizes)), 0
        for start, members in to_log.items():
            shifted = None if progress is None else partial(_shifted, progress, done, total)
            views = replace(run, progress=shifted).profile(
                Source(members.__iter__, members.total), work, None if parts is None else parts.kept
            )
            done += members.count
            if not members.count:
                continue
            opened.put(dataset, views.whole, at=start, writer=writer, segment=whole, every=length)
            profiles[start] = views.whole
            if parts is not None:
                assert length is not None
                segments[start] = parts.put(views, start, length)
        return Logged(profiles, undated, rolled_up, segments)


def _fetched(source: Source, reading: Reading) -> Iterator[Item]:
    return (item for block in blocks(source) for item in fetched(block, reading.limits))


def _lengths(store: Store, *, needed: object) -> dict[str, timedelta] | None:
    """How long the buckets of the datasets are; None where a server is away and it need not be.

    Then it is the server that knows which bucket a time belongs to.
    """
    try:
        return store.datasets()
    except AwayError as error:
        if not needed:
            return None
        raise StoreError(
            f"what the server has must be known first: {error}. Without segments that images are "
            "sorted into, and with the length of the buckets where images have dates of their "
            "own, the profiles would wait for it"
        ) from error


class _Segments:
    """What a folder puts into the segments of a dataset that are parts of `whole`."""

    def __init__(self, store: Store, dataset: str, writer: str, whole: Mapping[str, str]) -> None:
        self._store, self._dataset, self._writer = store, dataset, writer
        known = store.segments(dataset) if dataset in store.datasets() else []
        self.kept = {segment_text(segment) for segment in known} - {"", segment_text(whole)}
        self._before: dict[datetime, set[str]] = defaultdict(set)
        for segment in self.kept:
            for row in store.stored(dataset, segment=segment):
                if row.writer == writer:
                    self._before[row.start].add(segment)
        self._rolled_up: dict[str, list[datetime]] = {}

    def put(self, views: SegmentedViews, start: datetime, length: timedelta) -> dict[str, int]:
        """Put the profiles of a bucket; how many images each segment has."""
        keys = {frozenset(parse_segment(segment)) for segment in views}
        for segment in self._before[start] - views.keys():
            if frozenset(parse_segment(segment)) in keys:
                self._store.profiles.delete(
                    self._dataset, start, start + length, segment=segment, writer=self._writer
                )
        for segment, view in views.items():
            if start not in self._rolled_up_of(segment):
                self._store.put(self._dataset, view, at=start, writer=self._writer, segment=segment)
        return {segment: view.images for segment, view in views.items()}

    def _rolled_up_of(self, segment: str) -> list[datetime]:
        if segment not in self._rolled_up:
            self._rolled_up[segment] = self._store.rolled_up(
                self._dataset, writer=self._writer, segment=segment
            )
        return self._rolled_up[segment]


def _writer(folder: str | os.PathLike[str], store: Store) -> str:
    """One per folder. Names that are no text, which a store does not take, are shown as bytes.

    Where several machines write, it is of this machine too, and its path stays at home. What is
    elsewhere is the same from any machine.
    """
    if is_url(address := os.fsdecode(folder)):
        return f"address {visible(shown_url(address))}"
    path = os.path.realpath(folder)
    raw = path_bytes(path)
    if store.path is None:
        name = visible(raw.rpartition(b"/")[2].decode(errors="replace"))[:_SHOWN]
        digest = hashlib.sha256(raw).hexdigest()[:16]
        return f"folder {name} {digest} of {visible(platform.node())[:_SHOWN]}"
    try:
        path.encode()
    except UnicodeEncodeError:
        return f"folder {raw!r}"
    return f"folder {path}"


def _start_of(item: Item, reader: DateOf, length: timedelta) -> datetime | None:
    """None where it has no date, or one that is no time of a picture, such as 9999-12-31."""
    when = reader(item)
    try:
        return None if when is None else bucket_start(when, length)
    except (ValueError, OverflowError):
        return None


def _shifted(
    progress: Callable[[int, int], None], before: int, total: int | None, done: int, came: int
) -> None:
    progress(before + done, came if total is None else total)
