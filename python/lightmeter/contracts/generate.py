"""Contracts that profiles of what is good suggest: limits, with the reason for each.

A limit is a prediction limit: the mean of the next batch of the same kind is within. How far it is
away follows from what varies within the profiles, and from what varies between them where there are
several; the farther one counts. A batch of the same kind exceeds some limit with a probability of
`_ALPHA` at most, by Bonferroni's inequality.
"""

from collections.abc import Iterator, Sequence

from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.scalars import mean_interval, prediction_interval, rate_limit
from lightmeter.settings import quoted
from lightmeter.text import counted, number

__all__ = ["contract_of"]

_ALPHA = 0.02
_ENOUGH = 5  # of a value, to expect no other; of a feature, to expect it again
_MOST_VALUES = 50
_WIDEST = 1e150  # whose square is finite
_TYPES = ("integer", "number", "text", "bool", "date")


def contract_of(views: Sequence[ProfileView], batch: int | None = None) -> str:
    """Return the text of a contract that all of the profiles pass.

    Args:
        views: profiles of what is good, one or more.
        batch: how many images or rows will be judged at once; None for as many as the smallest of
            the profiles has. Fewer vary more.

    Raises:
        ValueError: a profile holds nothing.
    """
    sizes = [
        max((view[name].n for name in view if view[name].kind != "pixels"), default=0)
        for view in views
    ]
    if not min(sizes):
        raise ValueError("got a profile that holds nothing; expected one of what is good")
    return "\n".join(_Suggested(views, batch or min(sizes)).lines())


class _Suggested:
    def __init__(self, views: Sequence[ProfileView], batch: int) -> None:
        self._views, self._batch = views, batch
        whole = ProfileView.merge_many(views)
        columns = [whole[name] for name in whole if all(name in view for view in views)]
        # A batch without one of these would be of another kind.
        self._columns = [column for column in columns if self._is_expected(column, len(columns))]
        scalars = [scalar for column in self._columns for scalar in _limited(column)]
        self._alpha = _ALPHA / max(1, len(scalars))

    def _is_expected(self, column: ColumnView, columns: int) -> bool:
        if column.kind == "failure":
            return True
        is_often = (column.missing_rate or 0.0) ** self._batch < _ALPHA / columns
        return is_often and column.n - column.missing >= _ENOUGH

    def lines(self) -> Iterator[str]:
        profiles = counted(len(self._views), "profile")
        alike = "vary no more than these do" if len(self._views) > 1 else "are independent"
        yield f"# Made of {profiles} of what is good. A batch of {self._batch} that is good, too,"
        yield f"# fails with a probability of {_ALPHA:.0%} at most, if its images or rows {alike}."
        yield "\n[[expect]]  # nothing is gone"
        yield f"features = [{', '.join(quoted(column.name) for column in self._columns)}]"
        yield 'schema = "at_least"'
        for column in self._columns:
            lines = [self._limits(column, scalar) for scalar in _limited(column)]
            for table in ([*lines, *_type(column)], [*_values(column)]):
                if table:
                    yield from ("\n[[expect]]", f"feature = {quoted(column.name)}", *table)

    def _limits(self, column: ColumnView, scalar: str) -> str:
        series = [float(getattr(view[column.name], scalar) or 0.0) for view in self._views]
        between = prediction_interval(series, self._alpha) if len(series) > 1 else series * 2
        value = float(getattr(column, scalar) or 0.0)
        if scalar == "mean":
            within = mean_interval(column, self._batch, self._alpha)
            low, high = min(*between, *within, *series), max(*between, *within, *series)
            why = f"{number(value)} of {column.n}, standard deviation {number(column.stddev)}"
            low, high = -_at_least(-low, high - low), _at_least(high, high - low)
            return f"mean = {{ at_least = {low}, at_most = {high} }}  # {why}"
        high = max(*between, *series, rate_limit(value, column.n, self._batch, self._alpha))
        most = min(1.0, _at_least(high, high))
        return f"{scalar} = {{ at_most = {most} }}  # {number(value)} of {column.n}"


def _at_least(value: float, width: float) -> float:
    """Return a number of few digits from `value` to a hundredth of `width` above."""
    rounded = (float(f"{value + width / 200:.{digits}g}") for digits in range(3, 17))
    return next((x for x in rounded if value <= x <= value + width / 100), value)


def _limited(column: ColumnView) -> Iterator[str]:
    """Yield the numbers of a feature that get limits."""
    if column.kind == "failure":
        yield "failure_rate"
    elif column.meaning.origin != "image":
        yield "missing_rate"
    has_spread = 0 < (column.stddev or 0.0) < _WIDEST
    if column.kind == "number" and not column.meaning.untested and has_spread:
        yield "mean"


def _type(column: ColumnView) -> Iterator[str]:
    kinds = [kind for kind in _TYPES if getattr(column.types, kind)]
    if column.meaning.origin == "value" and len(kinds) == 1 and column.kind != "failure":
        yield f"type = {quoted(kinds[0])}"


def _values(column: ColumnView) -> Iterator[str]:
    items = column.frequent
    is_known = column.lists_all and column.kind == "category" and len(items) <= _MOST_VALUES
    if is_known and items and items[-1].lower >= _ENOUGH:
        yield f"values = [{', '.join(quoted(item.value) for item in items)}]"
        yield 'severity = "warning"  # another value may only be rarer'
