"""What is known of datasets and segments, from the store and from what monitors say."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, Self

from lightmeter.dashboard.history import History
from lightmeter.monitor.incidents import Incident, find_incidents, find_stretches, lines_of
from lightmeter.monitor.results import Result
from lightmeter.profile.segments import segment_text
from lightmeter.store.records import Accepted, Line
from lightmeter.store.rows import Bucket
from lightmeter.store.store import Store

# Of segments, of which there may be many, fewer buckets have a page.
_SEGMENT_BUCKETS = 7


class Said(NamedTuple):
    """What monitors say of a dataset or segment: the results of each line, and what follows."""

    lines: Mapping[Line, Sequence[Result]]
    incidents: Sequence[Incident]

    @classmethod
    def of(cls, results: Iterable[Result]) -> Self:
        """From the results."""
        lines = lines_of(results)
        return cls(lines, find_incidents(find_stretches(lines)))


def segments_of(store: Store, dataset: str) -> list[dict[str, str]]:
    """The whole of it, and then its segments."""
    segments = sorted(store.segments(dataset), key=segment_text)
    return segments if {} in segments else [{}, *segments]


def history_of(
    store: Store,
    dataset: str,
    segment: Mapping[str, str],
    said: Said,
    accepted: Sequence[Accepted],
    most: int | None,
    *,
    all_shown: bool = False,
) -> History:
    """What is known of a dataset or segment.

    Args:
        store: that has it.
        dataset: its name.
        segment: empty for the whole of it.
        said: what monitors say of it.
        accepted: what people made the new normal.
        most: how many of the latest buckets have a page, and how many with an anomaly; None for
            all, of a segment for 7.
        all_shown: whether all have a page, whatever `most` is.
    """
    history = History(
        dataset=dataset,
        segment=segment,
        segment_text=segment_text(segment),
        buckets=store.buckets(dataset, segment=segment),
        lines=said.lines,
        incidents=said.incidents,
        accepted=accepted,
    )
    if all_shown:
        most = None
    else:
        most = len(history.buckets) if most is None else most
        most = min(most, _SEGMENT_BUCKETS) if segment else most
    return replace(history, shown=_shown(history.buckets, history.anomalous, most))


def _shown(
    buckets: Sequence[Bucket], anomalous: Container[datetime], most: int | None
) -> frozenset[datetime]:
    """Starts of the buckets that have a page."""
    starts = [bucket.start for bucket in buckets]
    if most is None:
        return frozenset(starts)
    bad = [start for start in starts if start in anomalous]
    return frozenset({*starts[-most:], *bad[-most:]} if most > 0 else ())
