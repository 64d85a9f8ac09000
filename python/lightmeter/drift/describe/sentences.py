"""How one feature changed, in words: "saturation fell by 38 %"."""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.drift.row import RATES, FeatureDrift
from lightmeter.drift.verdict import MOST_MOVED, Thresholds
from lightmeter.text import MOST_DIGITS, counted, number, percent, shorten
from lightmeter.times import day

STEPS = 255.0  # around the circle of hues
Array = NDArray[np.float64]

_SURE = 2.0  # standard errors; a smaller change of the mean may be chance
_LONGEST = 60  # characters of a value


def describe(row: FeatureDrift, by: Thresholds) -> str:
    """Return how a feature changed, such as ``entropy rose by 9 %``.

    Args:
        row: of the feature.
        by: what judged it.
    """
    if row.kind in RATES:
        return f"{_rate(row)} went from {_shares(*row.levels)}"
    ways = {"category": _category, "vector": _vectors, "hue": _hue}
    return ways[row.kind](row) if row.kind in ways else _number(row, by)


def is_sure(row: FeatureDrift) -> bool:
    """Return whether a change of the mean is more than chance."""
    before, after = row.levels
    own = (row.stddev_target or 0.0) / math.sqrt(row.n_target)
    other = (row.stddev_reference or 0.0) / math.sqrt(row.n_reference)
    return abs(after - before) > _SURE * math.hypot(own, other)


def _rate(row: FeatureDrift) -> str:
    if row.kind != "failure":
        return f"{'missing' if row.kind == 'missing' else 'text or infinite values in'} {row.name}"
    if row.name.endswith(" Error"):
        return f"errors of {row.name.removesuffix(' Error')}"
    return f"{row.name.removesuffix('Failure')}files that cannot be measured"


def _verb(before: float, after: float) -> str:
    return "rose" if after > before else "fell"


def _amounts(before: float, after: float, unit: str = "") -> str:
    """Such as 0.33 to 0.41, with digits enough to tell both apart."""
    digits = 3
    while number(before, digits) == number(after, digits) and digits < MOST_DIGITS:
        digits += 1
    return f"{number(before, digits)}{unit} to {number(after, digits)}{unit}"


def _shares(before: float, after: float) -> str:
    was, now = percent(before), percent(after)
    return f"{was} to {now}" if was != now else _amounts(100 * before, 100 * after, " %")


def _differs(row: FeatureDrift) -> str:
    return f"{row.name} is distributed differently"


# --- categories, vectors, hues ----------------------------------------------------------------


def _category(row: FeatureDrift) -> str:
    """Such as ``Model 'iPhone 12' fell from 50 % to 15 %, 2 new values``.

    What is no text is one value, None. A side of very many values does not list them all, so
    shares are known between ends.
    """
    assert row.sides is not None
    known: list[dict[str | None, tuple[float, float]]] = []
    others = []
    for view, n in zip(row.sides, (row.n_target, row.n_reference), strict=True):
        texts = strings_of(view._core, row.feature)
        known.append({text: (low / n, high / n) for text, low, high in texts.items()})
        if texts.n < n:
            known[-1][None] = (1 - texts.n / n,) * 2
        others.append((0.0, texts.floor / n))
    after, before = known

    def apart(value: str | None) -> tuple[float, ...]:
        """The least that its share can have changed by, below 0 where it may not; the shares."""
        (low, high), (least, most) = after.get(value, others[0]), before.get(value, others[1])
        return max(low - most, least - high), least, most, low, high

    first = max(after | before, key=lambda value: apart(value)[0])
    by, least, most, low, high = apart(first)
    if by <= 0:
        return _differs(row)
    value = "numbers" if first is None else f"'{shorten(first, _LONGEST)}'"
    is_exact = least == most and low == high
    shares = _shares(least, low) if is_exact else f"{_about(least, most)} to {_about(low, high)}"
    words = f"{row.name} {value} {_verb(least, high)} from {shares}"
    if any(floor for _, floor in others):
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
    most = f"at most {number(100 * high, 2)} %"
    return most if low == 0 else f"about {percent((low + high) / 2)}"


