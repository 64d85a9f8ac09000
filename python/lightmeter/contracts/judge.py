"""Expectations of one feature against what its sketches know."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from lightmeter.contracts.expectation import Expectation, Limits, Value
from lightmeter.contracts.result import State
from lightmeter.image.thumbnail import Exemplar
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.scalars import HUE_STEPS, arc, bounds_of, is_hue, nearest_turn, seen_values
from lightmeter.text import MOST_DIGITS, count, number, percent, shorten

_ROUNDING = 1e-12  # of a limit, or of the spread, in what is computed: others are exact
_COMPUTED = ("mean", "stddev", "sum")
_KEYS = {"at_least": "at least", "at_most": "at most", "above": "above", "below": "below"}
_SHOWN = 5  # values
_DIGITS = 6
_PICTURES = 4


class Verdict(NamedTuple):
    """What a clause comes to; the fields are those of `Outcome`."""

    expected: str
    got: str
    state: State
    pictures: tuple[Exemplar, ...] = ()
    value: float | None = None
    lower: float | None = None
    upper: float | None = None


def judged(expectation: Expectation, name: str, view: ProfileView) -> Iterator[Verdict]:
    """Yield a verdict for each clause of an expectation of the feature `name`."""
    column = view[name]
    for scalar, limits in expectation.limits.items():
        for key in _KEYS:
            if getattr(limits, key) is None:
                continue
            verdict = _within(column, scalar, limits, key)
            if verdict.state != "holds":
                low, high, _ = view.exemplars(name)
                worst = low if key in ("at_least", "above") else high
                verdict = verdict._replace(pictures=tuple(worst[:_PICTURES]))
            yield verdict
    if (values := expectation.values) is not None:
        yield (
            _top(column, values, expectation.top) if expectation.top else _none_but(column, values)
        )
    if expectation.contains is not None:
        yield _all_of(column, expectation.contains)
    if expectation.type is not None:
        yield _of_type(column, expectation.type, expectation.share)
    if expectation.unique:
        yield _unique(column)


def _within(column: ColumnView, scalar: str, limits: Limits, key: str) -> Verdict:
    bounds, limit = bounds_of(column, scalar), getattr(limits, key)
    expected = f"{scalar} {_KEYS[key]} "
    if bounds is None:
        return Verdict(expected + number(limit, _DIGITS), f"no {scalar}", "cannot be told")
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
    return Verdict(expected + number(limit, digits), got, state, (), value, lower, upper)


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


def _none_but(column: ColumnView, values: Sequence[Value]) -> Verdict:
    items, rest, _ = seen_values(column)
    seen = {item.value for item in items}
    expected, others = f"none but {_listed(values)}", seen.difference(values)
    if others:
        return Verdict(expected, _listed(others), "fails")
    if not rest:
        return Verdict(expected, "no other", "holds")
    return Verdict(expected, f"{count(len(seen))} of them, and rare values", "cannot be told")


def _top(column: ColumnView, values: Sequence[Value], top: int) -> Verdict:
    """Judge the most frequent values, of which estimates are upper bounds."""
    items, _, most = seen_values(column)
    first = items[:top]
    most = max([most, *(item.upper for item in items[top : top + 1])])  # of any other value
    expected = f"the {top} most frequent among {_listed(values)}"
    others = [item for item in first if item.value not in values]
    got = _listed(item.value for item in others or first)
    if any(item.lower > most and not item.is_rounded for item in others):
        return Verdict(expected, got, "fails")
    is_sure = bool(first) and not others and all(item.lower > most for item in first)
    return Verdict(expected, got, "holds" if is_sure else "cannot be told")


def _all_of(column: ColumnView, values: Sequence[Value]) -> Verdict:
    items, rest, _ = seen_values(column)
    missing = set(values).difference(item.value for item in items)
    expected = f"all of {_listed(values)}"
    if not missing:
        return Verdict(expected, "all", "holds")
    return Verdict(expected, f"no {_listed(missing)}", "cannot be told" if rest else "fails")


def _of_type(column: ColumnView, kind: str, share: float) -> Verdict:
    hits = getattr(column.types, kind) + (column.types.integer if kind == "number" else 0)
    values = column.n - column.missing
    expected = f"type {kind}" + (f" of {percent(share)}" if share < 1 else "")
    if not values:
        return Verdict(expected, "no values", "cannot be told")
    holds = hits / values >= share
    return Verdict(expected, percent(hits / values), "holds" if holds else "fails")


def _unique(column: ColumnView) -> Verdict:
    for value, times, _ in (item for item in seen_values(column).items if not item.is_rounded):
        if times > 1:
            return Verdict("unique", f"{_listed([value])} {count(times)} times", "fails")
    low, high = bounds_of(column, "distinct_rate") or (0.0, 1.0)
    if low == high or high < 1:
        return Verdict("unique", f"{percent(high)} different", "holds" if low == 1 else "fails")
    got = "no values, or too many or too long to compare: see distinct_rate"
    return Verdict("unique", got, "cannot be told")


def _listed(values: Iterable[Value]) -> str:
    ordered = sorted(values, key=lambda value: (isinstance(value, str), value))
    shown = [shorten(repr(value), 40) for value in ordered]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
