"""What the distributions of a bucket are drawn against."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from lightmeter.dashboard.history import History, title_of
from lightmeter.dashboard.parts import pair
from lightmeter.errors import DecodeError
from lightmeter.files import read_regular
from lightmeter.monitor.results import Result
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store.records import Basis
from lightmeter.store.store import Store
from lightmeter.text import counted, shorten
from lightmeter.times import MILLISECOND

_BEFORE = 7


class ShownMonitors:
    """Of each bucket the monitor whose baseline is shown: the first one on drift, or else the first
    that has a baseline.
    """

    def __init__(self, results: Iterable[Result] = ()) -> None:
        """Of the buckets of these results; more may be added."""
        self._monitors: dict[tuple[str, str, datetime], tuple[str, Basis]] = {}
        self._sees: Callable[[str], bool] = lambda _: True
        for result in results:
            self.add(result)

    def seen_by(self, sees: Callable[[str], bool]) -> "ShownMonitors":
        """The same without baselines of datasets that may not be shown."""
        seen = copy(self)
        seen._sees = sees
        return seen

    def add(self, result: Result) -> None:
        """Take a result into account."""
        basis = result.basis
        if basis is None or not (basis.starts or basis.file):
            return
        bucket = result.dataset, segment_text(result.segment), result.bucket
        before = self._monitors.get(bucket)
        if before is None or _order(basis) < _order(before[1]):
            self._monitors[bucket] = result.monitor, basis

    def of(self, history: History, start: datetime) -> tuple[str, Basis] | None:
        """The monitor of a bucket, and what its results rest on."""
        shown = self._monitors.get((history.dataset, history.segment_text, start))
        if shown is not None and not shown[1].file and not self._sees(shown[1].dataset):
            return None
        return shown


class ShownBaseline(NamedTuple):
    """A baseline before it is read.

    Attributes:
        words: what it is.
        made_of: changes with its contents.
        read: the profiles as one.
    """

    words: str
    made_of: list[object]
    read: Callable[[], ProfileView]


def find_baseline(
    store: Store, history: History, start: datetime, monitors: ShownMonitors
) -> ShownBaseline:
    """That of the bucket's monitor, or else the last good buckets before `start`."""
    monitor, basis = monitors.of(history, start) or ("", None)
    if basis is None:
        before = [
            bucket.start
            for bucket in history.buckets
            if bucket.start < start and bucket.start not in history.anomalous
        ][-_BEFORE:]
        which = counted(len(before), "bucket")
        words = f"baseline: the {which} before without anomalies"
        return _stored(store, words, history.dataset, history.segment_text, before)
    words = f"baseline of {shorten(monitor, 60)}: "
    if basis.file:
        path = Path(basis.file)
        try:
            body = read_regular(path)
            view = ProfileView.from_bytes(body)
        except (OSError, DecodeError):
            return ShownBaseline(f"{words}{path.name}, which cannot be read", [], _nothing)
        return ShownBaseline(f"{words}{path.name}", [hashlib.sha256(body).digest()], lambda: view)
    if (basis.dataset, basis.segment) != (history.dataset, history.segment_text):
        words += f"{shorten(title_of(basis.dataset, parse_segment(basis.segment)), 120)}, "
    starts = basis.starts
    many = f"{len(starts)} bucket{'' if len(starts) == 1 else 's'}"
    words += f"{many}, {pair(starts[0], starts[-1])}"
    return _stored(store, words, basis.dataset, basis.segment, starts)


def bucket_digests(store: Store, dataset: str, segment: str, start: datetime) -> list[object]:
    """Of the profiles of a bucket."""
    rows = store.stored(dataset, start, start + MILLISECOND, segment=parse_segment(segment))
    return [row.digest for row in rows]


def read_bucket(store: Store, dataset: str, segment: str, start: datetime) -> ProfileView:
    """All that is known of a bucket."""
    return store.read(dataset, start, start + MILLISECOND, segment=parse_segment(segment))


def _stored(
    store: Store, words: str, dataset: str, segment: str, starts: Sequence[datetime]
) -> ShownBaseline:
    made_of = [
        digest for start in starts for digest in bucket_digests(store, dataset, segment, start)
    ]
    return ShownBaseline(
        words,
        made_of,
        lambda: ProfileView.merge_many(
            read_bucket(store, dataset, segment, start) for start in starts
        ),
    )


def _nothing() -> ProfileView:
    return ProfileView.merge_many([])


def _order(basis: Basis) -> tuple[bool, int]:
    return not basis.drift, basis.rank
