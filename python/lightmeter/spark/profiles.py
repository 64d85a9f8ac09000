"""What a DataFrame is profiled into: views, or rows of a store."""

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Unpack

from lightmeter.batch.block import profile_block
from lightmeter.batch.executors.spark import explained
from lightmeter.batch.groups import GroupBy, GroupOf
from lightmeter.batch.partials import WHOLE
from lightmeter.batch.segments import SegmentBy, SegmentOf, columns_of
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.segments import SegmentedViews
from lightmeter.spark.columns import selected_columns
from lightmeter.spark.folding import folded_rows
from lightmeter.store.store import Store, store_at
from lightmeter.times import from_ms, to_duration

__all__ = ["log", "profile"]

_DAY = timedelta(days=1)


def profile(
    frame: Any,
    *,
    bucket: str | None = None,
    every: str | timedelta = _DAY,
    segment_by: SegmentBy | None = None,
    **options: Any,
) -> ProfileView | SegmentedViews | dict[datetime | None, SegmentedViews]:
    """Profile the pictures that the rows of a Spark DataFrame hold or name.

    The pictures of a bucket are taken in the order of a column. The result has the same bytes as
    `lightmeter.profile_images` of the same pictures in that order. Pictures with equal values of
    that column may change places: up to 1024 pictures the bytes are still the same, and beyond
    that estimates may differ within their bounds. With `group`, moments of groups agree to 1e-12.

    Args:
        frame: a DataFrame. It is sorted once. Rows that hold pictures are kept on the disks of the
            executors meanwhile; rows of addresses are cheaper.
        bucket: a column of dates or timestamps. There is a result for each bucket of time then.
        every: length of the buckets.
        segment_by: what segment a picture belongs to, as for `profile_images`.
        options: also, each with a default,

            - `column`: the column of paths or addresses that all executors can open, of encoded
              bytes, or of structs of ``bytes`` and ``path``; None takes one of a usual name, as for
              `profile_images`, or the only one;
            - `order_by`: the column that orders the rows; None takes that of paths or addresses;
            - `values`, `prefix`, `group`, `exemplars`, `sample` and all of a `lightmeter.Reading`,
              as for `profile_images`.

    Returns:
        The profile; with `segment_by` the `lightmeter.SegmentedViews` of all segments. With
        `bucket` a dict of the latter by the starts of the buckets, in their order; rows without a
        time are under None, which comes first.

    Raises:
        TypeError: `frame` is no DataFrame, or an option is of another type.
        ValueError: there is no such column, no order, or `bucket` is no column of times.
        ImportError: PySpark is not installed.
        BatchError: the executors have no lightmeter, or a task ended its worker each time.
    """
    empty, profiles = _profiles(frame, bucket, to_duration(every), segment_by, **options)
    parts: dict[datetime | None, dict[str, ProfileView]] = {}
    with profiles as rows, explained():
        for row in rows.collect():
            parts.setdefault(_start(row), {})[row["segment"]] = _view(row)
    starts = sorted(parts, key=lambda start: (start is not None, start))
    views = {start: SegmentedViews(parts[start].pop(WHOLE), parts[start]) for start in starts}
    if bucket is not None:
        return views
    together = next(iter(views.values()), SegmentedViews(empty.view(), {}))
    return together.whole if segment_by is None else together


def log(
    store: Store | str | os.PathLike[str],
    frame: Any,
    dataset: str,
    *,
    bucket: str,
    every: str | timedelta | None = None,
    writer: str = "spark",
    segment_by: SegmentBy | None = None,
    **options: Any,
) -> dict[datetime | None, int]:
    """Put the profile of each bucket and segment of a DataFrame into a store, one row for each.

    The driver has one profile in memory at a time. What this `writer` put before into the same
    bucket and segment is replaced, so a run may be repeated.

    Args:
        store: the store, or its path or address.
        frame: a DataFrame, as for `profile`.
        dataset: its name in the store.
        bucket: a column of dates or timestamps. Rows without a time are not put.
        every: length of the buckets of a new dataset; None takes that of the dataset, or a day.
        writer: who puts them. DataFrames that add to each other need a name each.
        segment_by: what segment a picture belongs to, as for `profile`.
        options: as for `profile`.

    Returns:
        How many pictures were measured in each bucket; under None those without a time.

    Raises:
        StoreError: the store cannot take a profile.
    And what `profile` raises.
    """
    counts: dict[datetime | None, int] = {}
    with store_at(store, create=True) as opened:
        length = opened.datasets().get(dataset, _DAY) if every is None else to_duration(every)
        _, profiles = _profiles(frame, bucket, length, segment_by, **options)
        with profiles as rows, explained():
            for row in rows.toLocalIterator():
                start, segment, view = _start(row), row["segment"], _view(row)
                if segment == WHOLE:
                    counts[start] = view.images
                if start is not None:
                    opened.put(
                        dataset, view, at=start, writer=writer, segment=segment, every=length
                    )
    return counts


def _start(row: Any) -> datetime | None:
    return None if row["bucket"] is None else from_ms(row["bucket"])


def _view(row: Any) -> ProfileView:
    return ProfileView.from_bytes(bytes(row["p"]))


def _profiles(
    frame: Any,
    bucket: str | None,
    every: timedelta,
    segment_by: SegmentBy | None,
    *,
    column: str | None = None,
    order_by: str | None = None,
    values: Iterable[str] = (),
    prefix: str = "image",
    group: GroupBy | None = None,
    reading: Reading | None = None,
    exemplars: int = 0,
    sample: int = 0,
    **options: Unpack[ReadingOptions],
) -> tuple[Profile, Any]:
    """An empty profile; and a context with a DataFrame of bucket, segment and profile."""
    if not hasattr(frame, "mapInArrow"):
        raise TypeError(f"got a {type(frame).__name__}; expected a DataFrame of Spark")
    reading = reading_of(reading, options)
    empty = Profile(prefix, reading=reading, exemplars=exemplars, sample=sample)
    segment_of = group_of = None
    if segment_by is not None:
        segment_of = SegmentOf(segment_by, root=None, exif=reading.exif)
    if group is not None:
        group_of = GroupOf(group, root=None, exif=reading.exif)
    logged = tuple(values)
    said = tuple(dict.fromkeys((*logged, *columns_of(segment_by), *columns_of(group))))
    selected = selected_columns(frame, column, order_by, bucket, every, said)
    work = partial(
        profile_block,
        reading=reading,
        prefix=prefix,
        exemplars=exemplars,
        sample=sample,
        values=logged,
        segment_of=segment_of,
        group_of=group_of,
    )
    return empty, folded_rows(frame.sparkSession, selected, said, work, segment_of, empty)