def _vectors(row: FeatureDrift) -> str:
    """How far the mean of vectors moved: of the numbers of images all at once."""
    share = (1 + (row.effect or 0.0)) / 2  # 1 is as near to it as a float comes
    spreads = number(2 * NormalDist().inv_cdf(share), 2) if share < 1 else "more than 16"
    together = " together" if row.family == "image" else ""
    unit = f"standard deviation{'' if spreads == '1' else 's'}"
    return f"{row.name} moved{together} by {spreads} {unit}"


_GATHERED = 0.5  # a resultant length, from which on hues have a direction to speak of
_LEFT = 0.6  # of Kuiper's V, which a rotation may leave that explains the rest


def _hue(row: FeatureDrift) -> str:
    """Such as ``hue turned by +19 degrees``, where a rotation explains what changed."""
    (hues, shares), (old_hues, old_shares) = _values(row)
    own = complex(np.exp(hues * (2j * np.pi / STEPS)) @ shares)
    other = complex(np.exp(old_hues * (2j * np.pi / STEPS)) @ old_shares)
    turned = float(np.angle(own * other.conjugate())) * STEPS / (2 * math.pi)
    degrees = round(turned * 360 / STEPS)
    if degrees and min(abs(own), abs(other)) >= _GATHERED:
        _, after, before = _pooled((hues - turned) % STEPS, shares, old_hues % STEPS, old_shares)
        ahead = np.cumsum(after - before)
        if max(ahead.max(), 0.0) - min(ahead.min(), 0.0) <= _LEFT * (row.ks or 0.0):  # Kuiper's V
            sign = "\N{MINUS SIGN}" if degrees < 0 else "+"
            return f"{row.name} turned by {sign}{counted(abs(degrees), 'degree')}"
    return _differs(row)


# --- numbers ----------------------------------------------------------------------------------

# Distinct whole numbers up to which shares say more than a mean. Those of files are often codes.
_FEW = 3
_FEW_CODES = 10
_ALL_IN_TAIL = 0.6  # of D: if a tail has so much of it, the rest stayed as it was
_ALL_IN_VALUE = 0.8  # of D
_EDGE = 0.99  # of the reference, beyond which its tail begins
_ROUNDING = 1e-9
_MIDDLES = np.array((0.1, 0.25, 0.75, 0.9)) - _ROUNDING  # ends of eight tenths and of a half


def _values(row: FeatureDrift) -> list[tuple[Array, Array]]:
    """The distinct values of the target and of the reference, and the share of each."""
    assert row.sides is not None
    sides = [_core.numbers_of(view._core, row.feature).weights() for view in row.sides]
    return [(values, counts / counts.sum()) for values, counts in sides]


def _pooled(
    values: Array, shares: Array, old_values: Array, old_shares: Array
) -> tuple[Array, Array, Array]:
    """All values in order, and the share of each on either side."""
    pool, places = np.unique(np.concatenate((values, old_values)), return_inverse=True)
    of_target, of_reference = np.split(places, [len(values)])
    after, before = np.zeros((2, len(pool)))
    np.add.at(after, of_target, shares)
    np.add.at(before, of_reference, old_shares)
    return pool, after, before


