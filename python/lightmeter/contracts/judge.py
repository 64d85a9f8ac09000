"""Expectations of one feature against what its sketches know."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lightmeter.contracts.expectation import Clause, Expectation
from lightmeter.contracts.result import Outcome, State
from lightmeter.image.thumbnail import Exemplar
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.scalars import (
    HUE_STEPS,
    arc,
    bounds_of,
    is_hue,
    nearest_turn,
    seen_values,
)
from lightmeter.text import count, number, percent, shorten

__all__ = ["judged"]

_ROUNDING = 1e-9  # of a limit
_SHOWN = 5  # values
_DIGITS = 6
_PICTURES = 4


class _Verdict(NamedTuple):
    """What was got of a clause; `end` is where its worst pictures are: low or high."""

    expected: str
    got: str
    state: State
    end: str = ""


def judged(expectation: Expectation, name: str, view: ProfileView) -> Iterator[Outcome]:
    """Yield an outcome for each clause of an expectation of the feature `name`."""
    column = view[name]
    for expected, got, state, end in _verdicts(expectation, column):
        pictures: tuple[Exemplar, ...] = ()
        if end and state != "holds":
            pictures = tuple(getattr(view.exemplars(name), end)[:_PICTURES])
        yield Outcome.of(expectation, name, expected, got, state, pictures)


def _verdicts(expectation: Expectation, column: ColumnView) -> Iterator[_Verdict]:
    for clause in expectation.clauses:
        yield _within(column, clause)
    if expectation.values is not None and expectation.top is None:
        yield _none_but(column, expectation.values)
    elif expectation.values is not None:
        yield _top(column, expectation.values, expectation.top or 1)
    if expectation.contains is not None:
        yield _all_of(column, expectation.contains)
    if expectation.type is not None:
        yield _of_type(column, expectation.type, expectation.share)
    if expectation.unique:
        yield _unique(column)


def _within(column: ColumnView, clause: Clause) -> _Verdict:
    scalar, key, limit, expected, limits = clause
    bounds = bounds_of(column, scalar)
    if bounds is None:
        return _Verdict(expected, f"no {scalar}", "cannot be told")
    low, high = bounds
    if is_hue(column, scalar) and limits.is_arc:
        return _on_arc(low, clause)
    state = _compared(low, high, key, limit)
    got = number(low, _DIGITS)
    if low != high:
        got = f"{got} to {number(high, _DIGITS)}"
    return _Verdict(expected, got, state, "low" if key in ("at_least", "above") else "high")


def _on_arc(value: float, clause: Clause) -> _Verdict:
    """Judge the mean of hues by an arc, which may pass 0."""
    lower, upper = clause.limits.at_least or 0.0, clause.limits.at_most or 0.0
    lower, upper = arc(lower, upper + HUE_STEPS * (upper < lower))
    turned = nearest_turn(value, (lower + upper) / 2)
    holds = lower <= turned <= upper
    return _Verdict(
        f"{clause.expected} on the circle", number(value), "holds" if holds else "fails"
    )


def _compared(low: float, high: float, key: str, limit: float) -> State:
    if key in ("at_most", "below"):
        low, high, limit = -high, -low, -limit
    if key in ("above", "below"):
        return "holds" if low > limit else "cannot be told" if high > limit else "fails"
    limit -= _ROUNDING * (abs(limit) or 1.0)
    return "holds" if low >= limit else "cannot be told" if high >= limit else "fails"


def _none_but(column: ColumnView, values: Sequence[object]) -> _Verdict:
    allowed, (seen, is_complete) = _texts(values), seen_values(column)
    others = sorted(seen - allowed)
    expected = f"none but {_listed(sorted(allowed))}"
    if others:
        return _Verdict(expected, _listed(others), "fails")
    if is_complete:
        return _Verdict(expected, "no other", "holds")
    return _Verdict(expected, f"{count(len(seen))} of them, and rare values", "cannot be told")


def _top(column: ColumnView, values: Sequence[object], top: int) -> _Verdict:
    """Of the most frequent values: an estimate is an upper bound, also of what is not listed."""
    allowed, items = _texts(values), column.frequent
    expected = f"the {top} most frequent among {_listed(sorted(allowed))}"
    if not items:
        return _Verdict(expected, "no values that are counted", "cannot be told")
    # What has more than any value behind the first ones can have is certainly among these.
    behind = items[top].est if len(items) > top else 0
    certain = {item.value for item in items[:top] if item.lower > behind}
    floor = sorted((item.lower for item in items), reverse=True)[:top][-1]
    possible = {item.value for item in items if item.est >= floor}
    got = _listed([item.value for item in items[:top]])
    if certain - allowed:
        return _Verdict(expected, got, "fails")
    is_listed = column.lists_all or floor > items[-1].est
    return _Verdict(
        expected, got, "holds" if is_listed and possible <= allowed else "cannot be told"
    )


def _all_of(column: ColumnView, values: Sequence[object]) -> _Verdict:
    seen, is_complete = seen_values(column)
    missing = sorted(_texts(values) - seen)
    expected = f"all of {_listed(sorted(_texts(values)))}"
    if not missing:
        return _Verdict(expected, "all", "holds")
    return _Verdict(
        expected, f"no {_listed(missing)}", "fails" if is_complete else "cannot be told"
    )


def _of_type(column: ColumnView, kind: str, share: float) -> _Verdict:
    types = column.types
    hits = getattr(types, kind) + (types.integer if kind == "number" else 0)
    values = column.n - column.missing
    expected = f"type {kind}" + (f" of {percent(share)}" if share < 1 else "")
    if not values:
        return _Verdict(expected, "no values", "cannot be told")
    is_one = hits >= share * values * (1 - _ROUNDING)
    return _Verdict(expected, percent(hits / values), "holds" if is_one else "fails")


def _unique(column: ColumnView) -> _Verdict:
    repeated = [item for item in column.frequent if item.lower > 1]
    if repeated:
        got = f"{shorten(repr(repeated[0].value), 40)} {count(repeated[0].lower)} times"
        return _Verdict("unique", got, "fails")
    bounds = bounds_of(column, "distinct_rate")
    if bounds is None:
        return _Verdict("unique", "no values", "cannot be told")
    low, high = bounds
    if low == high or high < 1:
        return _Verdict("unique", f"{percent(high)} different", "holds" if low == 1 else "fails")
    return _Verdict("unique", "too many values to list; see distinct_rate", "cannot be told")


def _texts(values: Sequence[object]) -> set[str]:
    """Return values as `seen_values` has them."""
    return {_text(value) for value in values}


def _text(value: object) -> str:
    if isinstance(value, bool | int):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _listed(texts: Sequence[str]) -> str:
    shown = ", ".join(shorten(repr(text), 40) for text in texts[:_SHOWN])
    return f"{shown} and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else shown
