"""A change that is the new normal: from a bucket on, what is found on some lines is no anomaly."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

from lightmeter.drift.feature import column_of
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.store.records import Accepted, Basis, Line, Place
from lightmeter.store.store import Store
from lightmeter.times import to_utc

EVERYTHING = "*"


def accept(
    store: Store,
    since: datetime | date,
    *,
    note: str = "",
    dataset: str = EVERYTHING,
    segment: str = EVERYTHING,
    monitor: str = EVERYTHING,
    feature: str = EVERYTHING,
    now: datetime | None = None,
) -> Accepted:
    """Make what happened the new normal, for lines that match the four patterns.

    From the next run on, trailing baselines of buckets from `since` on use only buckets from
    `since` on. Until there are enough of these, the buckets that began before `now` count as ok,
    and what lasted on these lines ends. Later buckets are ``not enough data``. Buckets before
    `since` are judged as they were. Baselines that are no trailing ones do not change.

    Args:
        store: where it is kept, in place of what was said of the same patterns and time.
        since: the first bucket of the new normal; local without a time zone, a date is in UTC.
        note: why, such as ``"new lamp"``.
        dataset: as are the next three, a pattern such as ``cells*``.
        segment: of the text, such as ``camera=*``.
        monitor: of the name.
        feature: such as ``image.Hue.*``.
        now: the time; None takes the clock. Without a time zone it is local time.

    Raises:
        StoreError: the store cannot be written.
    """
    at = to_utc(now or datetime.now(UTC))
    accepted = Accepted(Line(dataset, segment, monitor, feature), to_utc(since), note, at)
    store.state.accept(accepted)
    return accepted


def take_back(
    store: Store,
    since: datetime | date,
    *,
    dataset: str = EVERYTHING,
    segment: str = EVERYTHING,
    monitor: str = EVERYTHING,
    feature: str = EVERYTHING,
) -> bool:
    """Undo an `accept` of exactly these patterns and time; whether there was one.

    Raises:
        StoreError: the store cannot be written.
    """
    return store.state.forget_accepted(Line(dataset, segment, monitor, feature), to_utc(since))


def fixed_baselines(store: Store, patterns: Line) -> list[str]:
    """Names of the monitors that match, and compare with a file, or with other buckets.

    Raises:
        StoreError: the store cannot be read.
    """
    return [
        monitor
        for monitor, dataset in watching(store, patterns)
        if any(_is_fixed(*each) for each in store.state.bases(monitor, dataset).items())
    ]


def watching(store: Store, patterns: Line) -> list[tuple[str, str]]:
    """Names and datasets of the monitors that match, of those that have run.

    Raises:
        StoreError: the store cannot be read.
    """
    return [
        (monitor, dataset)
        for monitor, dataset, _ in store.state.sources()
        if fnmatchcase(dataset, patterns.dataset) and fnmatchcase(monitor, patterns.monitor)
    ]


def _is_fixed(place: Place, basis: Basis) -> bool:
    """Whether a bucket was compared with a file, with others, or with later ones."""
    where = place.dataset, place.segment
    elsewhere = bool(basis.file) or where != (basis.dataset, basis.segment)
    return elsewhere or any(start > place.start for start in basis.starts)


def covers_place(accepted: Accepted, dataset: str, segment: str, monitor: str) -> bool:
    """Whether it is about a monitor on a segment, which is given as text."""
    place = dataset, segment, monitor
    return all(map(fnmatchcase, place, accepted.patterns[:3]))


def covers_feature(accepted: Accepted, feature: str) -> bool:
    """Whether it is about a feature; a pattern takes the rates of a column too."""
    pattern = accepted.patterns.feature
    return any(fnmatchcase(name, pattern) for name in (feature, column_of(feature)))


def covers_line(accepted: Accepted, line: Line) -> bool:
    """Whether it is about a line."""
    place = covers_place(accepted, line.dataset, line.segment, line.monitor)
    return place and covers_feature(accepted, line.feature)


def in_force(accepted: Sequence[Accepted], start: datetime) -> list[Accepted]:
    """Those that hold for a bucket, the latest first: of a feature the first that covers it holds.

    Behind one that covers all features none is left.
    """
    holding = [each for each in accepted if each.since <= start]
    holding.sort(key=lambda each: (each.since, each.patterns), reverse=True)
    for index, each in enumerate(holding):
        if each.patterns.feature == EVERYTHING:
            return holding[: index + 1]
    return holding


def words_of(accepted: Accepted) -> str:
    """What results say of it."""
    note = f": {accepted.note}" if accepted.note else ""
    return f"taken as normal from {bucket_text(accepted.since)} on{note}"
