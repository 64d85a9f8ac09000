"""Judging the expectations of a contract by the sketches of a profile."""

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
from lightmeter.profile.scalars import VALUES, arc, bounds_of, is_hue, nearest_turn, seen_values
from lightmeter.profile.view import Exemplar
from lightmeter.report.charts.html import Row, document, section, table
from lightmeter.report.parts import thumbnail_tag
from lightmeter.text import MOST_DIGITS, counted, number, percent, shorten, visible

if TYPE_CHECKING:
    import pandas as pd

State = Literal["holds", "fails", "cannot be told"]

_LOWER = ("at_least", "above")
_IS_WITHIN = {"at_least": ge, "above": gt, "at_most": le, "below": lt}
_ROUNDING = 1e-12  # of a limit, or of the spread, for computed scalars; others are exact
_COMPUTED = ("mean", "stddev", "sum")
_SHOWN = 5  # values or exemplars
_DIGITS = 6
_COLUMNS = ("feature", "expected", "got", "state", "severity", "expectation")


@dataclass(frozen=True)
class Outcome:
    """The outcome of one clause of an expectation for one feature.

    It is frozen, so threads may share it, and a fork is safe.

    Attributes
    ----------
    expectation
        The name of the expectation; empty if it has none.
    severity
        ``error`` or ``warning``.
    feature
        The name of the feature, or the pattern that no feature matches.
    expected
        The requirement, such as ``q_05 at least 40``.
    got
        The value, such as ``31.2``.
    state
        ``holds``, ``fails``, or ``cannot be told``: the profile has no value, or its sketches only
        give bounds, and the limit lies between them.
    exemplars
        The exemplars with the most extreme values, if a limit does not hold and the profile has
        exemplars.
    value
        The number that was compared with a limit. A mean hue may include full turns of the circle,
        so that it is near the limits.
    lower
        The smallest permitted value; None if there is no limit.
    upper
        The largest permitted value; None if there is no limit.
    """

    expectation: str
    severity: Literal["error", "warning"]
    feature: str
    expected: str
    got: str
    state: State
    exemplars: tuple[Exemplar, ...] = ()
    value: float | None = None
    lower: float | None = None
    upper: float | None = None

    def plain(self) -> dict[str, object]:
        """Return the outcome as a dict for JSON, with the paths of the exemplars."""
        return asdict(self) | {"exemplars": [each.path for each in self.exemplars]}

    def __str__(self) -> str:
        """Return the outcome as a sentence."""
        where = ": ".join(filter(None, (self.severity, self.expectation, self.feature)))
        unsure = " (cannot be told)" if self.state == "cannot be told" else ""
        return visible(f"{where}: expected {self.expected}, got {self.got}{unsure}")


@dataclass(frozen=True, repr=False)
class ContractResult:
    """The outcomes of a contract for one profile.

    It is frozen, so threads may share it, and a fork is safe.

    Attributes
    ----------
    outcomes
        The outcome of each clause for each feature, in the order of the contract.

    Examples
    --------
    >>> result = lm.Contract("contract.toml").judge(view)
    >>> result.passed, result.failures
    """

    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Return whether all expectations of severity ``error`` hold."""
        return all(outcome.severity == "warning" for outcome in self.failures)

    @property
    def failures(self) -> list[Outcome]:
        """Return all outcomes that do not hold or cannot be told, including warnings."""
        return [outcome for outcome in self.outcomes if outcome.state != "holds"]

    def to_pandas(self) -> "pd.DataFrame":
        """Return a data frame with a row for each outcome.

        Raises
        ------
        ImportError
            pandas is not installed.

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
        """Return an HTML page without scripts: failures come first, with their exemplars.

        Examples
        --------
        >>> lm.Contract("contract.toml").judge(view).to_html()
        """
        columns = [name for name in _COLUMNS if any(getattr(each, name) for each in self.outcomes)]
        rows = list[Row]()
        for each in sorted(self.outcomes, key=lambda outcome: outcome.state == "holds"):
            shots = [thumbnail_tag(shot.thumbnail, shot.path) for shot in each.exemplars]
            rows.append({**{name: getattr(each, name) for name in columns}, "images": shots})
        listed = table("outcomes", rows, left=columns, words=("expected", "got"))
        return document(str(self), section(str(self), listed, ident="outcomes"))

    def write_html(self, path: str | os.PathLike[str]) -> None:
        """Write the page of `to_html` to a file, whole or not at all.

        Raises
        ------
        OSError
            The file cannot be written.

        Examples
        --------
        >>> lm.Contract("contract.toml").judge(view).write_html("contract.html")
        """
        write_atomically(path, self.to_html().encode())

    def __str__(self) -> str:
        """Return the verdict in one line."""
        failures = f"{len(self.failures)} of {counted(len(self.outcomes), 'expectation')} failed"
        return f"contract {'passed' if self.passed else 'failed'}: {failures}"

    __repr__ = __str__


