"""What monitors say of buckets, and reading what a store keeps of it."""

import os
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final, NamedTuple

from lightmeter.errors import ConfigError
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store.records import Place, ResultRow, ResultState
from lightmeter.store.store import Store

OK: Final = "ok"
PENDING: Final = "pending"
ANOMALY: Final = "anomaly"
NOT_ENOUGH: Final = "not enough data"
ERROR: Final = "error"

# The fields that rows and results share, and their values in order.
_KEPT = ResultRow._fields[len(Place._fields) :]
_kept = attrgetter(*_KEPT)

_NO_TIME = datetime.min.replace(tzinfo=UTC)


class Result(NamedTuple):
    """What a monitor says of one feature in one bucket.

    A rule says what the first six are; the rest is filled in by who asked it.

    Attributes:
        feature: empty for the bucket itself.
        state: ``ok``, ``pending``, ``anomaly``, ``not enough data`` or ``error``. What is pending
            is an anomaly that has not lasted for as many buckets as the monitor asks for.
        value: what was judged, where that is a number.
        lower: the least that would be ok.
        upper: the most that would be ok.
        words: what changed, such as "saturation fell by 38 %".
        monitor: its name.
        dataset: of the bucket.
        segment: of the bucket; empty for the dataset as a whole.
        bucket: its start, in UTC.
        baseline: how many buckets it was compared with.
        images: how many there are in the bucket.
        cause: what happened to the pictures, such as ``out of focus``, if this tells it.
    """

    feature: str
    state: ResultState
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    words: str = ""
    monitor: str = ""
    dataset: str = ""
    segment: Mapping[str, str] = {}
    bucket: datetime = _NO_TIME
    baseline: int = 0
    images: int = 0
    cause: str = ""

    @property
    def place(self) -> Place:
        """The bucket, and who judged it."""
        return Place(self.monitor, self.dataset, segment_text(self.segment), self.bucket)


def row_of(result: Result) -> ResultRow:
    """Return the row that a store keeps of a result."""
    return ResultRow(*result.place, *_kept(result))


def check_source(
    store: Store, monitors: Collection[tuple[str, str]], source: str
) -> tuple[str, list[str]]:
    """Return the source by its absolute path, and those of which it takes over everything.

    The source of a monitor is the file that it is from, so that several files can watch one store.
    A file that was moved takes over what is kept of it, once it has a monitor with the name and the
    dataset of one whose file is no longer there; likewise what was kept without a file.

    Args:
        store: where results are kept.
        monitors: name and dataset of each monitor of the source.
        source: path of the file; empty for monitors that were made in Python.

    Raises:
        ConfigError: another file has such a monitor, or the path cannot be kept as text.
    """
    source = os.path.abspath(source) if source else ""
    if not is_utf8(source):
        raise ConfigError(f"got {source!r}; expected folders whose names are UTF-8")
    taken: list[str] = []
    for kept in store.state.sources():
        other = kept.path
        if other == source or (kept.monitor, kept.dataset) not in monitors or other in taken:
            continue
        if os.path.exists(other) and not _same_file(other, source):
            raise ConfigError(
                f"{other!r} also has a monitor {kept.monitor!r} of the dataset {kept.dataset!r}; "
                "rename one of them, or delete one of the files"
            )
        taken.append(other)
    return source, taken


def is_utf8(path: str) -> bool:
    """Return whether a path can be kept as text."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _same_file(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def load_results(
    store: Store,
    monitors: Iterable[tuple[str, str]] | None = None,
    *,
    segment: str | None = None,
    bucket: datetime | None = None,
) -> list[Result]:
    """Return what is kept, by monitor, dataset, segment, bucket and feature.

    Args:
        store: where results are kept.
        monitors: name and dataset of those in question; None for all.
        segment: the one in question, as text; None for all.
        bucket: start of the one in question; None for all.
    """
    with store.snapshot():
        return _results_of(
            row
            for monitor in _monitors(store, monitors)
            for row in store.state.results(*monitor, segment, bucket)
        )


def load_newest(store: Store, monitors: Iterable[tuple[str, str]]) -> list[Result]:
    """Return what is kept of the newest bucket of each monitor, which are name and dataset.

    It is that of all segments which the monitor watches.
    """
    with store.snapshot():
        return _results_of(row for monitor in monitors for row in store.state.newest(*monitor))


def load_latest(
    store: Store, dataset: str, segment: str | None = None, most: int = 1
) -> list[Result]:
    """Return what is kept of the last buckets that each monitor judged in a segment.

    Args:
        store: where results are kept.
        dataset: its name.
        segment: as text; None for each of them.
        most: how many buckets.
    """
    return _results_of(
        row
        for source in store.state.sources()
        if source.dataset == dataset
        for row in store.state.latest(source.monitor, dataset, segment, most)
    )


def load_turning_points(
    store: Store,
    monitors: Iterable[tuple[str, str]] | None = None,
    *,
    segment: str | None = None,
) -> list[Result]:
    """Return enough of what `load_results` gives for incidents to be the same.

    Args:
        store: where results are kept.
        monitors: name and dataset of those in question; None for all.
        segment: the one in question, as text; None for all.
    """
    with store.snapshot():
        return _results_of(
            row
            for monitor in _monitors(store, monitors)
            for row in store.state.turning_points(*monitor, segment)
        )


def _monitors(
    store: Store, monitors: Iterable[tuple[str, str]] | None
) -> Iterable[tuple[str, str]]:
    if monitors is None:
        monitors = ((source.monitor, source.dataset) for source in store.state.sources())
    return sorted(monitors)


def _results_of(rows: Iterable[ResultRow]) -> list[Result]:
    segments: dict[str, dict[str, str]] = {}  # there are few
    results = []
    for row in rows:
        if row.segment not in segments:
            segments[row.segment] = parse_segment(row.segment)
        results.append(
            Result(
                **dict(zip(_KEPT, _kept(row), strict=True)),
                monitor=row.monitor,
                dataset=row.dataset,
                segment=segments[row.segment],
                bucket=row.start,
            )
        )
    return results
