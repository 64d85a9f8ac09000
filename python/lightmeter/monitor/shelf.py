"""What monitors read of a store: lists once, profiles by need, and no more than fit.

A `Summary` is a bucket in short: counts, means and spreads of its features.
"""

import json
import math
from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from lightmeter import _core
from lightmeter.drift.prediction import Numbers
from lightmeter.errors import DecodeError
from lightmeter.files import read_regular
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.features import Kind, Meaning
from lightmeter.profile.segments import segment_text
from lightmeter.store.store import Store
from lightmeter.store.tables import Bucket
from lightmeter.times import EPOCH, MILLISECOND

# Rows of `Summary.table`: finite numbers, their moments (of hue, the mean of directions instead of
# mean and standard deviation), their median and how many of them differ from it (all of them where
# few are the same); missing values; all others; those that are text or infinite.
N, MEAN, STDDEV, MEDIAN, OTHERS, MISSING, VALUES, ODD = range(8)
ROWS = 8
COSINE, SINE = MEAN, STDDEV
_STEPS = 255 / math.tau  # of hue, in a radian


# A feature of which at least so many values are the same one is judged by how many are not.
MOST_OTHERS = 0.1
MOST_VALUES = 20  # of a category; rarer ones are not judged


class Vectors(NamedTuple):
    """The length of vectors; how many they are, and means and deviations of each number."""

    length: int
    table: Numbers


_Features = tuple[tuple[str, ...], Mapping[str, Kind], Mapping[str, Meaning]]


class Summary:
    """Of one bucket, or of several that were merged. It is small: it holds no profile.

    Attributes
    ----------
    kinds
        Of the features that are judged, in alphabetical order.
    meanings
        Of these.
    names
        Of these.
    table
        A row for each of the constants above, a column for each feature.
    categories
        Of features of texts, how often each value was seen; what is no text makes one value more,
        whose name is empty.
    vectors
        Of features of vectors, those of the length that most have.
    exif_read
        Images of which Exif was read.
    damage
        Why some of the bucket is not in it; empty if all of it is.
    is_readable
        Whether anything is.
    """

    def __init__(self, core: _core.Profile, damage: str = "") -> None:
        """Of a profile, which does not change any more."""
        self.damage, self.is_readable = damage, not damage or core.images > 0
        self.categories: dict[str, dict[str, int]] = {}
        self.vectors: dict[str, Vectors] = {}
        features, columns, read = [], [], 0.0
        for name in core.names():
            meaning = Meaning(*core.meaning(name))
            if meaning.untested or meaning.is_date or meaning.role == "hash":
                continue
            kind, column = _column(core, name, meaning)
            if column[ODD] or kind == "category":
                self.categories[name] = _counts(core, name, column[VALUES])
            if kind == "vector" and (vectors := _vectors(core, name)) is not None:
                self.vectors[name] = vectors
            if meaning.family == "Exif":
                read = max(read, column[MISSING] + column[VALUES])
            features.append((name, kind, meaning))
            columns.append(column)
        self.names, self.kinds, self.meanings = _shared(tuple(features))
        self.table: Numbers = np.array(columns, dtype=np.float64).reshape(-1, ROWS).T
        self.exif_read = int(read)

    def to_bytes(self) -> bytes:
        """Return the parts of one that can be read that a later run needs: all but vectors."""
        features = [(name, self.kinds[name], self.meanings[name]) for name in self.names]
        texts = (json.dumps(part).encode() for part in (features, self.categories))
        return b"\n".join([*texts, self.table.tobytes()])

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Summary":
        """Return what `to_bytes` has kept."""
        features, categories, table = kept.split(b"\n", 2)
        found = copy(_EMPTY)
        found.names, found.kinds, found.meanings = _parsed(features)
        found.categories = json.loads(categories)
        found.table = np.frombuffer(table).reshape(ROWS, -1)
        return found

    def with_table(self, names: tuple[str, ...], table: Numbers) -> "Summary":
        """Return the same bucket with other numbers of some features, and without the other
        features.
        """
        changed = copy(self)
        changed.names, changed.table = names, table
        changed.kinds = {name: self.kinds.get(name, "number") for name in names}
        changed.meanings = {name: self.meanings[name] for name in names if name in self.meanings}
        changed.categories = {}
        return changed

    def aligned(self, names: tuple[str, ...]) -> Numbers:
        """Return the table for other features; one that is not there has no values."""
        if names == self.names:
            return self.table
        at = {name: index for index, name in enumerate(self.names)}
        padded = np.pad(self.table, ((0, 0), (0, 1)))
        return np.asarray(padded[:, [at.get(name, -1) for name in names]])


@lru_cache(maxsize=64)
def _shared(features: tuple[tuple[str, Kind, Meaning], ...]) -> _Features:
    """Return the same object for all buckets that are alike, as it takes more than their
    numbers.
    """
    kinds = MappingProxyType({name: kind for name, kind, _ in features})
    return tuple(kinds), kinds, MappingProxyType({name: meaning for name, _, meaning in features})


@lru_cache(maxsize=64)
def _parsed(features: bytes) -> _Features:
    return _shared(tuple((name, kind, Meaning(*of)) for name, kind, of in json.loads(features)))


_EMPTY = Summary(_core.Profile())


def _counts(core: _core.Profile, name: str, values: float) -> dict[str, int]:
    counts = {value: high for value, _, high in core.strings(name).items()}
    others = int(values) - sum(counts.values())
    if others > 0:
        counts[""] = counts.get("", 0) + others
    return counts


