"""Expectations of one feature against what its sketches know."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from lightmeter.contracts.expectation import Clause, Expectation, Value
from lightmeter.contracts.result import State
from lightmeter.image.thumbnail import Exemplar
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.scalars import HUE_STEPS, arc, bounds_of, is_hue, nearest_turn, seen_values
from lightmeter.text import count, number, percent, shorten

__all__ = ["Verdict", "judged"]

_ROUNDING = 1e-9  # of a limit
_SHOWN = 5  # values
_DIGITS = 6
_PICTURES = 4


class Verdict(NamedTuple):
    """What a clause comes to; the fields are those of `Outcome`."""

    expected: str
    got: str
    state: State
    pictures: tuple[Exemplar, ...] = ()


def judged(expectation: Expectation, name: str, view: ProfileView) -> Iterator[Verdict]:
    """Yield a verdict for each clause of an expectation of the feature `name`."""
    column = view[name]
    for clause in expectation.clauses:
        verdict = _within(column, clause)
        if verdict.state != "holds":
            low, high, _ = view.exemplars(name)
            worst = low if clause.key in ("at_least", "above") else high
            verdict = verdict._replace(pictures=tuple(worst[:_PICTURES]))
        yield verdict
    if expectation.values is not None and expectation.top is None:
        yield _none_but(column, expectation.values)
    elif expectation.values is not None and expectation.top is not None:
        yield _top(column, expectation.values, expectation.top)
    if expectation.contains is not None:
        yield _all_of(column, expectation.contains)
    if expectation.type is not None:
        yield _of_type(column, expectation.type, expectation.share)
    if expectation.unique:
        yield _unique(column)


def _within(column: ColumnView, clause: Clause) -> Verdict:
    bounds = bounds_of(column, clause.scalar)
    if bounds is None:
        return Verdict(clause.expected, f"no {clause.scalar}", "cannot be told")
    low, high = bounds
    got = number(low, _DIGITS)
    if is_hue(column, clause.scalar) and clause.limits.is_arc:  # which may pass 0
        start, end = clause.limits.at_least or 0.0, clause.limits.at_most or 0.0
        lower, upper = arc(start, end + HUE_STEPS * (end < start))
        holds = lower <= nearest_turn(low, (lower + upper) / 2) <= upper
        return Verdict(clause.expected, got, "holds" if holds else "fails")
    if low != high:
        got = f"{got} to {number(high, _DIGITS)}"
    return Verdict(clause.expected, got, _compared(low, high, clause.key, clause.limit))


def _compared(low: float, high: float, key: str, limit: float) -> State:
    if key in ("at_most", "below"):
        low, high, limit = -high, -low, -limit
    if key in ("above", "below"):
        return "holds" if low > limit else "cannot be told" if high > limit else "fails"
    limit -= _ROUNDING * (abs(limit) or 1.0)
    return "holds" if low >= limit else "cannot be told" if high >= limit else "fails"


def _none_but(column: ColumnView, values: Sequence[Value]) -> Verdict:
    allowed, (seen, is_complete) = _texts(values), seen_values(column)
    expected, others = f"none but {_listed(allowed)}", seen - allowed
    if others:
        return Verdict(expected, _listed(others), "fails")
    if is_complete:
        return Verdict(expected, "no other", "holds")
    return Verdict(expected, f"{count(len(seen))} of them, and rare values", "cannot be told")


def _top(column: ColumnView, values: Sequence[Value], top: int) -> Verdict:
    """Judge the most frequent values, of which estimates are upper bounds."""
    allowed, items = _texts(values), column.frequent
    first = items[:top]
    # At most so often is there any other value: of what is not listed, as the last one of the list.
    most = items[top].est if len(items) > top else 0 if column.lists_all else column.n
    expected = f"the {top} most frequent among {_listed(allowed)}"
    others = [item for item in first if item.value not in allowed]
    got = _listed([item.value for item in others or first])
    if any(item.lower > most for item in others):
        return Verdict(expected, got, "fails")
    is_sure = bool(first) and not others and all(item.lower > most for item in first)
    return Verdict(expected, got, "holds" if is_sure else "cannot be told")


def _all_of(column: ColumnView, values: Sequence[Value]) -> Verdict:
    seen, is_complete = seen_values(column)
    expected, missing = f"all of {_listed(_texts(values))}", _texts(values) - seen
    if not missing:
        return Verdict(expected, "all", "holds")
    return Verdict(expected, f"no {_listed(missing)}", "fails" if is_complete else "cannot be told")


def _of_type(column: ColumnView, kind: str, share: float) -> Verdict:
    hits = getattr(column.types, kind) + (column.types.integer if kind == "number" else 0)
    values = column.n - column.missing
    expected = f"type {kind}" + (f" of {percent(share)}" if share < 1 else "")
    if not values:
        return Verdict(expected, "no values", "cannot be told")
    holds = hits >= share * values * (1 - _ROUNDING)
    return Verdict(expected, percent(hits / values), "holds" if holds else "fails")


def _unique(column: ColumnView) -> Verdict:
    repeated = [item for item in column.frequent if item.lower > 1]
    if repeated:
        got = f"{_listed([repeated[0].value])} {count(repeated[0].lower)} times"
        return Verdict("unique", got, "fails")
    low, high = bounds_of(column, "distinct_rate") or (0.0, 1.0)
    if low == high or high < 1:
        return Verdict("unique", f"{percent(high)} different", "holds" if low == 1 else "fails")
    return Verdict("unique", "no values, or too many to list: see distinct_rate", "cannot be told")


def _texts(values: Sequence[Value]) -> set[str]:
    """Return values as `seen_values` has them."""
    numbers = (int(each) if each == int(each) else each for each in values if type(each) is not str)
    return {*map(str, numbers), *(each for each in values if isinstance(each, str))}


def _listed(texts: Collection[str]) -> str:
    ordered = sorted(texts) if isinstance(texts, set) else texts
    shown = [shorten(repr(text), 40) for text in ordered]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
