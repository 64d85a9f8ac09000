"""The cache through which monitors read a store: lists are read once, profiles when needed.

A `Summary` is a short form of a bucket: counts, means and spreads of its features.
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
from typing import Generic, TypeVar

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

# Rows of `Summary.table`: the number of finite numbers, their mean and standard deviation (for hue,
# the mean cosine and sine), their median, and how many of them differ from it (all of them, if few
# are the same); the numbers of missing values, of other values, and of texts and infinite numbers.
N, MEAN, STDDEV, MEDIAN, OTHERS, MISSING, VALUES, ODD = range(8)
ROWS = 8
COSINE, SINE = MEAN, STDDEV
_NO_NUMBERS = (0.0,) * 5  # the rows before MISSING
_STEPS = 255 / math.tau  # of hue, in a radian


# A feature is nearly constant if at most this share of its values differs from the common one; it
# is judged by that share.
MOST_OTHERS = 0.1
MOST_VALUES = 20  # of a category; rarer ones are not judged


_Policy = tuple[str, frozenset[str], frozenset[str], int]  # prefix, allowed, denied, images
_Features = tuple[tuple[str, ...], Mapping[str, Kind], Mapping[str, Meaning]]


class Summary:
    """A small summary of one bucket, or of several merged ones, without the profile itself.

    Attributes
    ----------
    kinds
        The kind of each judged feature, in alphabetical order.
    meanings
        The meaning of each judged feature.
    names
        The names of the judged features.
    table
        A row for each of the constants above, and a column for each feature.
    categories
        The counts of the values of each text feature; all other values count as one with an empty
        name.
    vectors
        For each vector feature and its most frequent length, a table of the number, means and
        standard deviations of the vectors of this length.
    damage
        The reason why a part of the bucket is missing; empty if it is complete.
    is_readable
        Whether any part could be read.
    """

    def __init__(self, core: _core.Profile, damage: str = "") -> None:
        """Summarize a profile, which must not change any more."""
        self.damage, self.is_readable = damage, not damage or core.images > 0
        self.categories = {}
        self.vectors = dict[tuple[str, int], Numbers]()
        self._exif_policies = tuple(_policy(*each) for each in core.exif_policies())
        features, columns = [], []
        for name in core.names():
            meaning = Meaning(*core.meaning(name))
            if meaning.untested:
                continue
            kind, column = _column(core, name, meaning)
            if column[ODD] or kind == "category":
                self.categories[name] = _counts(core, name, column[VALUES])
            if kind == "vector":
                self.vectors |= _vectors(core, name)
            features.append((name, kind, meaning))
            columns.append(column)
        self.names, self.kinds, self.meanings = _shared(tuple(features))
        self.table: Numbers = np.array(columns, dtype=np.float64).reshape(-1, ROWS).T

    def exif_read(self, name: str, meaning: Meaning) -> int:
        """Return the number of images in which an Exif tag would have been found."""
        prefix, _, tag = name.rpartition(".")
        personal = meaning.origin == "personal exif"
        return sum(
            images
            for place, allow, deny, images in self._exif_policies
            if place == prefix and tag not in deny and (tag in allow or not personal)
        )

    def to_bytes(self) -> bytes:
        """Return the summary as bytes for later runs, without vectors and damage."""
        features = [(name, self.kinds[name], self.meanings[name]) for name in self.names]
        texts = (json.dumps(part).encode() for part in (features, self.categories))
        return b"\n".join([*texts, self.table.tobytes()])

    @staticmethod
    def from_bytes(kept: bytes) -> "Summary":
        """Return the summary that `to_bytes` wrote."""
        features, categories, table = kept.split(b"\n", 2)
        found = copy(_EMPTY)
        found.categories = json.loads(categories)
        found.names, found.kinds, found.meanings = _parsed(features)
        found.table = np.frombuffer(table).reshape(ROWS, -1)
        return found

    def with_table(self, names: tuple[str, ...], table: Numbers) -> "Summary":
        """Return the same bucket with another table, for these features only."""
        changed = copy(self)
        changed.names, changed.table = names, table
        return changed

    def aligned(self, names: tuple[str, ...]) -> Numbers:
        """Return the table for the given features; an unknown one has no values."""
        if names == self.names:
            return self.table
        at = {name: index for index, name in enumerate(self.names)}
        padded = np.pad(self.table, ((0, 0), (0, 1)))
        return np.asarray(padded[:, [at.get(name, -1) for name in names]])


def _policy(prefix: str, allow: list[str], deny: list[str], images: int) -> _Policy:
    return prefix, _tags(tuple(allow)), _tags(tuple(deny)), images


@lru_cache(maxsize=64)
def _tags(names: tuple[str, ...]) -> frozenset[str]:
    """Return one shared object for equal lists of tags."""
    return frozenset(names)


@lru_cache(maxsize=64)
def _shared(features: tuple[tuple[str, Kind, Meaning], ...]) -> _Features:
    """Return one shared object for equal features, which takes more memory than their numbers."""
    kinds = MappingProxyType({name: kind for name, kind, _ in features})
    return tuple(kinds), kinds, MappingProxyType({name: meaning for name, _, meaning in features})


@lru_cache(maxsize=64)
def _parsed(features: bytes) -> _Features:
    return _shared(tuple((name, kind, Meaning(*each)) for name, kind, each in json.loads(features)))


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
        return "failure", (*_NO_NUMBERS, missing, texts, 0)
    numbers = _core.numbers_of(core, name)
    n, odd = numbers.n, texts + numbers.pos_inf + numbers.neg_inf
    counts = missing + numbers.nan, n + odd + vectors, odd
    kind = meaning.kind(mostly_text=texts > n)
    if n == 0:
        return kind, (*_NO_NUMBERS, *counts)
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


def _vectors(core: _core.Profile, name: str) -> dict[tuple[str, int], Numbers]:
    by_length, _ = core.vectors(name)
    if not by_length:
        return {}
    length = max(by_length, key=lambda at: (by_length[at].n, at))
    covariance = by_length[length]
    spreads = np.sqrt(covariance.comoments.diagonal() / max(covariance.n - 1, 1))
    n = np.full(len(spreads), float(covariance.n))
    return {(name, length): np.stack([n, covariance.means, spreads])}


def common_value(n: Numbers, medians: Numbers) -> Numbers:
    """Return the median of the medians of the buckets by feature; infinite without values.

    Parameters
    ----------
    n
        The number of values, by bucket and feature.
    medians
        The median of the values, by bucket and feature.
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