def _number(row: FeatureDrift, by: Thresholds) -> str:
    """Such as ``entropy rose by 9 %``: the level, the spread, a part of the values, or one."""
    is_constant = row.stddev_target == row.stddev_reference == 0
    if row.sides is None or is_constant or row.role == "date":
        return _moved(row, is_amount=not is_constant)
    target, reference = _values(row)
    pool, after, before = _pooled(*target, *reference)
    gains, d = np.abs(after - before), row.ks or 0.0
    # Of two values that swap, the greater is said: it is the "yes" of a question.
    at = int(np.flatnonzero(gains >= gains.max() - _ROUNDING)[-1])
    was, now = _shares(before[at], after[at]).split(" to ")
    digits = 6 if pool[at] % 1 else MOST_DIGITS
    value = f"{number(pool[at], digits)}{' %' if row.scale == 'percent' else ''}"
    value = f"{_subject(row)} is {value} in {now} of {_what(row)} instead of {was}"
    few = _FEW_CODES if row.group in ("Exif", "file") else _FEW
    if len(pool) <= few and bool((pool == np.rint(pool)).all()):
        return value
    if gains[at] < max(by.effect, _ALL_IN_VALUE * d):
        value = ""
    elif max(before[at], after[at]) < 1:
        return value
    up_to = np.cumsum(before)  # of the reference; with equal values
    under = up_to - before
    lead = (row.tail_above or 0.0) - (row.tail_below or 0.0)
    # Of a change of some pictures only: how many lie beyond almost all of the reference.
    if d < MOST_MOVED and abs(lead) >= max(by.tail, _ALL_IN_TAIL * d):
        beyond = under if lead > 0 else 1 - up_to
        some = f"{percent(float(after @ (beyond >= _EDGE - _ROUNDING)))} of {_what(row)} have"
        how = (("less", "more") if row.scale == "percent" else ("lower", "higher"))[lead > 0]
        return f"{some} {how} {row.name} than 99 % of the reference"
    is_amount = pool[0] >= 0
    level = spread = ""
    moved = row.levels[1] - row.levels[0]
    larger = float(after @ (under + up_to)) - 1  # Mann and Whitney's count
    if math.isfinite(moved) and moved * larger > 0 and is_sure(row):
        level = _moved(row, is_amount=row.scale is not None or is_amount)
    wide = _log_spread(row, pool, after, before, is_amount=is_amount)
    if wide >= by.spread / 2:
        times = (row.stddev_target or 0.0) / (row.stddev_reference or 1.0)
        spread = f"{_subject(row)} varies {number(times, 2)} times as much"
    # Of a shift and a change of the spread what is larger in units of its least size.
    is_shift = row.effect_name == "shift" or d >= MOST_MOVED or d * by.spread >= wide * by.effect
    return (level or spread if is_shift else spread or level) or value or _differs(row)


def _subject(row: FeatureDrift) -> str:
    """Of a verb in the singular, as shares have names in the plural, such as bright pixels."""
    return f"the share of {row.name}" if row.scale == "percent" else row.name


def _what(row: FeatureDrift) -> str:
    """What values of the row are counted in."""
    return "values" if row.group == "values" else "images"


def _moved(row: FeatureDrift, *, is_amount: bool) -> str:
    """How the mean moved: relative between positive amounts; of others that says little."""
    before, after = row.levels
    if row.role == "date":
        return f"{row.name} went from {day(before)} to {day(after)}"
    verb = f"{row.name} {_verb(before, after)}"
    if row.scale == "percent":
        return f"{verb} from {_shares(before / 100, after / 100)}"
    if row.scale == "share" or not is_amount or before <= 0 or not 0 <= after <= 10 * before:
        return f"{verb} from {_amounts(before, after)}"
    return f"{verb} by {percent(abs(after / before - 1))}"


def _log_spread(
    row: FeatureDrift, pool: Array, after: Array, before: Array, *, is_amount: bool
) -> float:
    """The logarithm of how many times as widely, or narrowly, the values spread.

    It is what all signs agree on: the standard deviation, the widths of the middle half and eight
    tenths, and of positive amounts the standard deviation in units of the mean.
    """
    ends = [pool[np.searchsorted(np.cumsum(side), _MIDDLES)] for side in (after, before)]
    own, other = ((each[::-1] - each)[:2] for each in ends)
    if row.spread is None or min(*own, *other) <= 0:
        return 0.0
    signs: list[float] = [row.spread, *(np.log(own) - np.log(other)).tolist()]
    if is_amount and row.level_target and row.level_reference:
        signs.append(row.spread - math.log(row.level_target / row.level_reference))
    return max(0.0, min(signs), -max(signs))
