"""How one feature changed, in words: "saturation fell by 38 %"."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.drift.row import RATES, FeatureDrift
from lightmeter.drift.vectors import spreads_apart
from lightmeter.drift.verdict import DEFAULT_THRESHOLDS, MOST_MOVED, Thresholds
from lightmeter.text import MOST_DIGITS, counted, number, percent, shorten
from lightmeter.times import day

STEPS = 255.0  # around the circle of hues
Array = NDArray[np.float64]

_SURE = 2.0  # standard errors; a smaller change of the mean may be chance
_LONGEST = 60  # characters of a value


def finding(line: FeatureDrift, by: Thresholds = DEFAULT_THRESHOLDS) -> str:
    """Return how a feature changed, such as ``entropy rose by 9 %``.

    Those of `compare_views` that changed have their words already.

    Args:
        line: of the feature.
        by: what judged it.
    """
    if line.words:
        return line.words
    if line.kind in RATES:
        shares = _shares(line.level_reference or 0.0, line.level_target or 0.0)
        return f"{_rate(line)} went from {' to '.join(shares)}"
    match line.kind:
        case "category":
            return _category(line)
        case "vector":
            return _vectors(line)
        case "hue":
            return _hue(line)
        case _:
            return _number(line, by)


def is_sure(line: FeatureDrift) -> bool:
    """Return whether a change of the mean is more than chance."""
    spreads = line.stddev_target or 0.0, line.stddev_reference or 0.0
    sizes = line.n_target, line.n_reference
    errors = (spread / math.sqrt(n) for spread, n in zip(spreads, sizes, strict=True))
    moved = (line.level_target or 0.0) - (line.level_reference or 0.0)
    return abs(moved) > _SURE * math.hypot(*errors)


def _rate(line: FeatureDrift) -> str:
    if line.kind == "failure" and line.name.endswith(" Error"):
        return f"errors of {line.name.removesuffix(' Error')}"
    if line.kind == "failure":
        return f"{line.name.removesuffix('Failure')}files that cannot be measured"
    return f"{'missing' if line.kind == 'missing' else 'text or infinite values in'} {line.name}"


def _verb(before: float, after: float) -> str:
    return "rose" if after > before else "fell"


def _amounts(before: float, after: float, unit: str = "") -> tuple[str, str]:
    """Such as 0.33 and 0.41, with digits enough to tell both apart."""
    digits = 3
    while number(before, digits) == number(after, digits) and digits < MOST_DIGITS:
        digits += 1
    return f"{number(before, digits)}{unit}", f"{number(after, digits)}{unit}"


def _shares(before: float, after: float) -> tuple[str, str]:
    texts = percent(before), percent(after)
    return texts if texts[0] != texts[1] else _amounts(100 * before, 100 * after, " %")


# --- categories, vectors, hues ----------------------------------------------------------------


def _category(line: FeatureDrift) -> str:
    """Such as ``Model 'iPhone 12' fell from 50 % to 15 %, 2 new values``.

    What is no text is one value, None. A side of very many values does not list them all, so
    shares are known between ends.
    """
    assert line.sides is not None
    sides: list[dict[str | None, tuple[float, float]]] = []
    unlisted = []
    for view, n in zip(line.sides, (line.n_target, line.n_reference), strict=True):
        texts = strings_of(view._core, line.feature)
        sides.append({text: (low / n, high / n) for text, low, high in texts.items()})
        if texts.n < n:
            sides[-1][None] = (1 - texts.n / n,) * 2
        unlisted.append((0.0, texts.floor / n))
    after, before = sides

    def ends(value: str | None) -> tuple[tuple[float, float], tuple[float, float]]:
        return before.get(value, unlisted[1]), after.get(value, unlisted[0])

    def size(value: str | None) -> float:
        """The least that its share can have changed by; below 0 where it may not have changed."""
        (least, most), (low, high) = ends(value)
        return max(low - most, least - high)

    first = max(after | before, key=size)
    old, now = ends(first)
    if size(first) <= 0:
        return f"{line.name} is distributed differently"
    value = "numbers" if first is None else f"'{shorten(first, _LONGEST)}'"
    shares = _about(*old), _about(*now)
    if old[0] == old[1] and now[0] == now[1]:
        shares = _shares(old[0], now[0])
    words = f"{line.name} {value} {_verb(old[0], now[1])} from {' to '.join(shares)}"
    if any(floor for _, floor in unlisted):
        return words
    new, gone = len(after.keys() - before - {first}), len(before.keys() - after - {first})
    words += f", {counted(new, 'new value')}" if new else ""
    return f"{words}, {counted(gone, 'value')} gone" if gone else words


def strings_of(core: _core.Profile, feature: str) -> _core.FrequentStrings:
    """Return the texts of a feature; none where the profile lacks it."""
    return core.strings(feature) if feature in core else _core.FrequentStrings()


def _about(low: float, high: float) -> str:
    if low == high:
        return percent(low)
    return (
        f"at most {number(100 * high, 2)} %" if low == 0 else f"about {percent((low + high) / 2)}"
    )


def _vectors(line: FeatureDrift) -> str:
    """How far the mean of vectors moved: of the numbers of images all at once."""
    spreads = number(spreads_apart(line.effect or 0.0), 2)
    if (line.effect or 0.0) >= 1:  # as near to it as a float comes
        spreads = "more than 16"
    together = " together" if line.family == "image" else ""
    unit = f"standard deviation{'' if spreads == '1' else 's'}"
    return f"{line.name} moved{together} by {spreads} {unit}"


_GATHERED = 0.5  # a resultant length, from which on hues have a direction to speak of
_LEFT = 0.6  # of Kuiper's V, which a rotation may leave that explains the rest


def _hue(line: FeatureDrift) -> str:
    """Such as ``hue turned by +19 degrees``, where a rotation explains what changed."""
    both = target, reference = _numbers_of(line)
    own, other = (
        complex(np.exp(side.values * (2j * np.pi / STEPS)) @ side.shares) for side in both
    )
    turned = float(np.angle(own * other.conjugate())) * STEPS / (2 * math.pi)
    degrees = round(turned * 360 / STEPS)
    is_gathered = min(abs(own), abs(other)) >= _GATHERED
    if degrees and is_gathered and _kuiper(target, reference, turned) <= _LEFT * (line.ks or 0.0):
        sign = "\N{MINUS SIGN}" if degrees < 0 else "+"
        return f"{line.name} turned by {sign}{counted(abs(degrees), 'degree')}"
    return f"{line.name} is distributed differently"


def _kuiper(target: "_Numbers", reference: "_Numbers", steps: float) -> float:
    """V of the target turned back by so many steps."""
    values = np.concatenate(((target.values - steps) % STEPS, reference.values % STEPS))
    ahead = np.cumsum(_differences(values, target, reference)[1])
    return float(max(ahead.max(), 0.0) - min(ahead.min(), 0.0))


# --- numbers ----------------------------------------------------------------------------------

# Distinct whole numbers up to which shares say more than a mean. Those of files are often codes.
_FEW = 3
_FEW_CODES = 10
_ALL_IN_TAIL = 0.6  # of D: if a tail has so much of it, the rest stayed as it was
_ALL_IN_VALUE = 0.8  # of D
_EDGE = 0.99  # of the reference, beyond which its tail begins
_MIDDLES = 0.5, 0.8  # of a side
_ROUNDING = 1e-9


class _Numbers(NamedTuple):
    """The distinct values of one side, and the share of each."""

    values: Array
    shares: Array

    def width(self, share: float) -> float:
        """From the least to the greatest of so many values in the middle."""
        ends = np.array(((1 + share) / 2, (1 - share) / 2)) - _ROUNDING
        high, low = self.values[np.searchsorted(np.cumsum(self.shares), ends)]
        return float(high - low)


def _numbers_of(line: FeatureDrift) -> tuple[_Numbers, _Numbers]:
    assert line.sides is not None
    sides = [_core.numbers_of(view._core, line.feature).weights() for view in line.sides]
    target, reference = (_Numbers(values, counts / counts.sum()) for values, counts in sides)
    return target, reference


def _differences(values: Array, target: _Numbers, reference: _Numbers) -> tuple[Array, Array]:
    """All values in order, and how much larger the share of each is on the target's side."""
    pool, places = np.unique(values, return_inverse=True)
    jumps = np.bincount(places, np.concatenate((target.shares, -reference.shares)))
    return pool, np.asarray(jumps, np.float64)


