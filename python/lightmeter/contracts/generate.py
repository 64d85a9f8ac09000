"""Contracts that profiles of what is good suggest: limits, with the reason for each.

A limit is a prediction limit: the mean of the next batch of the same kind is within. How far it is
away follows from what varies within the profiles, and from what varies between them where there are
several; the farther one counts. A batch of the same kind exceeds some limit with a probability of
`_ALPHA` at most, by Bonferroni's inequality.
"""

import glob
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import numpy as np

from lightmeter import _core
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.scalars import INEXACT, bounds_of, prediction_interval, seen_values
from lightmeter.settings import quoted
from lightmeter.text import counted, number

_ALPHA = 0.02
_ENOUGH = 5  # of a value, to expect no other; of a feature, to expect it again
_MOST_VALUES = 50
_WIDEST = 1e150  # whose square is finite
_TYPES = ("integer", "number", "text", "bool", "date")
_TAME = 0.7, 1.5  # the greatest skewness and excess kurtosis
# Below and above which there is a share of the values. Of a constant the first that can be told.
_MEDIAN = (0.5, "median", "median")
_PAIRS = ((q / 100, f"q_{q:02}", f"q_{100 - q}") for q in (1, 5, 10, 25))
_OUTER = (*_PAIRS, _MEDIAN)
_MOST_EXACT, _OF_SAMPLES = 1024, 0.01  # numbers; the share by which quantiles of more may differ


def contract_of(views: Sequence[ProfileView], batch: int | None = None) -> str:
    """Return the text of a contract that all of the profiles pass.

    Args:
        views: profiles of what is good, one or more.
        batch: how many images or rows will be judged at once; None for as many as the smallest of
            the profiles has. Fewer vary more.

    Raises:
        ValueError: a profile holds nothing, or all of them hold too little to expect it again.
    """
    sizes = [
        max((view[name].n for name in view if view[name].kind != "pixels"), default=0)
        for view in views
    ]
    if not min(sizes):
        raise ValueError("got a profile that holds nothing; expected one of what is good")
    return "\n".join(_Suggested(views, sum(sizes), batch or min(sizes)).lines())


