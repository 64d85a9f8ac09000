"""Expectations of one feature against what its sketches know, and what a contract says of all."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Literal

from lightmeter.contracts.expectation import Expectation, Value
from lightmeter.files import write_atomically
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.scalars import HUE_STEPS, arc, bounds_of, is_hue, nearest_turn, seen_values
from lightmeter.profile.view import Exemplar
from lightmeter.report.charts.document import Row, document, section, table
from lightmeter.report.parts import thumbnail_tag
from lightmeter.text import MOST_DIGITS, count, counted, number, percent, shorten, visible

if TYPE_CHECKING:
    import pandas as pd

State = Literal["holds", "fails", "cannot be told"]

_LOWER = ("at_least", "above")
_IS_WITHIN = {"at_least": ge, "above": gt, "at_most": le, "below": lt}
_ROUNDING = 1e-12  # of a limit, or of the spread, in what is computed: others are exact
_COMPUTED = ("mean", "stddev", "sum")
_SHOWN = 5  # values
_DIGITS = 6
_PICTURES = 4
_COLUMNS = ("feature", "expectation", "severity", "expected", "got", "state")


@dataclass(frozen=True)
class Outcome:
    """One clause of an expectation and one feature.

    Attributes
    ----------
    expectation
        Its name; empty where it has none.
    severity
        ``error`` or ``warning``.
    feature
        The name of the feature, or the pattern that no feature has.
    expected
        Such as ``q_05 at least 40``.
    got
        Such as ``31.2``.
    state
        ``holds``, ``fails``, or ``cannot be told``, where the sketches of the profile only bound
        the number and the limit is between their bounds, or where there is no value.
    pictures
        Of a limit that does not hold, those with the most extreme values, if the profile has
        exemplars.
    value
        Of a limit, the number that was compared; a mean of hues may have got turns of the circle,
        so that it lies beside the limits.
    lower
        The least that it may be.
    upper
        The most that it may be.
    """

    expectation: str
    severity: Literal["error", "warning"]
    feature: str
    expected: str
    got: str
    state: State
    pictures: tuple[Exemplar, ...] = ()
    value: float | None = None
    lower: float | None = None
    upper: float | None = None

    def plain(self) -> dict[str, object]:
        """Return the outcome ready for JSON; pictures are the paths of these."""
        return asdict(self) | {"pictures": [picture.path for picture in self.pictures]}

    def __str__(self) -> str:
        """Return the outcome as a sentence."""
        where = ": ".join(filter(None, (self.severity, self.expectation, self.feature)))
        unsure = " (cannot be told)" if self.state == "cannot be told" else ""
        return visible(f"{where}: expected {self.expected}, got {self.got}{unsure}")


@dataclass(frozen=True, repr=False)
class ContractResult:
    """The outcomes of a contract for one profile.

    Attributes
    ----------
    outcomes
        Of every expectation, clause and feature, in the order of the contract.

    Examples
    --------
    >>> result = lm.Contract("contract.toml").judge(view)
    >>> result.passed, result.failures
    """

    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Return whether all expectations hold, but for those of severity ``warning``."""
        return all(outcome.severity == "warning" for outcome in self.failures)

    @property
    def failures(self) -> list[Outcome]:
        """Return what does not hold, warnings too; also what cannot be told."""
        return [outcome for outcome in self.outcomes if outcome.state != "holds"]

    def to_pandas(self) -> "pd.DataFrame":
        """Return a row for each outcome; this needs pandas.

        Examples
        --------
        >>> lm.Contract("contract.toml").judge(view).to_pandas()
        """
        import pandas as pd

        return pd.DataFrame([outcome.plain() for outcome in self.outcomes])

    def to_json(self) -> str:
        """Return ``passed`` and all outcomes as a JSON object.

        Examples
        --------
        >>> lm.Contract("contract.toml").judge(view).to_json()
        """
        outcomes = [outcome.plain() for outcome in self.outcomes]
        return json.dumps({"passed": self.passed, "outcomes": outcomes}, indent=2)

    def to_html(self) -> str:
        """Return a page of one file without a script: failures with their pictures first.

        Examples
        --------
        >>> lm.Contract("contract.toml").judge(view).to_html()
        """
        ordered = sorted(self.outcomes, key=lambda outcome: outcome.state == "holds")
        rows = list[Row]()
        for each in ordered:
            shots = [thumbnail_tag(shot.thumbnail, shot.path) for shot in each.pictures]
            rows.append({**{name: getattr(each, name) for name in _COLUMNS}, "pictures": shots})
        listed = table("outcomes", rows, left=_COLUMNS, words=("expected", "got"))
        return document(str(self), section(str(self), listed, ident="outcomes"))

    def write_html(self, path: str | os.PathLike[str]) -> None:
        """Write `to_html` to a file: whole or not at all.

        Examples
        --------
        >>> lm.Contract("contract.toml").judge(view).write_html("contract.html")
        """
        write_atomically(path, self.to_html().encode())

    def __str__(self) -> str:
        """Return the verdict in one line."""
        failures = f"{len(self.failures)} of {counted(len(self.outcomes), 'check')} failed"
        return f"contract {'passed' if self.passed else 'failed'}: {failures}"

    __repr__ = __str__


