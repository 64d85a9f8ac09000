"""What monitors read of a store: lists once, profiles by need, and no more than fit."""

from bisect import bisect_left
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from lightmeter.errors import DecodeError
from lightmeter.files import read_regular
from lightmeter.monitor.daily import Daily
from lightmeter.monitor.summaries import Summary
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.segments import segment_text
from lightmeter.store.records import Accepted
from lightmeter.store.rows import Bucket
from lightmeter.store.store import Store
from lightmeter.times import EPOCH, MILLISECOND

# A feature takes 4 to 15 kB in memory, so that this is up to about 100 MB.
_MOST_FEATURES = 6_000
_AHEAD = 4  # a part of it is for buckets that are read before they are asked for
# A summary takes about 0.1 kB a feature: 28 buckets of 300 segments are up to 40 MB.
_MOST_SUMMARISED = 400_000
_MOST_PASTS = 8
_MOST_DAILY = 100  # segments, of which a day is judged together: 2 MB each with 500 days

Where = tuple[str, str]  # dataset, and segment as text


class Contents:
    """What a bucket holds, or several.

    Attributes:
        view: of those profiles that can be read.
        damage: what is wrong with the others; empty if all can be read.
    """

    def __init__(self, view: ProfileView, damage: str = "") -> None:
        """Hold a profile."""
        self.view, self.damage = view, damage

    @cached_property
    def columns(self) -> dict[str, ColumnView]:
        """Every feature by name, in alphabetical order."""
        return self.view.get_columns()


class Past:
    """Buckets that another one is compared with, each read when it is needed."""

    def __init__(self, shelf: "Shelf", where: Where, starts: Sequence[datetime]) -> None:
        """Take the buckets of a segment that start at `starts`."""
        self._shelf, self.where, self.starts = shelf, where, starts

    def __iter__(self) -> Iterator[Contents]:
        """Those that can be read, earliest first."""
        for start in self.starts:
            contents = self._shelf.contents(*self.where, start)
            if contents.view.images or not contents.damage:
                yield contents

    @cached_property
    def summaries(self) -> list[Summary]:
        """Those that can be read, in short, earliest first."""
        in_short = (self._shelf.in_short(*self.where, start) for start in self.starts)
        return [summary for summary, damage in in_short if not damage or summary.images]

    @cached_property
    def merged(self) -> Contents:
        """All of them as one."""
        return Contents(ProfileView.merge_many(each.view for each in self))


class _File(Past):
    """A profile file, which counts as one bucket."""

    def __init__(self, path: Path) -> None:
        self._contents = Contents(ProfileView.from_bytes(read_regular(path)))
        self.where, self.starts = ("", ""), ()

    def __iter__(self) -> Iterator[Contents]:
        yield self._contents

    @cached_property
    def summaries(self) -> list[Summary]:
        return [Summary(self._contents.view._core)]


class Side:
    """A bucket of a segment, and what it is compared with.

    Attributes:
        bucket: the bucket; one without writers is not there.
        past: what it is compared with.
        own: buckets before it, where those that it is compared with are others: they say how much
            such buckets vary. None where it is compared with them.
        peers: how many other segments what is common was taken of; 0 where nothing was.
    """

    peers = 0

    def __init__(
        self,
        shelf: "Shelf",
        where: Where,
        bucket: Bucket,
        past: Past,
        own: Past | None = None,
        since: datetime = EPOCH,
    ) -> None:
        """Read nothing yet; `since` is where its baseline begins."""
        self._shelf, self._where, self.bucket = shelf, where, bucket
        self.past, self.own, self._since = past, own, since

    @property
    def contents(self) -> Contents:
        """What it holds."""
        return self._shelf.contents(*self._where, self.bucket.start)

    @property
    def target(self) -> Contents:
        """What it holds, all of which can be read.

        Raises:
            DecodeError: some of it cannot.
        """
        if self.contents.damage:
            raise DecodeError(self.contents.damage)
        return self.contents

    @cached_property
    def summary(self) -> Summary:
        """The bucket in short.

        Raises:
            DecodeError: some of it cannot be read.
        """
        summary, damage = self._shelf.in_short(*self._where, self.bucket.start)
        if damage:
            raise DecodeError(damage)
        return summary

    @cached_property
    def summaries(self) -> list[Summary]:
        """Those that it is compared with, in short."""
        return self.past.summaries

    @property
    def segments(self) -> int:
        """How many segments the dataset has."""
        return len(self._shelf.segments(self._where[0]))

    def daily(self, excluded: Sequence[tuple[date, date]]) -> Daily:
        """Return all buckets of the segment since its baseline begins, as days.

        What they say of a day follows from the days up to it, so that all buckets share them.
        """
        return self._shelf.daily(self._where, self._since, tuple(excluded))

    def summary_at(self, start: datetime) -> Summary | None:
        """Return the summary of another bucket of the segment, of which anything can be read."""
        if start not in self._shelf.starts(self._where):
            return None
        summary, damage = self._shelf.in_short(*self._where, start)
        return summary if not damage or summary.images else None

    def exif_read(self, name: str, is_personal: bool) -> int:
        """Return how many images have no tag of that name, which no image has; see `Profile`."""
        return self.contents.view._core.exif_read(name, is_personal)


_T = TypeVar("_T")


