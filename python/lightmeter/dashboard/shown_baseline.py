"""What the distributions of a bucket are drawn against."""

import hashlib
from collections.abc import Callable, Container, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from lightmeter.dashboard.history import History, title_of
from lightmeter.dashboard.parts import pair
from lightmeter.errors import DecodeError
from lightmeter.files import read_regular
from lightmeter.monitor.baseline import Trail, begins_at, covers, within_days
from lightmeter.monitor.config import ComparingMonitor
from lightmeter.monitor.results import ANOMALY, PENDING
from lightmeter.monitor.rules import monitor_of
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import parse_segment
from lightmeter.store.store import Store
from lightmeter.text import counted, shorten
from lightmeter.times import MILLISECOND

_BEFORE = 7


class ShownMonitors:
    """Of each bucket the monitor whose baseline is shown: the first one on drift that judged it, or
    else the first that has a baseline.
    """

    def __init__(self, store: Store, sees: Callable[[str], bool] = lambda _: True) -> None:
        """Read what monitors there are; baselines of datasets that `sees` refuses are not shown."""
        self._sees = sees
        self._monitors: dict[str, list[ComparingMonitor]] = {}
        for source in sorted(store.state.sources(), key=lambda source: source.rank):
            monitor = monitor_of(source)
            if isinstance(monitor, ComparingMonitor):
                self._monitors.setdefault(source.dataset, []).append(monitor)
        for monitors in self._monitors.values():
            monitors.sort(key=lambda monitor: monitor.type != "drift")

    def is_drift(self, dataset: str, monitor: str) -> bool:
        """Return whether a monitor is one on drift."""
        watching = self._monitors.get(dataset, ())
        return any(each.name == monitor and each.type == "drift" for each in watching)

    def of(self, dataset: str, judged_by: Container[str]) -> ComparingMonitor | None:
        """Return the monitor of a bucket, of those that had enough data to judge it."""
        for monitor in self._monitors.get(dataset, ()):
            if monitor.name in judged_by:
                return monitor if self._sees(monitor.baseline.dataset or dataset) else None
        return None


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
    store: Store, history: History, start: datetime, monitor: ComparingMonitor | None
) -> ShownBaseline:
    """Return that of a bucket's monitor, or else the last good buckets before `start`."""
    dataset, segment = history.dataset, history.segment_text
    before = [bucket for bucket in history.buckets if bucket.start < start]
    if monitor is None:
        good = [each.start for each in before if each.start not in history.anomalous][-_BEFORE:]
        words = f"baseline: the {counted(len(good), 'bucket')} before without anomalies"
        return _stored(store, words, dataset, segment, good)
    words, baseline = f"baseline of {shorten(monitor.name, 60)}: ", monitor.baseline
    if baseline.reference is not None:
        return _of_file(words, baseline.reference)
    if baseline.most is not None:
        starts = _trailing(store, history, monitor, start)
    else:
        dataset = baseline.dataset or dataset
        segment = segment if parse_segment(segment) in store.segments(dataset) else ""
        starts = [bucket.start for bucket in store.buckets(dataset, segment=segment)]
        if baseline.from_ is not None:
            starts = [each for each in within_days(baseline, starts) if each != start]
    if (dataset, segment) != (history.dataset, history.segment_text):
        words += f"{shorten(title_of(dataset, parse_segment(segment)), 120)}, "
    words += counted(len(starts), "bucket")
    if starts:
        words += f", {pair(starts[0], starts[-1])}"
    return _stored(store, words, dataset, segment, starts)


def _trailing(
    store: Store, history: History, monitor: ComparingMonitor, start: datetime
) -> Sequence[datetime]:
    length = store.datasets()[history.dataset]
    starts = [
        bucket.start
        for bucket in history.buckets
        if not monitor.goes_by_length or bucket.end - bucket.start == length
    ]
    bad = {
        result.bucket
        for line, results in history.lines.items()
        if line.monitor == monitor.name
        for result in results
        if result.state in (ANOMALY, PENDING)
    }
    place = history.dataset, history.segment_text, monitor.name
    accepted = [each for each in history.accepted if covers(each, *place)]
    since, _ = begins_at(monitor.baseline, accepted, start)
    trail = Trail(monitor.baseline, starts)
    trail.advance(start, length, bad.__contains__)
    return trail.before(start, since)


def _of_file(words: str, path: Path) -> ShownBaseline:
    try:
        body = read_regular(path)
        view = ProfileView.from_bytes(body)
    except (OSError, DecodeError):
        return ShownBaseline(f"{words}{path.name}, which cannot be read", [], _nothing)
    return ShownBaseline(f"{words}{path.name}", [hashlib.sha256(body).digest()], lambda: view)


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
