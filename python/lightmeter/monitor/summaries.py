"""What the rule on drift has to know of a bucket: counts, means and spreads of its features."""

import math
from collections.abc import Mapping, Sequence
from copy import copy
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from lightmeter import _core
from lightmeter.drift.prediction import Numbers
from lightmeter.profile.features import Kind, Meaning

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

    Attributes:
        kinds: of the features that are judged, in alphabetical order.
        meanings: of these.
        names: of these.
        table: a row for each of the constants above, a column for each feature.
        categories: of features of texts, how often each value was seen; what is no text makes one
            value more, whose name is empty.
        vectors: of features of vectors, those of the length that most have.
        exif_read: images of which Exif was read.
        damage: why some of the bucket is not in it; empty if all of it is.
        is_readable: whether anything is.
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

    def with_table(self, names: tuple[str, ...], table: Numbers) -> "Summary":
        """The same bucket with other numbers of some features, and without the other features."""
        changed = copy(self)
        changed.names, changed.table = names, table
        changed.kinds = {name: self.kinds.get(name, "number") for name in names}
        changed.meanings = {name: self.meanings[name] for name in names if name in self.meanings}
        changed.categories = {}
        return changed

    def aligned(self, names: tuple[str, ...]) -> Numbers:
        """The table for other features; one that is not there has no values."""
        if names == self.names:
            return self.table
        at = {name: index for index, name in enumerate(self.names)}
        padded = np.pad(self.table, ((0, 0), (0, 1)))
        return np.asarray(padded[:, [at.get(name, -1) for name in names]])


@lru_cache(maxsize=64)
def _shared(features: tuple[tuple[str, Kind, Meaning], ...]) -> _Features:
    """The same object for all buckets that are alike, as it takes more than their numbers."""
    kinds = MappingProxyType({name: kind for name, kind, _ in features})
    return tuple(kinds), kinds, MappingProxyType({name: meaning for name, _, meaning in features})


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

    Args:
        n: how many values each bucket has of each feature.
        medians: of these.
    """
    ordered = np.sort(np.where(n > 0, medians, np.inf), axis=0)
    buckets = (n > 0).sum(axis=0)
    return np.asarray(ordered[np.maximum(buckets - 1, 0) // 2, np.arange(medians.shape[1])])
