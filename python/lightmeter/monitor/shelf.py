"""What monitors read of a store: lists once, profiles by need, and no more than fit."""

from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from lightmeter.errors import DecodeError
from lightmeter.files import read_regular
from lightmeter.monitor.summaries import Summary
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.segments import segment_text
from lightmeter.store.rows import Bucket
from lightmeter.store.store import Store
from lightmeter.times import EPOCH, MILLISECOND

# A feature takes 4 to 15 kB in memory, so that this is up to about 100 MB.
_MOST_FEATURES = 6_000
# A summary takes about 0.1 kB a feature: 28 buckets of 300 segments are up to 40 MB.
_MOST_SUMMARISED = 400_000
_MOST_PASTS = 8
_MOST_KEPT = 100  # results of functions of rules, for as many segments

_AHEAD = 4  # a part of it is for buckets that are read before they are asked for

Where = tuple[str, str]  # dataset, and segment as text
_Key = tuple[str, str, datetime]


@dataclass
class Contents:
    """What a bucket holds, or several.

    Attributes:
        view: of those profiles that can be read.
        damage: what is wrong with the others; empty if all can be read.
    """

    view: ProfileView
    damage: str = ""

    @cached_property
    def columns(self) -> dict[str, ColumnView]:
        """Every feature by name, in alphabetical order."""
        return self.view.get_columns()

    @property
    def names(self) -> Sequence[str]:
        """Names of the features."""
        return self.view._core.names()


_P = TypeVar("_P", Contents, Summary)


def _whole(part: _P) -> _P:
    """Return what is known of a bucket, all of which can be read."""
    if part.damage:
        raise DecodeError(part.damage)
    return part


@dataclass(frozen=True)
class Past:
    """The buckets of a segment that begin at `starts`, each of which is read when it is needed."""

    shelf: "Shelf"
    where: Where
    starts: Sequence[datetime]

    def __iter__(self) -> Iterator[Contents]:
        """Those that can be read, earliest first."""
        for start in self.starts:
            contents = self.shelf.contents(*self.where, start)
            if contents.view.images or not contents.damage:
                yield contents

    @cached_property
    def summaries(self) -> list[Summary]:
        """Those that can be read, in short, earliest first."""
        summaries = (self.shelf.in_short(*self.where, start) for start in self.starts)
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
        beside: the bucket and its past without what it has in common with its peers, see `peers`.
    """

    shelf: "Shelf"
    where: Where
    bucket: Bucket
    past: Past
    own: Past | None = None
    since: datetime = EPOCH
    beside: tuple[Summary, Sequence[Summary]] | None = None

    @property
    def contents(self) -> Contents:
        """What it holds."""
        return self.shelf.contents(*self.where, self.bucket.start)

    @property
    def target(self) -> Contents:
        """What it holds. Raises DecodeError where some of it cannot be read."""
        return _whole(self.contents)

    @property
    def summary(self) -> Summary:
        """The bucket in short. Raises DecodeError where some of it cannot be read."""
        return _whole(self.shelf.in_short(*self.where, self.bucket.start))


class _Recent(Generic[_P]):
    """What `make` yields for a bucket; the last used ones are kept, of so many features in all."""

    def __init__(self, make: Callable[[_Key], Iterable[tuple[_Key, _P]]], most: int) -> None:
        self._make: Callable[[_Key], Iterable[tuple[_Key, _P]]] = make
        self._most, self._weight = most, 0
        self._kept: OrderedDict[_Key, _P] = OrderedDict()

    def __call__(self, dataset: str, segment: str, start: datetime) -> _P:
        key = dataset, segment, start
        if key not in self._kept:
            for each, part in self._make(key):
                if each not in self._kept:
                    self._kept[each] = part
                    self._weight += 1 + len(part.names)
        self._kept.move_to_end(key)
        while self._weight > self._most and len(self._kept) > 1:
            self._weight -= 1 + len(self._kept.popitem(last=False)[1].names)
        return self._kept[key]

    def room(self) -> int:
        """Return about how many can be kept."""
        return self._most * len(self._kept) // max(1, self._weight)


class Shelf:
    """A store during one run, which several monitors share.

    `once(make, *of)` is ``make(shelf, *of)``, which is kept for the run.

    Attributes:
        store: the store.
        datasets: names of the datasets, and the length of their buckets.
        accepted: what somebody has made the new normal.
        contents: what a bucket holds, by dataset, segment as text and start; a file is one of no
            dataset.
        in_short: its summary.
    """

    def __init__(self, store: Store) -> None:
        """Read no profile yet."""
        self.store, self.datasets, self.accepted = store, store.datasets(), store.state.accepted()
        self.contents = _Recent(self._read, _MOST_FEATURES)
        self.in_short = _Recent(self._summarise, _MOST_SUMMARISED)
        self.past = lru_cache(_MOST_PASTS)(partial(Past, self))
        self.once = lru_cache(_MOST_KEPT)(lambda make, *of: make(self, *of))
        self.versions = cache(store.versions)
        self.buckets = cache(lambda dataset, segment: store.buckets(dataset, segment=segment))
        self.segments = cache(lambda dataset: list(map(segment_text, store.segments(dataset))))

    def file(self, path: Path) -> Past:
        """Return a profile file, which counts as one bucket.

        Raises:
            LightmeterError, OSError: it cannot be read.
        """
        self.contents("", str(path), EPOCH)
        return self.past(("", str(path)), (EPOCH,))

    def _read(self, key: _Key) -> Iterator[tuple[_Key, Contents]]:
        """Read a bucket, and some behind it, which are mostly asked for next: by one statement."""
        dataset, segment, start = key
        if not dataset:
            yield key, Contents(ProfileView.from_bytes(read_regular(Path(segment))))
            return
        ahead = self.contents.room() // (_AHEAD * len(self.segments(dataset)))
        starts = [bucket.start for bucket in self.buckets(dataset, segment)]
        wanted = [start, *starts[bisect_right(starts, start) :][: max(0, ahead - 1)]]
        read: defaultdict[datetime, list[Any]] = defaultdict(list)
        end = wanted[-1] + MILLISECOND
        for row, content in self.store.load(dataset, start, end, segment=segment):
            read[row.bucket].append(content)
        for at in wanted:
            views = [content for content in read[at] if isinstance(content, ProfileView)]
            damage = [str(content) for content in read[at] if not isinstance(content, ProfileView)]
            contents = Contents(ProfileView.merge_many(views), "; ".join(damage))
            yield (dataset, segment, at), contents

    def _summarise(self, key: _Key) -> Iterator[tuple[_Key, Summary]]:
        contents = self.contents(*key)
        yield key, Summary(contents.view._core, contents.damage)
