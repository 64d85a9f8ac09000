"""One feature out of the metrics that whylogs kept of it."""

import math
import re
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

from lightmeter import _core
from lightmeter.errors import DecodeError
from lightmeter.interop.whylogs.frequent import (
    MOST,
    Frequent,
    integers_of,
    read_frequent,
    strings_of,
)
from lightmeter.interop.whylogs.hll import Distinct, read_distinct
from lightmeter.interop.whylogs.kll import read_quantiles
from lightmeter.interop.whylogs.protobuf import Message
from lightmeter.profile.features import Meaning
from lightmeter.sketch import QuantileSketch

# The messages of the components of a metric by name: {"counts": {"n": ...}}.
Metrics = dict[str, dict[str, Message]]

# What is read; whatever else there is, is left out.
METRICS = frozenset({"cardinality", "counts", "distribution", "frequent_items", "types"})

# (lower, estimate, upper) of a count of different values, at one standard error.
Bounds = tuple[float, float, float]

_BOOLEANS = {"True": 1, "False": 0}
_NUMBER = re.compile(r"-?(\d+(\.\d+)?|inf|nan)")
_INTEGER = re.compile(r"-?\d{1,19}")
_SLACK = 1e-6  # by which rounding may put a mean beside the range of its values


@dataclass
class Feature:
    """The sketches of a feature, as `_core.add_column` takes them."""

    n: int = 0  # observations, of which those without a value here are missing
    integral: int = 0
    bools: int = 0  # of the integers
    numbers: QuantileSketch = field(default_factory=QuantileSketch)
    moments: tuple[float, float] = (0.0, 0.0)  # mean, sum of squared distances from it
    distinct_numbers: Bounds = (0.0, 0.0, 0.0)
    integers: tuple[int, list[tuple[int, int, int]]] = (0, [])  # floor, entries
    strings: _core.FrequentStrings = field(default_factory=_core.FrequentStrings)
    distinct_strings: Bounds | None = None

    @property
    def values(self) -> int:
        """Observations that have a value."""
        numbers = self.numbers
        apart = numbers.nan + numbers.pos_inf + numbers.neg_inf
        return numbers.n + apart + self.strings.n

    def add_to(self, profile: _core.Profile, name: str, meaning: Meaning) -> None:
        """Make it a column of a profile.

        Raises:
            DecodeError: the parts are not of one column.
        """
        missing = self.n - self.values
        if missing < 0:
            raise DecodeError(f"{self.values} values of {self.n} observations")
        facts = None
        if not self.numbers.is_exact:
            facts = (*self.moments, self.distinct_numbers, *self.integers)
        _core.add_column(
            profile,
            name,
            missing,
            self.integral,
            self.numbers,
            facts,
            self.strings,
            self.distinct_strings,
            meaning.role,
            meaning.origin,
        )
        profile.add_types(name, min(self.bools, self.integral), 0)


def read_feature(name: str, metrics: Metrics) -> Feature:
    """What the metrics say together.

    Booleans are the integers 0 and 1. What is neither a number nor a string is missing here, and so
    are strings that whylogs counted without keeping any of them.

    Raises:
        DecodeError: a metric is damaged, or they are not of one column.
    """
    bools = _count(metrics, "types", "boolean") or 0
    integers = (_count(metrics, "types", "integral") or 0) + bools
    strings = _count(metrics, "types", "string") or 0
    frequent, distinct = _frequent(metrics), _distinct(metrics)
    feature = Feature(numbers=_numbers(name, metrics))
    feature.integral, feature.bools = min(integers, feature.values), bools
    if strings and frequent is not None:
        kept = _strings(frequent, strings, bools)
        feature.strings = strings_of(kept)
    if not feature.numbers.is_exact:
        feature.moments = _moments(feature.numbers, metrics)
        if feature.integral == feature.values - feature.strings.n:
            _add_integers(feature, frequent)
    _add_distinct(feature, distinct)
    n = _count(metrics, "counts", "n")
    feature.n = feature.values if n is None else n
    return feature


def _message(metrics: Metrics, metric: str, component: str) -> Message | None:
    return metrics.get(metric, {}).get(component)