class _Suggested:
    def __init__(self, views: Sequence[ProfileView], rows: int, batch: int) -> None:
        self._views, self._rows, self._batch = views, rows, batch
        whole = ProfileView.merge_many(views)
        columns = [whole[name] for name in whole if all(name in view for view in views)]
        self._least_chance = _ALPHA / max(1, len(columns))
        # A batch without one of these would be of another kind.
        self._columns = [column for column in columns if self._is_expected(column, column.n)]
        if not self._columns:
            expected = f"expected a feature that each has, and all at least {_ENOUGH} times"
            raise ValueError(f"got profiles of which nothing can be expected; {expected}")
        self._alpha = _ALPHA
        lines = [line for column in self._columns for line in self._limits(column)]
        self._alpha /= max(1, len(lines))

    def _is_expected(self, column: ColumnView, n: int) -> bool:
        """Return whether the next batch has some of what so many rows have."""
        if column.kind == "failure":
            return True
        # As Fisher's exact test has it.
        chance = (self._rows / (self._rows + self._batch)) ** n if n < self._rows else 0.0
        return n >= _ENOUGH and chance < self._least_chance

    def lines(self) -> Iterator[str]:
        profiles = counted(len(self._views), "profile")
        alike = "vary no more than these do" if len(self._views) > 1 else "are independent"
        yield f"# Made of {profiles} of what is good. A batch of {self._batch} that is good, too,"
        yield f"# fails with a probability of {_ALPHA:.0%} at most, if its images or rows {alike}."
        yield "\n[[expect]]  # nothing is gone"
        yield f"features = [{', '.join(_pattern(column) for column in self._columns)}]"
        yield 'schema = "at_least"'
        for column in self._columns:
            for table in ([*self._limits(column)], [*_values(column)]):
                if table:
                    yield from ("\n[[expect]]", f"feature = {_pattern(column)}", *table)

    def _limits(self, column: ColumnView) -> Iterator[str]:
        """Yield a line for each limit of a feature."""
        if column.kind == "failure":
            yield from self._rate(column, "failure_rate")
        elif column.meaning.origin != "image":
            yield from self._rate(column, "missing_rate")
        columns, values = [column, *self._each(column)], column.n - column.missing
        is_there = all(each.n > each.missing for each in columns)
        if not is_there or not self._is_expected(column, values):
            return
        has_means = all(bounds_of(each, "mean") for each in columns)
        if column.kind == "number" and not column.meaning.untested and has_means:
            yield from self._of_numbers(column)
        if column.meaning.origin == "value" and column.kind != "failure":
            share = 1 - rate_limit(0, values, self._size(values), self._alpha)
            for kind in _TYPES:
                if getattr(column.types, kind) == values and share > 0:
                    yield f"type = {quoted(kind)}  # of all {values}"
                    yield f"share = {-_at_least(-share, 1 - share)}"

    def _of_numbers(self, column: ColumnView) -> Iterator[str]:
        seen, is_row = seen_values(column), column.meaning.origin != "image"
        values = {item.value for item in seen.items}
        low, high = column.min or 0.0, column.max or 0.0
        if column.types.date or max(-low, high) > _WIDEST:
            return
        if not seen.others and values <= {0, 1} and (len(values) > 1 or not column.types.number):
            yield from self._rate(column, "mean")
        elif low == high:
            yield from self._quantiles(column, _OUTER)
        elif is_row and not column.types.number and all(map(_may_be_unique, self._each(column))):
            return  # it counts rows, or names them
        elif column.stddev and (not is_row or is_tame(column)):
            size = self._size(column.n - column.missing)
            within = mean_interval(column, size, self._alpha)
            low, high = _rounded([*self._between(column, "mean"), *within])
            why = f"{number(column.mean)} of {column.n}, standard deviation {number(column.stddev)}"
            yield _limit("mean", low, high, why)
        else:
            yield from self._quantiles(column, [_MEDIAN])

    def _rate(self, column: ColumnView, scalar: str) -> Iterator[str]:
        is_mean, value = scalar == "mean", float(getattr(column, scalar))
        n, alpha = column.n - column.missing * is_mean, self._alpha / (1 + is_mean)
        hits, size = round(value * n), self._size(n)
        within = 1 - rate_limit(n - hits, n, size, alpha), rate_limit(hits, n, size, alpha)
        low, high = _rounded([*self._between(column, scalar), *within])
        lower = low if is_mean and low > 0 else None
        upper = min(1.0, high) if high < 1 or not is_mean else None
        if (lower, upper) != (None, None):
            yield _limit(scalar, lower, upper, f"{number(value)} of {n}")

    def _quantiles(
        self, column: ColumnView, pairs: Sequence[tuple[float, str, str]]
    ) -> Iterator[str]:
        n = column.numbers.n
        size = self._size(n)
        for q, lower, upper in pairs:
            share = quantile_share(q, n, size, self._alpha / 2)
            if share is None:
                continue
            share = max(0.0, share - _OF_SAMPLES * (max(n, size) > _MOST_EXACT))
            within = (column.quantile(share) or 0.0, column.quantile(1 - share) or 0.0)
            ends = [*within, *self._between(column, lower), *self._between(column, upper)]
            low, high = _rounded(ends)
            for scalar in dict.fromkeys((lower, upper)):
                yield _limit(scalar, low, high, f"of {n}")
            return

    def _each(self, column: ColumnView) -> list[ColumnView]:
        return [view[column.name] for view in self._views]

    def _between(self, column: ColumnView, scalar: str) -> list[float]:
        """Return the ends of a number of each profile, and of where the next one is."""
        ends = [bounds_of(each, scalar) or (0.0, 0.0) for each in self._each(column)]
        lows, highs = ([end[side] for end in ends] for side in (0, 1))
        return [*lows, *highs, *(prediction_interval(lows, self._alpha) if len(ends) > 1 else ())]

    def _size(self, n: int) -> int:
        """Return of how many of the rows that have a value there are surely some in a batch."""
        share = n / self._rows
        expected = self._batch * share
        return max(1, math.floor(expected - 2 * math.sqrt(expected * (1 - share))))


