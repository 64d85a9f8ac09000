"""A feature of a profile from the metrics of a whylogs column."""

import math
import re
from hashlib import blake2b

import numpy as np

from lightmeter import _core
from lightmeter.interop.whylogs.frequent import (
    MOST,
    Frequent,
    integers_of,
    read_frequent,
    strings_of,
)
from lightmeter.interop.whylogs.hll import Distinct, read_distinct
from lightmeter.interop.whylogs.kll import read_quantiles
from lightmeter.interop.whylogs.protobuf import Message, require
from lightmeter.profile.features import Meaning
from lightmeter.sketch import QuantileSketch

# The messages of the metrics of a feature by path, such as ``counts/n``.
Metrics = dict[str, Message]

# The metrics that are read; others are left out.
METRICS = ("cardinality/", "counts/", "distribution/", "frequent_items/", "types/")

_BOOLEANS = {"True": 1, "False": 0}
_NUMBER = re.compile(r"-?(\d+(\.\d+)?|inf|nan)")
_INTEGER = re.compile(r"-?\d{1,19}")
_SLACK = 1e-6  # relative rounding error by which a mean may leave the range of its values


def add_feature(profile: _core.Profile, name: str, metrics: Metrics, meaning: Meaning) -> None:
    """Add a column to a profile from its metrics.

    Booleans become the integers 0 and 1. Values that are neither numbers nor strings count as
    missing, and so do strings that whylogs counted without storing any.

    Raises
    ------
    DecodeError
        A metric is damaged, or the metrics contradict each other.
    """
    bools, integral, texts = (
        count_of(metrics, f"types/{kind}") or 0 for kind in ("boolean", "integral", "string")
    )
    counted = _bytes(metrics, "frequent_items/frequent_strings", 4)
    frequent = None if counted is None else read_frequent(counted)
    kll, hll = _bytes(metrics, "distribution/kll", 6), _bytes(metrics, "cardinality/hll", 5)
    key = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
    numbers = QuantileSketch() if kll is None else read_quantiles(kll, key)
    strings = _core.FrequentStrings()
    if texts and frequent is not None:
        strings = strings_of(_strings(frequent, texts, bools))
    all_numbers = numbers.n + numbers.nan + numbers.pos_inf + numbers.neg_inf
    integral, values = min(integral + bools, all_numbers), all_numbers + strings.n
    n = count_of(metrics, "counts/n")
    if n is None or meaning.family == "Exif":  # missing tags are counted by images
        n = values
    require(n >= values, f"{values} values of {n} observations")
    distinct, listed = None if hll is None else read_distinct(hll), len(strings.items())
    different = len(numbers.weights()[0])
    of_strings, facts = None, None  # an exact list of values gives their number itself
    if not strings.is_exact:
        least = (distinct, different, listed, strings.n)
        of_strings = _estimated(*least) if numbers.is_exact else Distinct(*[listed] * 3)
    if not numbers.is_exact:
        integers = _integers(frequent, numbers.n) if integral == all_numbers else (0, [])
        integral = 0 if integers is None else integral
        bounds = _estimated(distinct, listed, different, numbers.n)
        facts = (*_moments(numbers, metrics), bounds, *(integers or (0, [])))
    role, origin = meaning.role, meaning.origin
    _core.add_column(
        profile, name, n - values, integral, numbers, facts, strings, of_strings, role, origin
    )
    profile.add_types(name, min(bools, integral), 0)


def count_of(metrics: Metrics, path: str) -> int | None:
    """Return a count; None if there is no such metric.

    Raises
    ------
    DecodeError
        The value is not a count from 0 to 2^56.
    """
    if path not in metrics:
        return None
    count = metrics[path].signed(2)
    require(0 <= count <= MOST, f"{path} is {count}; expected a count up to 2^56")
    return count


def _bytes(metrics: Metrics, path: str, field: int) -> memoryview | None:
    """Return the sketch of a metric, from a message of its own; None if there is none."""
    return metrics[path].message(field).bytes(1) if path in metrics else None


def _moments(numbers: QuantileSketch, metrics: Metrics) -> tuple[float, float]:
    """Return the mean and the sum of squared deviations of the numbers of a sampled sketch.

    With infinite numbers, whylogs' own values are not finite; then those of the sample are used.
    """
    mean, squares = metrics.get("distribution/mean"), metrics.get("distribution/m2")
    if mean is not None and squares is not None and numbers.pos_inf + numbers.neg_inf == 0:
        center, spread = mean.double(3), squares.double(3)
        if math.isfinite(center) and not math.isnan(spread):
            slack = _SLACK * (abs(numbers.min) + abs(numbers.max))
            is_within = numbers.min - slack <= center <= numbers.max + slack
            require(is_within, f"a mean of {center}, outside of the values")
            return center, spread
    values, weights = numbers.weights()
    center = float(np.average(values, weights=weights))
    return center, float(weights @ np.square(values - center))


def _strings(frequent: Frequent, strings: int, booleans: int) -> Frequent:
    """Return the strings of a sketch that stores every value as text."""
    if frequent.total == strings:
        return frequent
    counts = {
        value: count
        for value, count in frequent.counts.items()
        if not (_NUMBER.fullmatch(value) or (booleans and value in _BOOLEANS))
    }
    listed = sum(counts.values())
    require(listed <= strings, f"{listed} frequent strings of {strings} in all")
    if frequent.offset and strings - listed >= 2 * frequent.offset:
        return Frequent(strings, frequent.offset, counts)
    return Frequent(listed, 0, counts)  # strings that look like numbers are indistinguishable


def _integers(frequent: Frequent | None, n: int) -> tuple[int, list[tuple[int, int, int]]] | None:
    """Return the floor and entries of a column of `n` integers; None if they are not listed."""
    if frequent is None:
        return None
    counts: dict[int, int] = {}
    for value, count in frequent.counts.items():
        number = _BOOLEANS.get(value, int(value) if _INTEGER.fullmatch(value) else None)
        if number is not None and -(2**63) <= number < 2**63:
            counts[number] = counts.get(number, 0) + count
    rest = frequent.total - sum(counts.values())
    if frequent.total != n or rest < 2 * frequent.offset or (not frequent.offset and rest):
        return None
    return integers_of(frequent.offset, counts)


def _estimated(distinct: Distinct | None, others: int, least: int, most: int) -> Distinct:
    """Return the distinct count without `others`, from `least` to `most`."""
    if distinct is None:
        return Distinct(least, least, most)
    return Distinct(*(max(value - others, least) for value in distinct))