def _column(core: _core.Profile, name: str, meaning: Meaning) -> tuple[Kind, Sequence[float]]:
    missing, _, _, texts, vectors, *_ = core.counts(name)
    if meaning.role == "failure":
        return "failure", (0, 0.0, 0.0, 0.0, 0, missing, texts, 0)
    numbers = _core.numbers_of(core, name)
    n, odd = numbers.n, texts + numbers.pos_inf + numbers.neg_inf
    counts = missing + numbers.nan, n + odd + vectors, odd
    kind = meaning.kind(mostly_text=texts > n)
    if n == 0:
        return kind, (0, 0.0, 0.0, 0.0, 0, *counts)
    if kind == "hue":
        direction, spread = _core.circular_level(numbers)
        length = math.exp(-((spread / _STEPS) ** 2) / 2)
        angle = direction / _STEPS if length else 0.0
        return kind, (n, length * math.cos(angle), length * math.sin(angle), 0.0, n, *counts)
    mean, spread = _core.level_of(core, name)
    if not math.isfinite(spread):  # its square is too large
        spread = 0.0
    low, median, high = numbers.quantiles([0.25, 0.5, 0.75]).tolist()
    others = n
    if numbers.min == numbers.max:
        others = 0
    elif median in (low, high):
        different, weights = numbers.weights()
        others = int(weights[different != median].sum())
    return kind, (n, mean, spread, median, others, *counts)


def _vectors(core: _core.Profile, name: str) -> Vectors | None:
    by_length, _ = core.vectors(name)
    if not by_length:
        return None
    length = max(by_length, key=lambda at: (by_length[at].n, at))
    covariance = by_length[length]
    spreads = np.sqrt(covariance.comoments.diagonal() / max(covariance.n - 1, 1))
    n = np.full(len(spreads), float(covariance.n))
    return Vectors(length, np.stack([n, covariance.means, spreads]))


def common_value(n: Numbers, medians: Numbers) -> Numbers:
    """Return the median of the medians of buckets that have values, by feature; infinite if none.

    Parameters
    ----------
    n
        How many values each bucket has of each feature.
    medians
        Of these.
    """
    ordered = np.sort(np.where(n > 0, medians, np.inf), axis=0)
    buckets = (n > 0).sum(axis=0)
    return np.asarray(ordered[np.maximum(buckets - 1, 0) // 2, np.arange(medians.shape[1])])


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

    Attributes
    ----------
    view
        Of those profiles that can be read.
    damage
        What is wrong with the others; empty if all can be read.
    """

    view: ProfileView
    damage: str = ""

    @cached_property
    def columns(self) -> dict[str, ColumnView]:
        """Return every feature by name, in alphabetical order."""
        return self.view.get_columns()

    @property
    def names(self) -> Sequence[str]:
        """Return names of the features."""
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
        """Yield those that can be read, earliest first."""
        for start in self.starts:
            contents = self.shelf.contents(*self.where, start)
            if contents.view.images or not contents.damage:
                yield contents

    @cached_property
    def summaries(self) -> list[Summary]:
        """Return those that can be read, in short, earliest first."""
        summaries = (self.shelf.in_short(*self.where, start) for start in self.starts)
        return [summary for summary in summaries if summary.is_readable]

    @cached_property
    def merged(self) -> ProfileView:
        """Return all of them as one."""
        return ProfileView.merge_many(each.view for each in self)


@dataclass(frozen=True)
class Side:
    """A bucket of a segment, and what it is compared with.

    Attributes
    ----------
    shelf
        What is read of the store.
    where
        Dataset and segment.
    bucket
        The bucket; one without writers is not there.
    past
        What it is compared with.
    own
        Buckets before it, where those that it is compared with are others: they say how much such
        buckets vary. None where it is compared with them.
    beside
        The bucket and its past without what it has in common with its peers, see `peers`.
    """

    shelf: "Shelf"
    where: Where
    bucket: Bucket
    past: Past
    own: Past | None = None
    beside: tuple[Summary, Sequence[Summary]] | None = None

    @property
    def contents(self) -> Contents:
        """Return what it holds."""
        return self.shelf.contents(*self.where, self.bucket.start)

    @property
    def target(self) -> Contents:
        """Return what it holds. Raises DecodeError where some of it cannot be read."""
        return _whole(self.contents)

    @property
    def summary(self) -> Summary:
        """Return the bucket in short. Raises DecodeError where some of it cannot be read."""
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

    Attributes
    ----------
    store
        The store.
    datasets
        Names of the datasets, and the length of their buckets.
    accepted
        What somebody has made the new normal.
    contents
        What a bucket holds, by dataset, segment as text and start; a file is one of no dataset.
    in_short
        Its summary.
    kept
        Summaries of days that earlier runs kept, or that this one is to keep, by monitor, dataset,
        segment and day.
    """

    def __init__(self, store: Store) -> None:
        """Read no profile yet."""
        self.store, self.datasets, self.accepted = store, store.datasets(), store.state.accepted()
        self.kept: dict[tuple[str, str, str, date], bytes] = {}
        self.contents = _Recent(self._read, _MOST_FEATURES)
        self.in_short = _Recent(self._summarise, _MOST_SUMMARISED)
        self.past = lru_cache(_MOST_PASTS)(partial(Past, self))
        self.once = lru_cache(_MOST_KEPT)(lambda make, *of: make(self, *of))
        self.versions = cache(store.versions)
        self.buckets = cache(lambda dataset, segment: store.buckets(dataset, segment=segment))
        self.segments = cache(lambda dataset: list(map(segment_text, store.segments(dataset))))

    def file(self, path: Path) -> Past:
        """Return a profile file, which counts as one bucket.

        Raises
        ------
        LightmeterError, OSError
            It cannot be read.
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