def _limit(scalar: str, low: float | None, high: float | None, why: str) -> str:
    ends = {"at_least": low, "at_most": high}.items()
    given = ", ".join(f"{key} = {end}" for key, end in ends if end is not None)
    return f"{scalar} = {{ {given} }}  # {why}"


def _may_be_unique(column: ColumnView) -> bool:
    return (bounds_of(column, "distinct_rate") or (0.0, 0.0))[1] >= 1


def _rounded(ends: Sequence[float]) -> tuple[float, float]:
    low, high = min(ends), max(ends)
    return -_at_least(-low, high - low), _at_least(high, high - low)


def _at_least(value: float, width: float) -> float:
    """Return a number of few digits from `value` to a hundredth of `width` above."""
    rounded = (float(f"{value + width / 200:.{digits}g}") for digits in range(3, 17))
    return next((x for x in rounded if value <= x <= value + width / 100), value)


def _pattern(column: ColumnView) -> str:
    return quoted(glob.escape(column.name))


def _values(column: ColumnView) -> Iterator[str]:
    items, others, _ = seen_values(column)
    is_known = not others and column.kind == "category" and 0 < len(items) <= _MOST_VALUES
    are_small = all(isinstance(value, str) or abs(value) < INEXACT for value, _, _ in items)
    are_often = all(item.lower >= _ENOUGH and not item.is_rounded for item in items)
    if is_known and are_small and are_often:
        values = (quoted(value) if isinstance(value, str) else str(value) for value, _, _ in items)
        yield f"values = [{', '.join(values)}]"
        yield 'severity = "warning"  # another value may only be rarer'


def _moments(column: ColumnView) -> tuple[int, float, float]:
    """Return how many numbers there are, their skewness and their excess kurtosis."""
    values, weights = _core.numbers_of(column._core, column.name).weights()
    away = values - np.average(values, weights=weights)
    away /= math.sqrt(np.average(away**2, weights=weights))
    third, fourth = (float(np.average(away**power, weights=weights)) for power in (3, 4))
    return int(weights.sum()), third, fourth - 3


def is_tame(column: ColumnView) -> bool:
    """Return whether numbers that differ have no long tail, so that few cannot move their mean."""
    _, skewness, kurtosis = _moments(column)
    return abs(skewness) <= _TAME[0] and kurtosis <= _TAME[1]


def mean_interval(column: ColumnView, size: int, alpha: float) -> tuple[float, float]:
    """Return the prediction interval of the mean of so many further values like these.

    It is Student's, with the first term of Cornish and Fisher for the longer tail of skewed values.
    The difference of two means of as many values has no skewness.

    Args:
        column: a feature with numbers that differ.
        size: of how many values the mean will be.
        alpha: between 0 and 1.
    """
    n, skewness, _ = _moments(column)
    unit, t = math.sqrt(1 / size + 1 / n), _core.student_quantile(alpha, max(1, n - 1))
    tilt = skewness * (size**-2 - n**-2) / unit**3 * (t * t - 1) / 6
    mean, width = column.mean or 0.0, (column.stddev or 0.0) * unit
    return mean - width * (t + max(0.0, -tilt)), mean + width * (t + max(0.0, tilt))


def rate_limit(hits: int, n: int, size: int, alpha: float) -> float:
    """Return the upper prediction limit of a share of so many further observations.

    It is the greatest that Fisher's exact test does not find to be more than `hits` of `n`.
    """

    def is_more(more: int) -> bool:
        return _core.fisher_more(more, size, hits, n) <= alpha

    return (bisect_left(range(size + 1), True, key=is_more) - 1) / size


def quantile_share(q: float, n: int, size: int, alpha: float) -> float | None:
    """Return the share of values like `n` that the quantile of so many further ones is not below.

    None where it may be below all of them. It asks nothing of the distribution: the quantile is
    below a value if so many further ones are, which Fisher's exact test finds to be more.
    """
    below = max(1, math.ceil(q * size))

    def chance(hits: int) -> float:
        return _core.fisher_more(below, size, hits, n)

    hits = bisect_right(range(n + 1), alpha, key=chance) - 1
    return None if hits < 0 else hits / n