_Told = tuple[str, str, State]  # expected, got and state of an outcome


def judged(expectation: Expectation, name: str, view: ProfileView) -> Iterator[Outcome]:
    """Yield an outcome for each clause of an expectation of the feature `name`."""
    outcome: Callable[..., Outcome] = partial(Outcome, expectation.name, expectation.severity, name)
    column = view[name]
    for scalar, limits in expectation.limits.items():
        for key in limits:
            expected, got, state, *compared = _within(column, scalar, limits, key)
            low, high, _ = view.exemplars(name) if state != "holds" else ((), (), ())
            pictures = tuple((low if key in _LOWER else high)[:_PICTURES])
            yield outcome(expected, got, state, pictures, *compared)
    for clause, judge in _CLAUSES.items():
        if getattr(expectation, clause) is not None:
            yield outcome(*judge(column, expectation))


def _within(
    column: ColumnView, scalar: str, limits: Mapping[str, float], key: str
) -> tuple[str, str, State, float | None, float | None, float | None]:
    """Judge one limit; return what is told, and the number and the limits that it lies between."""
    bounds, expected = bounds_of(column, scalar), f"{scalar} {key.replace('_', ' ')} "
    limit, digits = limits[key], _DIGITS
    lower = max((limits[each] for each in limits if each in _LOWER), default=None)
    upper = min((limits[each] for each in limits if each not in _LOWER), default=None)
    if bounds is None:
        expected += number(limit, digits)
        return expected, f"no {scalar}", "cannot be told", None, lower, upper
    low, high = bounds
    worst, best = (low, high) if key in _LOWER else (high, low)
    if is_hue(column, scalar) and list(limits) == ["at_least", "at_most"]:  # which may pass 0
        start, end = limits.values()
        lower, upper = arc(start, end + HUE_STEPS * (end < start))
        worst = nearest_turn(low, (lower + upper) / 2)
        state: State = "holds" if lower <= worst <= upper else "fails"
    else:
        spread = max(abs(limit), column.stddev or 0.0) if scalar in _COMPUTED else 0.0
        slack = {"at_least": -_ROUNDING, "at_most": _ROUNDING}.get(key, 0.0) * spread
        holds, may_hold = (_IS_WITHIN[key](each, limit + slack) for each in (worst, best))
        state = "holds" if holds else "cannot be told" if may_hold else "fails"
        alike = len({number(each, digits) for each in (limit, low, high)})
        if not holds and alike < len({limit, low, high}):
            digits = MOST_DIGITS
    got = number(low, digits) + (f" to {number(high, digits)}" if low != high else "")
    return expected + number(limit, digits), got, state, worst, lower, upper


def _values(column: ColumnView, expectation: Expectation) -> _Told:
    values, top = expectation.values or (), expectation.top
    items, rest, most = seen_values(column)
    first = items[:top]
    others = [item for item in first if item.value not in values]
    certain, are_all, expected = others, not rest, "none but"
    if top:  # of the most frequent ones, of which estimates are upper bounds
        most = max([most, *(item.upper for item in items[top : top + 1])])  # of any other value
        certain = [item for item in others if item.lower > most and not item.is_rounded]
        are_all = bool(first) and all(item.lower > most for item in first)
        expected = f"the {top} most frequent among"
    state: State = "cannot be told" if others or not are_all else "holds"
    got = _listed(item.value for item in others) if others else "no other that is known"
    return f"{expected} {_listed(values)}", got, "fails" if certain else state


def _contains(column: ColumnView, expectation: Expectation) -> _Told:
    values = expectation.contains or ()
    items, rest, _ = seen_values(column)
    missing = set(values).difference(item.value for item in items)
    state: State = "holds" if not missing else "cannot be told" if rest else "fails"
    return f"all of {_listed(values)}", f"no {_listed(missing)}" if missing else "all", state


def _type(column: ColumnView, expectation: Expectation) -> _Told:
    kind, share, types = str(expectation.type), expectation.share, column.types
    hits = getattr(types, kind) + (types.integer if kind == "number" else 0)
    values = column.n - column.missing
    expected = f"type {kind}" + (f" of {percent(share)}" if share < 1 else "")
    if not values:
        return expected, "no values", "cannot be told"
    return expected, percent(hits / values), "holds" if hits >= share * values else "fails"


def _unique(column: ColumnView, expectation: Expectation) -> _Told:
    for value, times, _ in (item for item in seen_values(column).items if not item.is_rounded):
        if times > 1:
            return "unique", f"{_listed([value])} {count(times)} times", "fails"
    low, high = bounds_of(column, "distinct_rate") or (0.0, 1.0)
    if low == high or high < 1:
        return "unique", f"{percent(high)} different", "holds" if low == 1 else "fails"
    return "unique", "no values, or too many or too long: see distinct_rate", "cannot be told"


_CLAUSES = {"values": _values, "contains": _contains, "type": _type, "unique": _unique}


def _listed(values: Iterable[Value]) -> str:
    ordered = sorted(values, key=lambda value: (isinstance(value, str), value))
    shown = [shorten(repr(value), 40) for value in ordered]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
