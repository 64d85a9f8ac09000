"""Whether a sentence about a change is true of the values themselves, computed apart from it."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_PERCENT = r"([<>]?[\d.,]+(?:e-?\d+)?) %"
_NUMBER = r"(-?[\d.,]+(?:e-?\d+)?)"
_SAMPLED = 0.006  # of the values: what the ranks of both sketches are off by at most


def is_true(words: str, name: str, target: Sequence[Any], reference: Sequence[Any]) -> bool:
    """Whether the direction and every number of the words follow from the values.

    Args:
        words: those of one feature.
        name: what they call it.
        target: its values, None or NaN where one is missing; hues in degrees for `is_true_of_hue`.
        reference: the same.
    """
    plain = words.replace("\N{MINUS SIGN}", "-")
    for pattern, check in _PATTERNS:
        match = re.fullmatch(pattern.replace("NAME", re.escape(name)), plain)
        if match is not None:
            return check(match, target, reference)
    raise AssertionError(f"nobody knows what this says: {words}")


def _is_percent(text: str, share: float, slack: float = 0.0) -> bool:
    """Whether a share is what the text says, as far as its digits go."""
    if text[0] in "<>":
        limit = float(text[1:]) / 100
        return share < limit + slack if text[0] == "<" else share > limit - slack
    return abs(float(text.replace(",", "")) / 100 - share) <= _half_a_digit(text) / 100 + slack


def _half_a_digit(text: str) -> float:
    digits, _, power = text.replace(",", "").partition("e")
    places = len(digits.partition(".")[2])
    return 0.5001 * 10.0 ** (int(power or 0) - places)


def _is_number(text: str, value: float, digits: int) -> bool:
    """Whether a number is what the text says to so many digits."""
    said = float(text.replace(",", ""))
    return abs(said - value) <= max(_half_a_digit(text), abs(value) * 0.51 * 10.0 ** (1 - digits))


def _slack(values: Sequence[Any]) -> float:
    return _SAMPLED if len(values) > 1024 else 0.0


def _favours(verb: str, target: Values, reference: Values) -> bool:
    """Whether values of the target are mostly larger, if they rose; by Mann and Whitney's count."""
    order = np.sort(reference)
    below = np.searchsorted(order, target, "left").mean()
    up_to = np.searchsorted(order, target, "right").mean()
    larger = (below + up_to) / 2 / len(order) - 0.5
    slack = _slack(target) + _slack(reference)
    return bool(larger >= -slack if verb == "rose" else larger <= slack)


def _numbers(*sides: Sequence[Any]) -> list[Values]:
    columns = [np.asarray([np.nan if x is None else x for x in side], float) for side in sides]
    return [side[np.isfinite(side)] for side in columns]


def _moved_by(match: re.Match[str], target: Sequence[Any], reference: Sequence[Any]) -> bool:
    after, before = (side.mean() for side in _numbers(target, reference))
    return (
        (after > before) == (match[1] == "rose")
        and before > 0
        and _is_percent(match[2], abs(after / before - 1))
        and _favours(match[1], *_numbers(target, reference))
    )


def _from_to(match: re.Match[str], target: Sequence[Any], reference: Sequence[Any]) -> bool:
    verb, said_before, said_after = match.groups()
    after, before = (side.mean() for side in _numbers(target, reference))
    return (
        (after > before) == (verb == "rose")
        and _is_number(said_before, before, 2)
        and _is_number(said_after, after, 2)
        and _favours(verb, *_numbers(target, reference))
    )


def _varies(match: re.Match[str], target: Sequence[Any], reference: Sequence[Any]) -> bool:
    after, before = (side.std(ddof=1) for side in _numbers(target, reference))
    wide, narrow = (
        np.ptp(np.quantile(side, [0.1, 0.9], method="inverted_cdf"))
        for side in _numbers(target, reference)
    )
    return _is_number(match[1], after / before, 2) and (wide > narrow) == (after > before)


def _part(match: re.Match[str], target: Sequence[Any], reference: Sequence[Any]) -> bool:
    which, edge, said_after, said_count, said_before = match.groups()
    after, before = _numbers(target, reference)
    limit = float(edge.replace(",", ""))
    if which == "low":
        after, before, limit = -after, -before, -limit
    slack = _slack(after) + _slack(before)
    if (before > limit + 0.001 * abs(limit)).mean() > 0.01 + slack:
        return False

    def shares(side: Values) -> tuple[float, float]:
        """Count one by one those that exceed 99 % of the reference."""
        exceeded = np.searchsorted(np.sort(before), side, "left") / len(before)
        most, least = (exceeded >= 0.99 - slack).mean(), (exceeded >= 0.99 + slack).mean()
        return (most + least) / 2, (most - least) / 2 + slack

    share, half = shares(after)
    if said_count:
        return bool(said_count == f"{round(share * len(after))} of {len(after)}")
    return _is_percent(said_after, share, half) and _is_percent(said_before, *shares(before))