_AHEAD = 4  # 1 / _AHEAD of the cache is for buckets that are read ahead

Where = tuple[str, str]  # dataset, and segment as text
_Key = tuple[str, str, datetime]


@dataclass
class Contents:
    """The contents of one bucket or several.

    Attributes
    ----------
    view
        The merge of the profiles that can be read.
    damage
        The errors of the others; empty if all can be read.
    """

    view: ProfileView
    damage: str = ""

    @cached_property
    def columns(self) -> dict[str, ColumnView]:
        """Return every feature by name, in alphabetical order."""
        return dict(self.view)

    @property
    def names(self) -> Sequence[str]:
        """Return the names of the features."""
        return self.view._core.names()


_P = TypeVar("_P", Contents, Summary)


def _whole(part: _P) -> _P:
    """Return contents or a summary; raise DecodeError if a part could not be read."""
    if part.damage:
        raise DecodeError(part.damage)
    return part


@dataclass(frozen=True)
class Past:
    """The buckets of a segment that begin at `starts`, each read when it is needed."""

    shelf: "Shelf"
    where: Where
    starts: Sequence[datetime]

    def __iter__(self) -> Iterator[Contents]:
        """Yield the contents of the readable buckets, earliest first."""
        for start in self.starts:
            contents = self.shelf.contents(*self.where, start)
            if contents.view.images or not contents.damage:
                yield contents

    @cached_property
    def summaries(self) -> list[Summary]:
        """Return the summaries of the readable buckets, earliest first."""
        summaries = (self.shelf.in_short(*self.where, start) for start in self.starts)
        return [summary for summary in summaries if summary.is_readable]

    @cached_property
    def merged(self) -> ProfileView:
        """Return the merge of all readable buckets."""
        return ProfileView.merge_many(each.view for each in self)


