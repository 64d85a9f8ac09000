"""Contracts suggested by profiles of good data: limits, with the reason for each.

Each limit is a prediction limit for the median, or the rate, of the next batch of the same kind.
Its distance follows from the variation within the profiles, for any distribution, and from the
variation between several profiles; the larger distance counts. By Bonferroni's inequality, a batch
of the same kind exceeds any of the limits with a probability of at most `_ALPHA`.
"""

import glob
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from lightmeter._core import fisher_more
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.scalars import bounds_of, prediction_interval, seen_values
from lightmeter.settings import quoted
from lightmeter.text import counted, number

_ALPHA = 0.02
_LIMITS = 3  # at most for a feature: of the missing values, the type, and the numbers
_ENOUGH = 5  # values of a feature to expect it again
_WIDEST = 1e150  # a number whose square is finite
_TYPES = ("integer", "number", "text", "bool", "date")
# A share of the values, and the quantiles below and above which it lies. For a constant feature
# the first share that has a limit is used.
_PAIRS = [(q / 100, f"q_{q:02}", f"q_{100 - q}") for q in (1, 5, 10, 25)]
_PAIRS += [(0.5, "median", "median")]
_MOST_EXACT, _OF_SAMPLES = 1024, 0.01  # numbers in exact quantiles; the error of rank beyond


def contract_of(views: Sequence[ProfileView], batch: int | None = None) -> str:
    """Return the text of a contract that all of the profiles pass.

    Its first line, a comment, says how many features have limits.

    Parameters
    ----------
    views
        One or more profiles of good data.
    batch
        The number of images or rows that will be judged at once; None takes that of the smallest
        profile. Smaller batches vary more, so their limits are wider.

    Raises
    ------
    ValueError
        A profile is empty, the profiles or the batch are too small for limits on numbers, or no
        feature has enough values in all profiles.
    """
    sizes = [max((x.n for x in view.values() if x.kind != "pixels"), default=0) for view in views]
    if not min(sizes):
        raise ValueError("got an empty profile; expected a profile of good data")
    return "\n".join(_Suggested(views, sum(sizes), batch or min(sizes)).lines())