def _count(metrics: Metrics, metric: str, component: str) -> int | None:
    message = _message(metrics, metric, component)
    if message is None:
        return None
    count = message.signed(2)
    if not 0 <= count <= MOST:
        raise DecodeError(f"{metric}/{component} is {count}; expected a count up to 2^56")
    return count


def _frequent(metrics: Metrics) -> Frequent | None:
    message = _message(metrics, "frequent_items", "frequent_strings")
    return None if message is None else read_frequent(message.message(4).bytes(1))


def _distinct(metrics: Metrics) -> Distinct | None:
    message = _message(metrics, "cardinality", "hll")
    return None if message is None else read_distinct(message.message(5).bytes(1))


def _numbers(name: str, metrics: Metrics) -> QuantileSketch:
    message = _message(metrics, "distribution", "kll")
    if message is None:
        return QuantileSketch()
    key = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
    return read_quantiles(message.message(6).bytes(1), key)


def _moments(numbers: QuantileSketch, metrics: Metrics) -> tuple[float, float]:
    """Mean and spread of the finite numbers of a sampled sketch.

    whylogs' own are not finite where a number was not; those of the sample are then all there is.
    """
    mean, squares = (_message(metrics, "distribution", part) for part in ("mean", "m2"))
    if mean is not None and squares is not None and numbers.pos_inf + numbers.neg_inf == 0:
        center, spread = mean.double(3), squares.double(3)
        if math.isfinite(center) and not math.isnan(spread):
            slack = _SLACK * (abs(numbers.min) + abs(numbers.max))
            if not numbers.min - slack <= center <= numbers.max + slack:
                raise DecodeError(f"a mean of {center}, outside of the values")
            return center, spread
    values, weights = numbers.weights()
    center = float(np.average(values, weights=weights))
    return center, float(weights @ np.square(values - center))


def _strings(frequent: Frequent, strings: int, booleans: int) -> Frequent:
    """The strings of a sketch that holds every value as text."""
    if frequent.total == strings:
        return frequent
    counts = {
        value: count
        for value, count in frequent.counts.items()
        if not (_NUMBER.fullmatch(value) or (booleans and value in _BOOLEANS))
    }
    listed = sum(counts.values())
    if listed > strings:
        raise DecodeError(f"{listed} frequent strings of {strings} in all")
    if frequent.offset and strings - listed >= 2 * frequent.offset:
        return Frequent(strings, frequent.offset, counts)
    return Frequent(listed, 0, counts)  # those that look like numbers cannot be told from them


def _add_integers(feature: Feature, frequent: Frequent | None) -> None:
    """Frequent integers of a column that has no other numbers; without, they count as fractions."""
    integers: dict[int, int] = {}
    for value, count in frequent.counts.items() if frequent is not None else ():
        number = _BOOLEANS.get(value)
        if number is None and _INTEGER.fullmatch(value):
            number = int(value)
        if number is not None and -(2**63) <= number < 2**63:
            integers[number] = integers.get(number, 0) + count
    listed = sum(integers.values())
    if (
        frequent is None
        or frequent.total != feature.numbers.n
        or frequent.total - listed < 2 * frequent.offset
        or (frequent.offset == 0 and listed != frequent.total)
    ):
        feature.integral = 0
        return
    feature.integers = integers_of(frequent.offset, integers)


def _add_distinct(feature: Feature, distinct: Distinct | None) -> None:
    """Who lists all values knows how many differ; the count of all is left for who does not."""
    numbers, strings = feature.numbers, feature.strings
    if numbers.is_exact and strings.is_exact:
        return
    listed = len(strings.items())
    if numbers.is_exact:
        different = len(numbers.weights()[0])
        feature.distinct_strings = _estimated(distinct, different, listed, strings.n)
        return
    if not strings.is_exact:
        feature.distinct_strings = (listed, listed, listed)
    kept = len(numbers.weights()[0])
    feature.distinct_numbers = _estimated(distinct, listed, kept, numbers.n)


def _estimated(distinct: Distinct | None, others: int, least: int, most: int) -> Bounds:
    """An estimate of all but `others`, of at least and at most so many."""
    if distinct is None:
        return least, least, most
    lower, estimate, upper = (max(value - others, least) for value in distinct)
    return lower, estimate, upper