def _number(line: FeatureDrift, by: Thresholds) -> str:
    """Such as ``entropy rose by 9 %``: the level, the spread, a part of the values, or one."""
    is_constant = line.stddev_target == line.stddev_reference == 0
    if line.sides is None or is_constant or line.role == "date":
        return _moved(line, is_amount=not is_constant)
    target, reference = _numbers_of(line)
    values = np.concatenate((target.values, reference.values))
    pool, changes = _differences(values, target, reference)
    most, d = float(np.abs(changes).max()), line.ks or 0.0
    # Of two values that swap, the greater is said: it is the "yes" of a question.
    value = float(pool[np.abs(changes) >= most - _ROUNDING][-1])
    after, before = (float(side.shares @ (side.values == value)) for side in (target, reference))
    words = _value(line, value, before, after)
    few = _FEW_CODES if line.group in ("Exif", "file") else _FEW
    if len(pool) <= few and bool((pool == np.rint(pool)).all()):
        return words
    if most < max(by.effect, _ALL_IN_VALUE * d):
        words = ""
    # The share of the reference below each value of the target, and with equal values.
    passed = np.concatenate(([0.0], np.cumsum(reference.shares)))
    under, up_to = (
        passed[np.searchsorted(reference.values, target.values, side)] for side in ("left", "right")
    )
    lead = (line.tail_above or 0.0) - (line.tail_below or 0.0)
    tail = ""
    if d < MOST_MOVED and abs(lead) >= max(by.tail, _ALL_IN_TAIL * d):
        beyond = under if lead > 0 else 1 - up_to
        tail = _tail(line, float(target.shares @ (beyond >= _EDGE - _ROUNDING)), is_more=lead > 0)
    larger = float(target.shares @ (under + up_to)) - 1  # Mann and Whitney's count
    return (
        (words if max(before, after) < 1 else "")
        or tail
        or _level_or_spread(line, target, reference, larger, by)
        or words
        or f"{line.name} is distributed differently"
    )


