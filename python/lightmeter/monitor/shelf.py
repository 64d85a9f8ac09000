"""What monitors read of a store: lists once, profiles by need, and no more than fit."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from typing import Generic, Protocol, TypeVar

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

Where = tuple[str, str]  # dataset, and segment as text


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


class _Part(Protocol):
    damage: str

    @property
    def names(self) -> Sequence[str]: ...


_P = TypeVar("_P", bound=_Part)


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
    """What a function returns; the last used ones are kept, of so many features in all."""

    def __init__(self, make: Callable[[str, str, datetime], _P], most: int) -> None:
        self._make, self._most, self._weight = make, most, 0
        self._kept: OrderedDict[tuple[str, str, datetime], _P] = OrderedDict()

    def __call__(self, dataset: str, segment: str, start: datetime) -> _P:
        key = dataset, segment, start
        if key not in self._kept:
            self._kept[key] = self._make(*key)
            self._weight += 1 + len(self._kept[key].names)
        self._kept.move_to_end(key)
        while self._weight > self._most and len(self._kept) > 1:
            self._weight -= 1 + len(self._kept.popitem(last=False)[1].names)
        return self._kept[key]


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

    def _read(self, dataset: str, segment: str, start: datetime) -> Contents:
        if not dataset:
            return Contents(ProfileView.from_bytes(read_regular(Path(segment))))
        loaded = self.store.load(dataset, start, start + MILLISECOND, segment=segment)
        read = [content for _, content in loaded]
        views = [content for content in read if isinstance(content, ProfileView)]
        damage = [str(content) for content in read if not isinstance(content, ProfileView)]
        return Contents(ProfileView.merge_many(views), "; ".join(damage))

    def _summarise(self, dataset: str, segment: str, start: datetime) -> Summary:
        contents = self.contents(dataset, segment, start)
        return Summary(contents.view._core, contents.damage)