class _Heavy(Generic[_T]):
    """Values by key, of which the last used ones are kept, up to a weight of all together."""

    def __init__(self, most: int) -> None:
        self._most, self.weight = most, 0
        self._values: OrderedDict[Any, tuple[_T, int]] = OrderedDict()

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, key: Any) -> _T:
        self._values.move_to_end(key)
        return self._values[key][0]

    def keep(self, key: Any, value: _T, weight: int) -> None:
        self._values[key] = value, weight
        self.weight += weight

    def trim(self) -> None:
        while self.weight > self._most and len(self._values) > 1:
            _, (_, weight) = self._values.popitem(last=False)
            self.weight -= weight


class Shelf:
    """A store during one run, which several monitors share."""

    def __init__(self, store: Store) -> None:
        """Read nothing yet."""
        self.store = store
        self._contents = _Heavy[Contents](_MOST_FEATURES)
        self._summaries = _Heavy[tuple[Summary, str]](_MOST_SUMMARISED)
        self.past: Callable[[Where, tuple[datetime, ...]], Past]
        self.past = lru_cache(_MOST_PASTS)(lambda where, starts: Past(self, where, starts))
        self.file: Callable[[Path], Past] = lru_cache(None)(_File)
        self.versions: Callable[[str], dict[tuple[str, datetime], int]]
        self.versions = lru_cache(None)(store.versions)
        self.starts: Callable[[Where], frozenset[datetime]] = lru_cache(None)(
            lambda where: frozenset(bucket.start for bucket in self.buckets(*where))
        )
        self.daily: Callable[[Where, datetime, tuple[tuple[date, date], ...]], Daily]
        self.daily = lru_cache(_MOST_DAILY)(self._daily)
        self._buckets: dict[Where, list[Bucket]] = {}

    @cached_property
    def datasets(self) -> dict[str, timedelta]:
        """Names of the datasets, and the length of their buckets."""
        return self.store.datasets()

    @cached_property
    def accepted(self) -> list[Accepted]:
        """What somebody has made the new normal."""
        return self.store.state.accepted()

    def newest(self, now: datetime, dataset: str) -> dict[str, datetime]:
        """Return the start of the newest bucket of each segment that is complete by then."""
        return {
            segment_text(newest.segment): newest.start
            for newest in self.store.newest(now)
            if newest.dataset == dataset
        }

    def segments(self, dataset: str) -> list[str]:
        """Return the segments of a dataset, as text."""
        return [segment_text(segment) for segment in self.store.segments(dataset)]

    def buckets(self, dataset: str, segment: str) -> list[Bucket]:
        """Return the buckets of a segment, earliest first."""
        if (dataset, segment) not in self._buckets:
            self._buckets[dataset, segment] = self.store.buckets(dataset, segment=segment)
        return self._buckets[dataset, segment]

    def contents(self, dataset: str, segment: str, start: datetime) -> Contents:
        """Return what a bucket holds."""
        key = dataset, segment, start
        if key not in self._contents:
            for each, contents in self._loaded(*key):
                self._contents.keep(each, contents, 1 + len(contents.view._core.names()))
            found = self._contents[key]
            self._contents.trim()
            return found
        return self._contents[key]

    def in_short(self, dataset: str, segment: str, start: datetime) -> tuple[Summary, str]:
        """Return the summary of a bucket, and what is wrong with it."""
        key = dataset, segment, start
        if key not in self._summaries:
            contents = self.contents(*key)
            summary = Summary(contents.view._core)
            self._summaries.keep(key, (summary, contents.damage), 1 + len(summary.names))
            self._summaries.trim()
        return self._summaries[key]

    def _daily(
        self, where: Where, since: datetime, excluded: tuple[tuple[date, date], ...]
    ) -> Daily:
        starts = [
            bucket.start
            for bucket in self.buckets(*where)
            if bucket.start >= since
            and not any(first <= bucket.start.date() <= last for first, last in excluded)
        ]
        summaries = ((start, *self.in_short(*where, start)) for start in starts)
        return Daily(
            (start, each) for start, each, damage in summaries if not damage or each.images
        )

    def _loaded(
        self, dataset: str, segment: str, start: datetime
    ) -> Iterator[tuple[tuple[str, str, datetime], Contents]]:
        """Read a bucket, and some behind it, which are mostly asked for next: by one statement."""
        starts = [bucket.start for bucket in self.buckets(dataset, segment)]
        first = bisect_left(starts, start)
        features = self._contents.weight // max(1, len(self._contents)) or _MOST_FEATURES
        many = _MOST_FEATURES // (_AHEAD * features * len(self._buckets))
        wanted = [start]
        for each in starts[first + 1 : first + many]:
            if (dataset, segment, each) in self._contents:
                break
            wanted.append(each)
        rows: defaultdict[datetime, list[Any]] = defaultdict(list)
        end = wanted[-1] + MILLISECOND
        for row, content in self.store.load(dataset, start, end, segment=segment):
            rows[row.start].append(content)
        for each in wanted:
            views = [content for content in rows[each] if isinstance(content, ProfileView)]
            damage = [
                str(content) for content in rows[each] if not isinstance(content, ProfileView)
            ]
            merged = ProfileView.merge_many(views)
            yield (dataset, segment, each), Contents(merged, "; ".join(damage))
