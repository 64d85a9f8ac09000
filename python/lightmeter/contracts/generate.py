"""Contracts that profiles of what is good suggest: limits, with the reason for each.

A limit is a prediction limit: the mean of the next batch of the same kind is within. How far it is
away follows from what varies within the profiles, and from what varies between them where there are
several; the farther one counts. A batch of the same kind exceeds some limit with a probability of
`_ALPHA` at most, by Bonferroni's inequality.
"""

import glob
import math
from collections.abc import Iterator, Sequence

from lightmeter.contracts.limits import is_tame, mean_interval, quantile_share, rate_limit
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.scalars import bounds_of, prediction_interval, seen_values
from lightmeter.settings import quoted
from lightmeter.text import counted, number

__all__ = ["contract_of"]

_ALPHA = 0.02
_ENOUGH = 5  # of a value, to expect no other; of a feature, to expect it again
_MOST_VALUES = 50
_WIDEST = 1e150  # whose square is finite
_TYPES = ("integer", "number", "text", "bool", "date")
# Below and above which there is a share of the values. Of a constant the first that can be told.
_MEDIAN = (0.5, "median", "median")
_PAIRS = ((q / 100, f"q_{q:02}", f"q_{100 - q}") for q in (1, 5, 10, 25))
_OUTER = (*_PAIRS, _MEDIAN)
_UNTOLD = None, "", ""
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
        limits = [key for column in self._columns for key in self._limited(column)]
        self._alpha = _ALPHA / max(1, len(limits))

    def _is_expected(self, column: ColumnView, n: int) -> bool:
        """Return whether the next batch has some of what so many rows have."""
        if column.kind == "failure":
            return True
        # As Fisher's exact test has it.
        chance = (self._rows / (self._rows + self._batch)) ** n if n < self._rows else 0.0
        return n >= _ENOUGH and chance < self._least_chance

    def _limited(self, column: ColumnView) -> Iterator[str]:
        """Yield which limits a feature gets."""
        if column.kind == "failure":
            yield "failure_rate"
        elif column.meaning.origin != "image":
            yield "missing_rate"
        columns = [column, *(view[column.name] for view in self._views)]
        is_there = all(each.n > each.missing for each in columns)
        if not is_there or not self._is_expected(column, column.n - column.missing):
            return
        has_means = all(bounds_of(each, "mean") for each in columns)
        if column.kind == "number" and not column.meaning.untested and has_means:
            yield from self._of_numbers(column)
        if column.meaning.origin == "value" and column.kind != "failure" and _type(column):
            yield "type"

    def _of_numbers(self, column: ColumnView) -> Iterator[str]:
        seen, is_row = seen_values(column), column.meaning.origin == "value"
        values = {item.value for item in seen.items}
        low, high = column.min or 0.0, column.max or 0.0
        if column.types.date or max(-low, high) > _WIDEST:
            return
        if not seen.others and values <= {0, 1} and (len(values) > 1 or not column.types.number):
            yield "rate"
        elif low == high:
            yield "constant"
        elif is_row and not column.types.number and self._may_be_unique(column):
            return  # it counts rows, or names them
        else:
            yield "mean" if column.stddev and (not is_row or is_tame(column)) else "median"

    def _may_be_unique(self, column: ColumnView) -> bool:
        bounds = [bounds_of(view[column.name], "distinct_rate") for view in self._views]
        return all(ends and ends[1] >= 1 for ends in bounds)

    def lines(self) -> Iterator[str]:
        profiles = counted(len(self._views), "profile")
        alike = "vary no more than these do" if len(self._views) > 1 else "are independent"
        yield f"# Made of {profiles} of what is good. A batch of {self._batch} that is good, too,"
        yield f"# fails with a probability of {_ALPHA:.0%} at most, if its images or rows {alike}."
        yield "\n[[expect]]  # nothing is gone"
        yield f"features = [{', '.join(_pattern(column) for column in self._columns)}]"
        yield 'schema = "at_least"'
        for column in self._columns:
            lines = [line for key in self._limited(column) for line in self._limits(column, key)]
            for table in (lines, [*_values(column)]):
                if table:
                    yield from ("\n[[expect]]", f"feature = {_pattern(column)}", *table)

    def _limits(self, column: ColumnView, key: str) -> Iterator[str]:
        values = column.n - column.missing
        match key:
            case "type":
                share = 1 - rate_limit(0, values, self._size(values), self._alpha)
                if share > 0:
                    yield f"type = {quoted(_type(column))}"
                    yield f"share = {-_at_least(-share, 1 - share)}  # all of {values}"
            case "mean":
                yield self._mean(column)
            case "rate":
                low, high = self._rate(column, "mean", self._alpha / 2)
                limits = [f"at_least = {low}"] * (low > 0) + [f"at_most = {high}"] * (high < 1)
                if limits:
                    yield f"mean = {{ {', '.join(limits)} }}  # {number(column.mean)} of {values}"
            case "median" | "constant":
                yield from self._quantiles(column, _OUTER if key == "constant" else [_MEDIAN])
            case _:
                value, high = getattr(column, key), self._rate(column, key, self._alpha)[1]
                yield f"{key} = {{ at_most = {high} }}  # {number(value)} of {column.n}"

    def _mean(self, column: ColumnView) -> str:
        series, between = self._series(column, "mean")
        size = self._size(column.n - column.missing)
        within = mean_interval(column, size, self._alpha)
        low, high = _rounded(min(*between, *within, *series), max(*between, *within, *series))
        why = f"{number(column.mean)} of {column.n}, standard deviation {number(column.stddev)}"
        return f"mean = {{ at_least = {low}, at_most = {high} }}  # {why}"

    def _rate(self, column: ColumnView, scalar: str, alpha: float) -> tuple[float, float]:
        series, between = self._series(column, scalar)
        n = column.n - column.missing * (scalar == "mean")
        hits, size = round(getattr(column, scalar) * n), self._size(n)
        high = max(*between, *series, rate_limit(hits, n, size, alpha))
        low = min(*between, *series, 1 - rate_limit(n - hits, n, size, alpha))
        low, high = _rounded(low, high)
        return low, min(1.0, high)

    def _quantiles(
        self, column: ColumnView, pairs: Sequence[tuple[float, str, str]]
    ) -> Iterator[str]:
        n = column.numbers.n
        size = self._size(n)
        shares = [(quantile_share(pair[0], n, size, self._alpha / 2), *pair[1:]) for pair in pairs]
        share, lower, upper = next((each for each in shares if each[0] is not None), _UNTOLD)
        if share is None:
            return
        share -= _OF_SAMPLES * (max(n, size) > _MOST_EXACT)
        lows, lows_between = self._series(column, lower)
        highs, highs_between = self._series(column, upper)
        low, high = _rounded(
            min(column.quantile(max(0.0, share)) or 0.0, *lows, *lows_between),
            max(column.quantile(min(1.0, 1 - share)) or 0.0, *highs, *highs_between),
        )
        if lower == upper:
            yield f"median = {{ at_least = {low}, at_most = {high} }}  # of {n}"
        else:
            yield f"{lower} = {{ at_least = {low} }}  # all of {n}"
            yield f"{upper} = {{ at_most = {high} }}"

    def _series(self, column: ColumnView, scalar: str) -> tuple[list[float], list[float]]:
        """Return the ends of a number of each profile, and where the next one is."""
        ends = [bounds_of(view[column.name], scalar) or (0.0, 0.0) for view in self._views]
        lows, highs = ([end[side] for end in ends] for side in (0, 1))
        between = prediction_interval(lows, self._alpha) if len(ends) > 1 else ends[0]
        return [*lows, *highs], [*between]

    def _size(self, n: int) -> int:
        """Return of how many of the rows that have a value there are surely some in a batch."""
        share = n / self._rows
        expected = self._batch * share
        return max(1, math.floor(expected - 2 * math.sqrt(expected * (1 - share))))


def _rounded(low: float, high: float) -> tuple[float, float]:
    return -_at_least(-low, high - low), _at_least(high, high - low)


def _at_least(value: float, width: float) -> float:
    """Return a number of few digits from `value` to a hundredth of `width` above."""
    rounded = (float(f"{value + width / 200:.{digits}g}") for digits in range(3, 17))
    return next((x for x in rounded if value <= x <= value + width / 100), value)


def _pattern(column: ColumnView) -> str:
    return quoted(glob.escape(column.name))


def _type(column: ColumnView) -> str:
    """Return the type that all values have; empty where there is none."""
    values = column.n - column.missing
    return next((kind for kind in _TYPES if getattr(column.types, kind) == values), "")


def _values(column: ColumnView) -> Iterator[str]:
    items, others, _ = seen_values(column)
    is_known = not others and column.kind == "category" and 0 < len(items) <= _MOST_VALUES
    if is_known and all(item.lower >= _ENOUGH and not item.is_rounded for item in items):
        values = (quoted(value) if isinstance(value, str) else str(value) for value, _, _ in items)
        yield f"values = [{', '.join(values)}]"
        yield 'severity = "warning"  # another value may only be rarer'
