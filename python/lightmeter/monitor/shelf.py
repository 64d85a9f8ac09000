"""What monitors read of a store: lists once, profiles by need, and no more than fit."""

from bisect import bisect_left
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

from lightmeter.errors import DecodeError
from lightmeter.files import read_regular
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
_MOST_KEPT = 100  # results of functions of rules, for as many segments

Where = tuple[str, str]  # dataset, and segment as text
_Key = tuple[str, str, datetime]


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
        summaries = (self._shelf.in_short(*self.where, start) for start in self.starts)
        return [summary for summary in summaries if summary.is_readable]

    @cached_property
    def merged(self) -> ProfileView:
        """All of them as one."""
        return ProfileView.merge_many(each.view for each in self)


@dataclass(frozen=True)
class Side:
    """A bucket of a segment, and what it is compared with.

    Attributes:
        shelf: what is read of the store.
        where: dataset and segment.
        bucket: the bucket; one without writers is not there.
        past: what it is compared with.
        own: buckets before it, where those that it is compared with are others: they say how much
            such buckets vary. None where it is compared with them.
        since: where its baseline begins.
    """

    shelf: "Shelf"
    where: Where
    bucket: Bucket
    past: Past
    own: Past | None = None
    since: datetime = EPOCH

    @property
    def contents(self) -> Contents:
        """What it holds."""
        return self.shelf.contents(*self.where, self.bucket.start)

    @property
    def target(self) -> Contents:
        """What it holds, all of which can be read.

        Raises:
            DecodeError: some of it cannot.
        """
        if self.contents.damage:
            raise DecodeError(self.contents.damage)
        return self.contents

    @property
    def summary(self) -> Summary:
        """The bucket in short.

        Raises:
            DecodeError: some of it cannot be read.
        """
        summary = self.shelf.in_short(*self.where, self.bucket.start)
        if summary.damage:
            raise DecodeError(summary.damage)
        return summary


class _Heavy(OrderedDict[Any, Any]):
    """Values of which the last used ones are kept, up to a weight of all together."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.weight = most, 0

    def find(self, key: Any, make: Callable[[], Iterable[tuple[Any, Any, int]]]) -> Any:
        """Return a value; `make` gives it, and perhaps others, with their weights."""
        if key not in self:
            for each, value, weight in make():
                self[each] = value, weight
                self.weight += weight
        self.move_to_end(key)
        while self.weight > self.most and len(self) > 1:
            _, (_, weight) = self.popitem(last=False)
            self.weight -= weight
        return self[key][0]


class Shelf:
    """A store during one run, which several monitors share.

    `once(make, *of)` is ``make(shelf, *of)``, which is kept for the run.
    """

    def __init__(self, store: Store) -> None:
        """Read nothing yet."""
        self.store = store
        self._contents, self._summaries = _Heavy(_MOST_FEATURES), _Heavy(_MOST_SUMMARISED)
        self.past = lru_cache(_MOST_PASTS)(partial(Past, self))
        self.once = lru_cache(_MOST_KEPT)(lambda make, *of: make(self, *of))
        self.versions = cache(store.versions)
        self.buckets = cache(lambda dataset, segment: store.buckets(dataset, segment=segment))
        self.segments = cache(lambda dataset: list(map(segment_text, store.segments(dataset))))

    @cached_property
    def datasets(self) -> dict[str, timedelta]:
        """Names of the datasets, and the length of their buckets."""
        return self.store.datasets()

    @cached_property
    def accepted(self) -> list[Accepted]:
        """What somebody has made the new normal."""
        return self.store.state.accepted()

    def file(self, path: Path) -> Past:
        """Return a profile file, which counts as one bucket.

        Raises:
            LightmeterError, OSError: it cannot be read.
        """
        self.contents("", str(path), EPOCH)
        return self.past(("", str(path)), (EPOCH,))

    def contents(self, dataset: str, segment: str, start: datetime) -> Contents:
        """Return what a bucket holds; a file is one of no dataset."""
        key = dataset, segment, start
        found: Contents = self._contents.find(key, lambda: self._read(*key))
        return found

    def in_short(self, dataset: str, segment: str, start: datetime) -> Summary:
        """Return the summary of a bucket."""

        def made() -> Iterator[tuple[_Key, Summary, int]]:
            contents = self.contents(*key)
            summary = Summary(contents.view._core, contents.damage)
            yield key, summary, 1 + len(summary.names)

        key = dataset, segment, start
        found: Summary = self._summaries.find(key, made)
        return found

    def _read(
        self, dataset: str, segment: str, start: datetime
    ) -> Iterator[tuple[_Key, Contents, int]]:
        """Read a bucket, and some behind it, which are mostly asked for next: by one statement."""
        read: defaultdict[datetime, list[Any]] = defaultdict(list)
        wanted = [start]
        if not dataset:
            read[start].append(ProfileView.from_bytes(read_regular(Path(segment))))
        else:
            features = self._contents.weight // max(1, len(self._contents)) or _MOST_FEATURES
            many = _MOST_FEATURES // (_AHEAD * features * len(self.segments(dataset)))
            starts = [bucket.start for bucket in self.buckets(dataset, segment)]
            first = bisect_left(starts, start) + 1
            wanted += starts[first : first + many - 1]
            end = wanted[-1] + MILLISECOND
            for row, content in self.store.load(dataset, start, end, segment=segment):
                read[row.bucket].append(content)
        for each in wanted:
            key = dataset, segment, each
            if key not in self._contents:
                views = [content for content in read[each] if isinstance(content, ProfileView)]
                damage = [str(text) for text in read[each] if not isinstance(text, ProfileView)]
                contents = Contents(ProfileView.merge_many(views), "; ".join(damage))
                yield key, contents, 1 + len(contents.view._core.names())
