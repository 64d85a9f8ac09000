"""What monitors say of buckets, and keeping it in the store, apart for each file of monitors."""

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from lightmeter.errors import ConfigError
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store.records import Basis, BucketRows, Kept, Place, ResultRow, ResultState
from lightmeter.store.store import Store

OK: Final = "ok"
PENDING: Final = "pending"
ANOMALY: Final = "anomaly"
NOT_ENOUGH: Final = "not enough data"
ERROR: Final = "error"

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
        words: the cause, such as "saturation fell by 38 %".
        monitor: its name.
        dataset: of the bucket.
        segment: of the bucket; empty for the dataset as a whole.
        bucket: its start, in UTC.
        baseline: how many buckets it was compared with.
        images: how many there are in the bucket.
        basis: what the results of the bucket rest on; None where no rule on profiles came to an
            end: of missing and late buckets, of combinations, and of errors.
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
    basis: Basis | None = None

    @property
    def place(self) -> Place:
        """The bucket, and who judged it."""
        return Place(self.monitor, self.dataset, segment_text(self.segment), self.bucket)


class BucketResults(NamedTuple):
    """What a monitor says of a bucket.

    Attributes:
        rank: of the monitor among those of its run.
        place: the bucket.
        kept: what a next run has to know of it.
        results: one at least; None if they are those of the run before.
    """

    rank: int
    place: Place
    kept: Kept
    results: list[Result] | None


def kept_of(results: Sequence[Result]) -> Kept:
    """What is to be known of the results of a bucket."""
    states = frozenset(result.state for result in results)
    if (basis := results[0].basis) is not None:
        return Kept(states, basis.digest, basis.streaks)
    contents = [(result[:6], result.baseline, result.images) for result in results]
    return Kept(states, hashlib.sha256(repr(contents).encode()).digest())


def rows_of(results: Sequence[Result]) -> BucketRows:
    """What a store keeps of the results of a bucket."""
    place = results[0].place
    rows = [
        ResultRow(
            *place,
            feature=result.feature,
            state=result.state,
            value=result.value,
            lower=result.lower,
            upper=result.upper,
            baseline=result.baseline,
            images=result.images,
            words=result.words,
        )
        for result in results
    ]
    return BucketRows(place, kept_of(results), results[0].basis, rows)


def save_results(store: Store, results: Iterable[Result], *, source: str = "") -> None:
    """Keep `results` in place of all that is kept of their source.

    The source is a file of monitors, known by its absolute path, so that several files can watch
    one store. A file that was moved or renamed takes over what is kept of it, once it has a monitor
    with the name and the dataset of one whose file is no longer there. What was kept without a file
    is taken over likewise.

    Args:
        store: where they are kept.
        results: all of them.
        source: path of the file; empty for monitors that were made in Python.

    Raises:
        ConfigError: another file has a monitor of the same name and dataset.
    """
    buckets: dict[Place, list[Result]] = {}
    for result in results:
        buckets.setdefault(result.place, []).append(result)
    ranks: dict[tuple[str, str], int] = {}
    for place, (first, *_) in buckets.items():
        ranks.setdefault(place[:2], first.basis.rank if first.basis is not None else 0)
    source, taken = check_source(store, ranks.keys(), source)
    gone = store.state.kept([source, *taken]).keys()
    store.state.save(ranks, map(rows_of, buckets.values()), gone, source=source, taken=taken)


def check_source(
    store: Store, monitors: Collection[tuple[str, str]], source: str
) -> tuple[str, list[str]]:
    """The source by its absolute path, and those of which it takes over everything.

    Args:
        store: where results are kept.
        monitors: name and dataset of each monitor of the source.
        source: as for `save_results`.

    Raises:
        ConfigError: as there.
    """
    source = os.path.abspath(source) if source else ""
    taken: list[str] = []
    for monitor, dataset, other in store.state.sources():
        if other == source or (monitor, dataset) not in monitors or other in taken:
            continue
        if os.path.exists(other) and not _same_file(other, source):
            raise ConfigError(
                f"{other!r} also has a monitor {monitor!r} of the dataset {dataset!r}; rename one "
                "of them, or delete one of the files"
            )
        taken.append(other)
    return source, taken


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
) -> list[Result]:
    """What is kept, by monitor, dataset, segment, bucket and feature.

    Args:
        store: where results are kept.
        monitors: name and dataset of those in question; None for all.
        segment: the one in question, as text; None for all.
    """
    results: list[Result] = []
    with store.snapshot():
        for monitor in _monitors(store, monitors):
            rows = store.state.results(*monitor, segment)
            results += _results_of(rows, store.state.bases(*monitor, segment))
    return results


def load_newest(store: Store, monitors: Iterable[tuple[str, str]]) -> list[Result]:
    """What is kept of the newest bucket of each monitor, which are given by name and dataset.

    It is that of all segments which the monitor watches. `basis` is left out.
    """
    with store.snapshot():
        rows = [row for monitor in monitors for row in store.state.newest(*monitor)]
    return _results_of(rows)


def load_in_brief(store: Store, monitors: Iterable[tuple[str, str]]) -> list[Result]:
    """What incidents follow from, and what is newest in each segment; `basis` is left out.

    Args:
        store: where results are kept.
        monitors: name and dataset of those in question.
    """
    with store.snapshot():
        rows = {
            row[:5]: row
            for monitor in sorted(monitors)
            for read in (store.state.turning_points, store.state.newest_of_segments)
            for row in read(*monitor)
        }
    return _results_of(rows[key] for key in sorted(rows))


def load_turning_points(
    store: Store, monitors: Iterable[tuple[str, str]] | None = None
) -> list[Result]:
    """Enough of what `load_results` gives for `tell` to do the same.

    `basis` is left out.

    Args:
        store: where results are kept.
        monitors: name and dataset of those in question; None for all.
    """
    with store.snapshot():
        rows = [
            row
            for monitor in _monitors(store, monitors)
            for row in store.state.turning_points(*monitor)
        ]
    return _results_of(rows)


def _monitors(
    store: Store, monitors: Iterable[tuple[str, str]] | None
) -> Iterable[tuple[str, str]]:
    if monitors is None:
        monitors = ((source.monitor, source.dataset) for source in store.state.sources())
    return sorted(monitors)


def _results_of(
    rows: Iterable[ResultRow], bases: Mapping[Place, Basis] | None = None
) -> list[Result]:
    segments: dict[str, dict[str, str]] = {}  # there are few
    results = []
    for row in rows:
        if row.segment not in segments:
            segments[row.segment] = parse_segment(row.segment)
        results.append(
            Result(
                feature=row.feature,
                state=row.state,
                value=row.value,
                lower=row.lower,
                upper=row.upper,
                words=row.words,
                monitor=row.monitor,
                dataset=row.dataset,
                segment=segments[row.segment],
                bucket=row.start,
                baseline=row.baseline,
                images=row.images,
                basis=bases.get(Place(*row[:4])) if bases else None,
            )
        )
    return results
