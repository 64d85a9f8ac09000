"""Expectations of one feature against what its sketches know."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from lightmeter.contracts.expectation import Expectation, Limits, Value
from lightmeter.contracts.result import Outcome, State
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.scalars import HUE_STEPS, arc, bounds_of, is_hue, nearest_turn, seen_values
from lightmeter.text import MOST_DIGITS, count, number, percent, shorten

_ROUNDING = 1e-12  # of a limit, or of the spread, in what is computed: others are exact
_COMPUTED = ("mean", "stddev", "sum")
_SHOWN = 5  # values
_DIGITS = 6
_PICTURES = 4


_Told = tuple[str, str, State]  # expected, got and state of an outcome


def judged(expectation: Expectation, name: str, view: ProfileView) -> Iterator[Outcome]:
    """Yield an outcome for each clause of an expectation of the feature `name`."""
    outcome: Callable[..., Outcome] = partial(Outcome, expectation.name, expectation.severity, name)
    column = view[name]
    for scalar, limits in expectation.limits.items():
        for key in limits.given:
            told, *compared = _within(column, scalar, limits, key)
            low, high, _ = view.exemplars(name) if told[-1] != "holds" else ((), (), ())
            pictures = tuple((low if key in ("at_least", "above") else high)[:_PICTURES])
            yield outcome(*told, pictures, *compared)
    for clause, judge in _CLAUSES.items():
        if getattr(expectation, clause) is not None:
            yield outcome(*judge(column, expectation))


def _within(column: ColumnView, scalar: str, limits: Limits, key: str) -> tuple[Any, ...]:
    """Judge one limit; return what is told, and the number and the limits that it lies between."""
    bounds, limit = bounds_of(column, scalar), getattr(limits, key)
    expected = f"{scalar} {key.replace('_', ' ')} "
    if bounds is None:
        return ((expected + number(limit, _DIGITS), f"no {scalar}", "cannot be told"),)
    low, high = bounds
    value = low if key in ("at_least", "above") else high
    lower, upper = limits.lower, limits.upper
    digits, state = _DIGITS, _compared(low, high, key, limit)
    if is_hue(column, scalar) and limits.is_arc:  # which may pass 0
        start, end = limits.at_least or 0.0, limits.at_most or 0.0
        lower, upper = arc(start, end + HUE_STEPS * (end < start))
        value = nearest_turn(low, (lower + upper) / 2)
        state = "holds" if lower <= value <= upper else "fails"
    elif state != "holds":
        state = _compared(low, high, key, limit, _rounding(column, scalar, limit))
        ends = {limit, low, high}
        is_same = len({number(end, _DIGITS) for end in ends}) < len(ends)
        digits = MOST_DIGITS if is_same else _DIGITS
    got = number(low, digits) + (f" to {number(high, digits)}" if low != high else "")
    return (expected + number(limit, digits), got, state), value, lower, upper


def _rounding(column: ColumnView, scalar: str, limit: float) -> float:
    is_sum_of_integers = scalar == "sum" and not column.types.number + column.types.date
    if scalar not in _COMPUTED or is_sum_of_integers:
        return 0.0
    return _ROUNDING * max(abs(limit), column.stddev or 0.0)


def _compared(low: float, high: float, key: str, limit: float, rounding: float = 0.0) -> State:
    if key in ("at_most", "below"):
        low, high, limit = -high, -low, -limit
    if key in ("above", "below"):
        return "holds" if low > limit else "cannot be told" if high > limit else "fails"
    limit -= rounding
    return "holds" if low >= limit else "cannot be told" if high >= limit else "fails"


def _values(column: ColumnView, expectation: Expectation) -> _Told:
    values = expectation.values or ()
    if expectation.top:
        return _top(column, values, expectation.top)
    items, rest, _ = seen_values(column)
    others = {item.value for item in items}.difference(values)
    got = _listed(others) if others else "rare values too" if rest else "no other"
    return f"none but {_listed(values)}", got, _state(others, rest)


def _contains(column: ColumnView, expectation: Expectation) -> _Told:
    values = expectation.contains or ()
    items, rest, _ = seen_values(column)
    missing = set(values).difference(item.value for item in items)
    state: State = "cannot be told" if missing and rest else _state(missing, 0)
    return f"all of {_listed(values)}", f"no {_listed(missing)}" if missing else "all", state


def _state(odd: set[Value], rest: int) -> State:
    return "fails" if odd else "cannot be told" if rest else "holds"


def _top(column: ColumnView, values: Sequence[Value], top: int) -> _Told:
    """Judge the most frequent values, of which estimates are upper bounds."""
    items, _, most = seen_values(column)
    first = items[:top]
    most = max([most, *(item.upper for item in items[top : top + 1])])  # of any other value
    others = [item for item in first if item.value not in values]
    state: State = "cannot be told"
    if any(item.lower > most and not item.is_rounded for item in others):
        state = "fails"
    elif first and not others and all(item.lower > most for item in first):
        state = "holds"
    got = _listed(item.value for item in others or first)
    return f"the {top} most frequent among {_listed(values)}", got, state


def _type(column: ColumnView, expectation: Expectation) -> _Told:
    kind, share, types = str(expectation.type), expectation.share, column.types
    hits = getattr(types, kind) + (types.integer if kind == "number" else 0)
    values = column.n - column.missing
    expected = f"type {kind}" + (f" of {percent(share)}" if share < 1 else "")
    if not values:
        return expected, "no values", "cannot be told"
    return expected, percent(hits / values), "holds" if hits / values >= share else "fails"


def _unique(column: ColumnView, expectation: Expectation) -> _Told:
    for value, times, _ in (item for item in seen_values(column).items if not item.is_rounded):
        if times > 1:
            return "unique", f"{_listed([value])} {count(times)} times", "fails"
    low, high = bounds_of(column, "distinct_rate") or (0.0, 1.0)
    if low == high or high < 1:
        return "unique", f"{percent(high)} different", "holds" if low == 1 else "fails"
    got = "no values, or too many or too long to compare: see distinct_rate"
    return "unique", got, "cannot be told"


_CLAUSES = {"values": _values, "contains": _contains, "type": _type, "unique": _unique}


def _listed(values: Iterable[Value]) -> str:
    ordered = sorted(values, key=lambda value: (isinstance(value, str), value))
    shown = [shorten(repr(value), 40) for value in ordered]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