_Judged = tuple[str, str, State]  # expected, got and state of an outcome


def judged(expectation: Expectation, name: str, view: ProfileView) -> Iterator[Outcome]:
    """Yield an outcome for each clause of an expectation of the feature `name`."""
    outcome: Callable[..., Outcome] = partial(Outcome, expectation.name, expectation.severity, name)
    column = view[name]
    for scalar, limits in expectation.limits.items():
        for key in limits:
            expected, got, state, *compared = _within(column, scalar, limits, key)
            low, high, _ = ((), (), ()) if state == "holds" else view.exemplars(name)
            worst = low if key in _LOWER else high
            if scalar in VALUES:
                worst = [x for x in worst if not _IS_WITHIN[key](x.value or 0.0, limits[key])]
            yield outcome(expected, got, state, tuple(worst)[:_SHOWN], *compared)
    for clause, judge in _CLAUSES.items():
        if getattr(expectation, clause) is not None:
            yield outcome(*judge(column, expectation))


def _within(
    column: ColumnView, scalar: str, limits: Mapping[str, float], key: str
) -> tuple[str, str, State, float | None, float | None, float | None]:
    """Judge one limit; return expected, got and state, and the value with its limits."""
    bounds, expected = bounds_of(column, scalar), f"{scalar} {key.replace('_', ' ')} "
    limit, digits = limits[key], _DIGITS
    lower = max((limits[each] for each in limits if each in _LOWER), default=None)
    upper = min((limits[each] for each in limits if each not in _LOWER), default=None)
    if bounds is None:
        expected += number(limit, digits)
        return expected, f"no {scalar}", "cannot be told", None, lower, upper
    low, high = bounds
    worst, best = (low, high) if key in _LOWER else (high, low)
    if is_hue(column, scalar) and list(limits) == ["at_least", "at_most"]:  # an arc
        lower, upper = arc(*limits.values())
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


def _values(column: ColumnView, expectation: Expectation) -> _Judged:
    values, top = expectation.values or (), expectation.top
    items, rest, most = seen_values(column)
    first = items[:top]
    others = [item for item in first if item.value not in values]
    certain, are_all, expected = others, not rest, "none but"
    if top:  # the counts of the most frequent values are upper bounds
        most = max([most, *(item.upper for item in items[top : top + 1])])  # of any other value
        certain = [item for item in others if item.lower > most and not item.is_rounded]
        are_all = bool(first) and all(item.lower > most for item in first)
        expected = f"the {top} most frequent among"
    state: State = "cannot be told" if others or not are_all else "holds"
    got = _listed(item.value for item in others) if others else "no other"
    return f"{expected} {_listed(values)}", got, "fails" if certain else state


def _contains(column: ColumnView, expectation: Expectation) -> _Judged:
    values = expectation.contains or ()
    items, rest, _ = seen_values(column)
    missing = set(values).difference(item.value for item in items)
    state: State = "holds" if not missing else "cannot be told" if rest else "fails"
    return f"all of {_listed(values)}", f"no {_listed(missing)}" if missing else "all", state


def _type(column: ColumnView, expectation: Expectation) -> _Judged:
    kind, share, types = str(expectation.type), expectation.share, column.types
    hits = getattr(types, kind) + (types.integer if kind == "number" else 0)
    values = column.n - column.missing
    expected = f"type {kind}" + (f" of {percent(share)}" if share < 1 else "")
    if not values:
        return expected, "no values", "cannot be told"
    return expected, percent(hits / values), "holds" if hits >= share * values else "fails"


_CLAUSES = {"values": _values, "contains": _contains, "type": _type}


def _listed(values: Iterable[Value]) -> str:
    ordered = sorted(values, key=lambda value: (isinstance(value, str), value))
    shown = [shorten(repr(value), 40) for value in ordered]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