def _value(line: FeatureDrift, value: float, before: float, after: float) -> str:
    """How the share of one number changed."""
    was, now = _shares(before, after)
    digits = 6 if value != round(value) else MOST_DIGITS
    unit = " %" if line.scale == "percent" else ""
    words = f"{_subject(line)} is {number(value, digits)}{unit} in {now} of {_what(line)}"
    return f"{words} instead of {was}"


def _subject(line: FeatureDrift) -> str:
    """Of a verb in the singular, as shares have names in the plural, such as bright pixels."""
    return f"the share of {line.name}" if line.scale == "percent" else line.name


def _what(line: FeatureDrift) -> str:
    """What values of the line are counted in."""
    return "values" if line.group == "values" else "images"


def _moved(line: FeatureDrift, *, is_amount: bool) -> str:
    """How the mean moved: relative between positive amounts; of others that says little."""
    before, after = line.level_reference or 0.0, line.level_target or 0.0
    if line.role == "date":
        return f"{line.name} went from {day(before)} to {day(after)}"
    verb = f"{line.name} {_verb(before, after)}"
    if line.scale == "percent":
        return f"{verb} from {' to '.join(_shares(before / 100, after / 100))}"
    if line.scale == "share" or not is_amount or before <= 0 or not 0 <= after <= 10 * before:
        return f"{verb} from {' to '.join(_amounts(before, after))}"
    return f"{verb} by {percent(abs(after / before - 1))}"


def _tail(line: FeatureDrift, share: float, *, is_more: bool) -> str:
    """Of a change of some pictures only: how many lie beyond almost all of the reference."""
    more, less = ("more", "less") if line.scale == "percent" else ("higher", "lower")
    how = more if is_more else less
    return f"{percent(share)} of {_what(line)} have {how} {line.name} than 99 % of the reference"


def _level_or_spread(
    line: FeatureDrift, target: _Numbers, reference: _Numbers, larger: float, by: Thresholds
) -> str:
    """Of a shift and a change of the spread what is larger in units of its least size."""
    level = spread = ""
    moved = (line.level_target or 0.0) - (line.level_reference or 0.0)
    least = min(target.values[0], reference.values[0])
    if math.isfinite(moved) and moved * larger > 0 and is_sure(line):
        level = _moved(line, is_amount=line.scale is not None or least >= 0)
    wide = _log_spread(line, target, reference, is_amount=least >= 0)
    if abs(wide) >= by.spread / 2:
        times = (line.stddev_target or 0.0) / (line.stddev_reference or 1.0)
        spread = f"{_subject(line)} varies {number(times, 2)} times as much"
    d = line.ks or 0.0
    is_shift = line.effect_name == "shift" or d >= MOST_MOVED
    if is_shift or d * by.spread >= abs(wide) * by.effect:
        return level or spread
    return spread or level


def _log_spread(
    line: FeatureDrift, target: _Numbers, reference: _Numbers, *, is_amount: bool
) -> float:
    """The logarithm of how many times as widely the values spread: what all signs of it agree on.

    These are the standard deviation, the widths of the middle half and eight tenths, and of
    positive amounts the standard deviation in units of the mean.
    """
    widths = [(target.width(share), reference.width(share)) for share in _MIDDLES]
    if line.spread is None or min(map(min, widths)) <= 0:
        return 0.0
    signs = [line.spread, *(math.log(after) - math.log(before) for after, before in widths)]
    if is_amount and line.level_target and line.level_reference:
        signs.append(line.spread - math.log(line.level_target / line.level_reference))
    if min(signs) > 0:
        return min(signs)
    return max(signs) if max(signs) < 0 else 0.0