@dataclass(frozen=True)
class Side:
    """A bucket of a segment with its baseline.

    Attributes
    ----------
    shelf
        The cache of the store.
    where
        Dataset and segment.
    bucket
        The bucket; it has no writers if it is missing.
    past
        The buckets of its baseline.
    own
        With a fixed baseline, the earlier buckets, which show how much buckets vary; otherwise
        None.
    beside
        The bucket and its past without the common change of its peers; see `monitor.peers`.
    """

    shelf: "Shelf"
    where: Where
    bucket: Bucket
    past: Past
    own: Past | None = None
    beside: tuple[Summary, Sequence[Summary]] | None = None

    @property
    def contents(self) -> Contents:
        """Return the contents of the bucket."""
        return self.shelf.contents(*self.where, self.bucket.start)

    @property
    def target(self) -> Contents:
        """Return the contents; raise DecodeError if a part of them cannot be read."""
        return _whole(self.contents)

    @property
    def summary(self) -> Summary:
        """Return the summary; raise DecodeError if a part of the bucket cannot be read."""
        return _whole(self.shelf.in_short(*self.where, self.bucket.start))


class _Recent(Generic[_P]):
    """A cache of what `make` yields for buckets: the last used ones, up to `most` features."""

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
        """Return about how many buckets fit into the cache."""
        return self._most * len(self._kept) // max(1, self._weight)


class Shelf:
    """A cache of a store during one run, shared by its monitors.

    ``once(make, *arguments)`` returns ``make(shelf, *arguments)`` and keeps it for the run.

    Attributes
    ----------
    store
        The store.
    datasets
        The datasets with the length of their buckets.
    accepted
        The accepted changes.
    contents
        The contents of a bucket by dataset, segment (as text) and start; a profile file is a bucket
        without a dataset.
    in_short
        The summary of a bucket.
    kept
        Notes of the rule and summaries of days, from earlier runs or for later ones, by monitor,
        dataset, segment and day.
    """

    def __init__(self, store: Store) -> None:
        """Read the lists of the store, but no profile."""
        self.store, self.datasets, self.accepted = store, store.datasets(), store.state.accepted()
        self.kept: dict[tuple[str, str, str, date], bytes] = {}
        self.contents = _Recent(self._read, _MOST_FEATURES)
        self.in_short = _Recent(self._summarise, _MOST_SUMMARISED)
        self.past = lru_cache(_MOST_PASTS)(partial(Past, self))
        self.once = lru_cache(_MOST_KEPT)(lambda make, *arguments: make(self, *arguments))
        self.versions = cache(store.versions)
        self.buckets = cache(lambda dataset, segment: store.buckets(dataset, segment=segment))
        self.segments = cache(lambda dataset: list(map(segment_text, store.segments(dataset))))

    def regular(self, dataset: str, segment: str) -> list[Bucket]:
        """Return the buckets of a segment without rolled-up days."""
        length = self.datasets[dataset]
        return [each for each in self.buckets(dataset, segment) if each.end - each.start == length]

    def file(self, path: Path) -> Past:
        """Return a profile file as one bucket.

        Raises
        ------
        LightmeterError, OSError
            The file cannot be read.
        """
        self.contents("", str(path), EPOCH)
        return self.past(("", str(path)), (EPOCH,))

    def _read(self, key: _Key) -> Iterator[tuple[_Key, Contents]]:
        """Read a bucket, and ahead some later ones, with one statement."""
        dataset, segment, start = key
        if not dataset:
            yield key, Contents(ProfileView.from_bytes(read_regular(Path(segment))))
            return
        ahead = self.contents.room() // (_AHEAD * len(self.segments(dataset)))
        starts = [bucket.start for bucket in self.buckets(dataset, segment)]
        wanted = [start, *starts[bisect_right(starts, start) :][: max(0, ahead - 1)]]
        read = defaultdict(list)
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