class _Suggested:
    def __init__(self, views: Sequence[ProfileView], rows: int, batch: int) -> None:
        self._views, self._rows, self._batch = views, rows, batch
        whole = ProfileView.merge_many(views)
        columns = [whole[name] for name in whole if all(name in view for view in views)]
        many = sum(1 if column.meaning.origin == "image" else _LIMITS for column in columns)
        self._alpha = _ALPHA / max(1, many)
        # If an even number limits the median of a batch, so do all larger ones.
        n, least = max((column.n for column in columns if column.kind == "number"), default=0), 2
        while quantile_share(0.5, max(n, least), least, self._alpha / 2) is None:
            least += 2
        few, where = min((n, "in all"), (self._size(n), f"per batch of {batch} (option --batch)"))
        if 0 < few < least:
            got = f"got {few} images or rows {where}: too few for limits on numbers"
            raise ValueError(f"{got}; expected {least} or more")
        # A batch of the same kind has each of these features. Images without an Exif tag do not
        # count. Rows have no pixels.
        found = [(x, x.n - x.missing * (x.meaning.family == "Exif")) for x in columns]
        self._columns = [x for x, n in found if x.kind != "pixels" and self._is_expected(x, n)]
        if all(column.kind == "failure" for column in self._columns):
            expected = f"expected a feature with {_ENOUGH} values or more in all profiles together"
            raise ValueError(f"got profiles without enough values in common; {expected}")

    def _is_expected(self, column: ColumnView, n: int) -> bool:
        """Return whether the next batch has a value of the column, which `n` rows have."""
        # The p-value of Fisher's exact test for no value in the next batch.
        chance = (self._rows / (self._rows + self._batch)) ** n if n < self._rows else 0.0
        return column.kind == "failure" or (n >= _ENOUGH and chance < self._alpha)

    def lines(self) -> Iterator[str]:
        profiles = counted(len(self._views), "profile")
        alike = "they vary like these" if self._views[1:] else "images or rows are independent"
        names = {column.name: quoted(glob.escape(column.name)) for column in self._columns}
        found = ((column.name, list(self._limits(column))) for column in self._columns)
        limits = {name: lines for name, lines in found if lines}
        yield f"# {len(limits)} of {counted(len(names), 'feature')} have limits, from {profiles}."
        yield f"# At most {_ALPHA:.0%} of good batches of {self._batch} fail, if {alike}."
        yield "\n[[expect]]  # these features exist"
        yield f"features = [{', '.join(names.values())}]"
        yield 'schema = "at_least"'
        for name, lines in limits.items():
            yield from ("\n[[expect]]", f"feature = {names[name]}", *lines)

    def _limits(self, column: ColumnView) -> Iterator[str]:
        """Yield a line for each limit of a feature."""
        origin, values = column.meaning.origin, column.n - column.missing
        if column.kind == "failure":
            yield from self._rate(column, "failure_rate", column.n)
        elif origin != "image":
            yield from self._rate(column, "missing_rate", column.n)
        each = [view[column.name] for view in self._views]
        if not self._is_expected(column, values) or any(x.n == x.missing for x in each):
            return
        is_number = column.kind == "number" and not column.meaning.untested
        if is_number and all(bounds_of(x, "mean") for x in (column, *each)):
            yield from self._of_numbers(column)
        types = [kind for kind in _TYPES if getattr(column.types, kind) == values]
        if types and origin == "value":
            share = 1 - most_hits(0, values, self._size(values), self._alpha) / self._size(values)
            if share > 0:
                yield f"type = {quoted(types[0])}  # all {values} values"
                yield f"share = {-_at_least(-share, 1 - share)}"

    def _of_numbers(self, column: ColumnView) -> Iterator[str]:
        seen, types = seen_values(column), column.types
        values = {item.value for item in seen.items}
        if types.date or max(abs(column.min or 0.0), abs(column.max or 0.0)) > _WIDEST:
            return
        rates = (bounds_of(view[column.name], "distinct_rate") for view in self._views)
        may_repeat = any(rate is None or rate[1] < 1 for rate in rates)
        if not seen.others and values <= {0, 1} and (len(values) > 1 or not types.number):
            yield from self._rate(column, "mean", column.n - column.missing)
        elif may_repeat or types.number or column.meaning.origin == "image":
            yield from self._quantiles(column)

    def _rate(self, column: ColumnView, scalar: str, n: int) -> Iterator[str]:
        is_mean, value, size = scalar == "mean", float(getattr(column, scalar)), self._size(n)
        hits, alpha = round(value * n), self._alpha / (1 + is_mean)
        least = 1 - most_hits(n - hits, n, size, alpha) / size
        most = most_hits(hits, n, size, alpha) / size
        low, high = _rounded([*self._between(column, scalar), least, most])
        limits = [f"at_least = {low}"] * (is_mean and low > 0)
        limits += [f"at_most = {high}"] * (high < 1)
        if limits:
            yield f"{scalar} = {{ {', '.join(limits)} }}  # was {number(value)} (n = {n})"

    def _quantiles(self, column: ColumnView) -> Iterator[str]:
        n, size = column.numbers.n, self._size(column.numbers.n)
        for q, lower, upper in _PAIRS if column.min == column.max else _PAIRS[-1:]:
            share = quantile_share(q, n, size, self._alpha / 2)
            if share is not None:
                share = max(0.0, share - _OF_SAMPLES * (max(n, size) > _MOST_EXACT))
                within = (column.quantile(share) or 0.0, column.quantile(1 - share) or 0.0)
                ends = *self._between(column, lower), *self._between(column, upper)
                low, high = _rounded([*within, *ends])
                for scalar in dict.fromkeys((lower, upper)):
                    yield f"{scalar} = {{ at_least = {low}, at_most = {high} }}  # from {n} values"
                return

    def _between(self, column: ColumnView, scalar: str) -> list[float]:
        """Return the bounds of a scalar in each profile, and those predicted for the next one."""
        ends = (bounds_of(view[column.name], scalar) or (0.0, 0.0) for view in self._views)
        lows, highs = zip(*ends, strict=True)
        return [*lows, *highs, *(prediction_interval(lows, self._alpha) if lows[1:] else ())]

    def _size(self, n: int) -> int:
        """Return a number of values that a batch has almost surely, if `n` of all rows have one."""
        share, expected = n / self._rows, self._batch * n / self._rows
        return max(1, math.floor(expected - 2 * math.sqrt(expected * (1 - share))))


def _rounded(ends: Sequence[float]) -> tuple[float, float]:
    low, high = min(ends), max(ends)
    return -_at_least(-low, high - low), _at_least(high, high - low)


def _at_least(value: float, width: float) -> float:
    """Return a number of few digits between `value` and `value + width / 100`."""
    rounded = (float(f"{value + width / 200:.{digits}g}") for digits in range(3, 17))
    return next((x for x in rounded if value <= x <= value + width / 100), value)


def most_hits(hits: int, n: int, size: int, alpha: float) -> int:
    """Return the upper prediction limit for the number of hits in `size` further observations.

    It is the largest number that Fisher's one-sided test accepts at `alpha`, after `hits` of `n`.
    """
    more = range(1, size + 1)
    return bisect_left(more, True, key=lambda x: fisher_more(x, size, hits, n) <= alpha)


def quantile_share(q: float, n: int, size: int, alpha: float) -> float | None:
    """Return the share of `n` values that is a lower limit of the quantile of `size` further ones.

    It returns None if that quantile may be below all values. It holds for any distribution: the
    quantile is below a value if at least ``ceil(q * size)`` further values are, and Fisher's exact
    test bounds their number.
    """
    below = max(1, math.ceil(q * size))
    hits = bisect_right(range(n + 1), alpha, key=lambda x: fisher_more(below, size, x, n))
    return None if hits == 0 else (hits - 1) / n