def _extreme(match: re.Match[str], target: Sequence[Any], reference: Sequence[Any]) -> bool:
    now, n, end, was = match.groups()
    sign = 1 if end == "most" else -1
    after, before = (sign * side for side in _numbers(target, reference))
    far, edge = after.max(), before.max()
    return (
        far - edge > np.ptp(before)
        and _is_number(now, sign * far, 2)
        and _is_number(was, sign * edge, 2)
        and int(n.replace(",", "")) == len(after)
    )


def _is_value(match: re.Match[str], target: Sequence[Any], reference: Sequence[Any]) -> bool:
    """Of the value that is nearest to the digits."""
    text, said_after, said_before = match.groups()
    sides = _numbers(target, reference)
    pool = np.concatenate(sides)
    digits = 1.01 * _half_a_digit(text) if set(text) & {".", "e"} else 1e-9
    near = pool[np.abs(pool - float(text.replace(",", ""))) <= digits]
    values, counts = np.unique(near, return_counts=True)
    if not len(values):
        return False
    after, before = ((np.abs(side - values[counts.argmax()]) <= 1e-9).mean() for side in sides)
    slack = 2 * max(_slack(target), _slack(reference))
    return _is_percent(said_after, after, slack) and _is_percent(said_before, before, slack)


def _share(side: Sequence[Any], value: str) -> float:
    texts = [x for x in side if x is not None]
    return sum(x == value for x in texts) / len(texts)


def _category(match: re.Match[str], target: Sequence[Any], reference: Sequence[Any]) -> bool:
    value, verb, said_before, said_after, rest = match.groups()
    after, before = _share(target, value), _share(reference, value)
    said = _is_about(said_before, before) and _is_about(said_after, after)
    new, gone = set(target) - set(reference), set(reference) - set(target)
    for word, only in (("new value", new), ("gone", gone)):
        if counted := re.search(rf", (at least )?(\d+) (?:values? )?{word}", rest):
            others = len(only - {value, None})
            said &= others >= int(counted[2]) if counted[1] else others == int(counted[2])
    return said and (after > before) == (verb == "rose")


def _is_about(text: str, share: float) -> bool:
    most = text.startswith("at most ")
    number = text.removeprefix("at most ").removeprefix("about ").removesuffix(" %")
    return share * 100 <= 1.05 * float(number) if most else _is_percent(number, share, 0.002)


def _differs(match: re.Match[str], target: Sequence[Any], reference: Sequence[Any]) -> bool:
    return sorted(map(str, target)) != sorted(map(str, reference))


def _resultant(degrees: Values) -> complex:
    return complex(np.exp(1j * np.radians(degrees)).mean())


def _kuiper(one: Values, other: Values) -> float:
    edges = np.unique(np.concatenate((one, other)))
    gaps = [(one <= edge).mean() - (other <= edge).mean() for edge in edges]
    return float(max(0.0, *gaps) - min(0.0, *gaps))


def _in_degrees(*sides: Sequence[Any]) -> list[Values]:
    return [side % 255 * 360 / 255 for side in _numbers(*sides)]


def _turned(match: re.Match[str], target: Sequence[Any], reference: Sequence[Any]) -> bool:
    said = float(match[1])
    after, before = _in_degrees(target, reference)
    between = np.degrees(np.angle(_resultant(after) / _resultant(before)))
    left = _kuiper((after - said) % 360, before)
    return bool(
        min(abs(_resultant(after)), abs(_resultant(before))) >= 0.5
        and abs((between - said + 180) % 360 - 180) <= 15
        and left <= 0.67 * _kuiper(after, before)
    )


Check = Callable[[re.Match[str], Sequence[Any], Sequence[Any]], bool]
_VERB = "(rose|fell)"
_PATTERNS: list[tuple[str, Check]] = [
    (rf"NAME {_VERB} by {_PERCENT}(?: on average)?", _moved_by),
    (rf"NAME {_VERB} from {_NUMBER} to {_NUMBER}(?: on average)?", _from_to),
    (rf"NAME varies {_NUMBER} times as much between values as before", _varies),
    (
        rf"NAME is unusually (high|low) \((?:over|under) {_NUMBER}\) in (?:{_PERCENT} of|"
        rf"(\d+ of \d+)) values \({_PERCENT} of the reference values\)",
        _part,
    ),
    (
        rf"NAME is {_NUMBER} in at least one of ([\d,]+) values "
        rf"\(at (most|least) {_NUMBER} in the reference\)",
        _extreme,
    ),
    (rf"NAME is {_NUMBER} in {_PERCENT} instead of {_PERCENT} of values", _is_value),
    (
        rf"NAME '([^']+)' {_VERB} from ((?:about |at most )?[<>]?[\d.]+ %) to "
        r"((?:about |at most )?[<>]?[\d.]+ %)(.*)",
        _category,
    ),
    (r"NAME is distributed differently", _differs),
    (r"NAME turned by ([+-]\d+) degrees?", _turned),
]
