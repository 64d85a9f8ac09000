"""How one feature changed, in words: "saturation fell by 38 %"."""

import math

from lightmeter.drift.describe.shape import (
    STEPS,
    End,
    Numbers,
    Shape,
    numbers_of_both,
    shape_of,
    string_changes,
    turn_of,
)
from lightmeter.drift.row import FeatureDrift
from lightmeter.drift.vectors import spreads_apart
from lightmeter.drift.verdict import DEFAULT_THRESHOLDS, MOST_MOVED, Thresholds
from lightmeter.image.numbers import Scale
from lightmeter.text import MOST_DIGITS, counted, number, percent, shorten
from lightmeter.times import day

_SURE = 2.0  # standard errors; a smaller change of the mean may be chance


def finding(line: FeatureDrift, by: Thresholds = DEFAULT_THRESHOLDS) -> str:
    """How a feature changed, such as ``entropy rose by 9 %``.

    Those of `compare_views` that changed have their words already.

    Args:
        line: of the feature.
        by: what judged it.
    """
    if line.words:
        return line.words
    rates = "went " + _from_to(*_shares(line.level_reference or 0.0, line.level_target or 0.0))
    match line.kind:
        case "failure" if line.name.endswith(" Error"):
            return f"errors of {line.name.removesuffix(' Error')} {rates}"
        case "failure":
            return f"{line.name.removesuffix('Failure')}files that cannot be measured {rates}"
        case "missing":
            return f"missing {line.name} {rates}"
        case "not a number":
            return f"text or infinite values in {line.name} {rates}"
        case "category":
            return _category(line)
        case "vector":
            return _vectors(line)
        case "hue":
            return _hue(line)
        case _:
            return _number(line, by)


def is_sure(line: FeatureDrift) -> bool:
    """Whether a change of the mean is more than chance."""
    spreads = line.stddev_target or 0.0, line.stddev_reference or 0.0
    sizes = line.n_target, line.n_reference
    errors = (spread / math.sqrt(n) for spread, n in zip(spreads, sizes, strict=True))
    moved = (line.level_target or 0.0) - (line.level_reference or 0.0)
    return abs(moved) > _SURE * math.hypot(*errors)


# --- amounts and shares -----------------------------------------------------------------------


def _change(before: float, after: float, scale: Scale | None) -> str:
    """Relative between positive amounts; of others, and of shares, that would say little."""
    verb = _verb(before, after)
    if scale == "percent":
        return f"{verb} {_from_to(*_shares(before / 100, after / 100))}"
    if scale == "share" or before <= 0 or after < 0:
        return f"{verb} {_amounts(before, after)}"
    if after > 10 * before:
        return f"{verb} {number(after / before, 3)}-fold"
    by = abs(after / before - 1)
    if after > before and round(by, 2) == 1:  # unlike a fall it may be any
        by = 1.0
    return f"{verb} by {percent(by)}"


def _verb(before: float, after: float) -> str:
    return "rose" if after > before else "fell"


def _amounts(before: float, after: float) -> str:
    """Such as ``from 0.33 to 0.41``, with digits enough to tell both apart."""
    digits = 3
    while number(before, digits) == number(after, digits) and digits < MOST_DIGITS:
        digits += 1
    return _from_to(number(before, digits), number(after, digits))


def _shares(before: float, after: float) -> tuple[str, str]:
    """Such as ``1 %`` and ``9 %``, with digits enough to tell both apart, and from 100 %."""
    texts, digits = (percent(before), percent(after)), 2
    while digits < MOST_DIGITS and (
        texts[0] == texts[1] or ("100 %" in texts and max(before, after) < 1)
    ):
        texts = f"{number(100 * before, digits)} %", f"{number(100 * after, digits)} %"
        digits += 1
    return texts


def _from_to(before: str, after: str) -> str:
    return f"from {before} to {after}"


# --- categories, vectors, hues ----------------------------------------------------------------

_LONGEST = 60  # characters of a value
_NAMED = 0.1  # of the values; where all are new and each is rarer, none is worth a word


def _category(line: FeatureDrift) -> str:
    """Such as ``Model 'iPhone 12' fell from 50 % to 15 %, 2 new values``."""
    changes = string_changes(line)
    first, new, gone = changes[0], sum(c.is_new for c in changes), sum(c.is_gone for c in changes)
    if first.size <= 0:
        return f"the shares of {line.name} changed"
    if first.size < _NAMED and new + gone == len(changes):
        return f"all values of {line.name} are new"
    value = "numbers" if first.value is None else f"'{shorten(first.value, _LONGEST)}'"
    verb = _verb(first.before[0], first.after[1])
    if first.before[0] == first.before[1] and first.after[0] == first.after[1]:
        shares = _from_to(*_shares(first.before[0], first.after[0]))
    else:
        shares = _from_to(_about(*first.before), _about(*first.after))
    # A side of very many values does not list them all.
    least = "at least " * any(low < high for c in changes for low, high in (c.before, c.after))
    new, gone = new - first.is_new, gone - first.is_gone
    others = [f"{least}{counted(new, 'new value')}"] if new else []
    others += [f"{least}{counted(gone, 'value')} gone"] if gone else []
    return ", ".join([f"{line.name} {value} {verb} {shares}", *others])


def _about(low: float, high: float) -> str:
    if low == high:
        return percent(low)
    if low == 0:
        most = percent(high)
        return most if most.startswith("<") else f"at most {most}"
    return f"about {percent((low + high) / 2)}"


def _vectors(line: FeatureDrift) -> str:
    """How far the mean of vectors moved: of the numbers of images all at once."""
    spreads = number(spreads_apart(line.effect or 0.0), 2)
    if (line.effect or 0.0) >= 1:  # as near to it as a float comes
        spreads = "more than 16"
    together = " together" if line.family == "image" else ""
    unit = f"standard deviation{'' if spreads == '1' else 's'}"
    return f"{line.name} moved{together} by {spreads} {unit}"


# By steps of 30 degrees from red on.
_COLOURS = (
    *("red", "orange", "yellow", "yellow-green", "green", "turquoise"),
    *("cyan", "sky blue", "blue", "violet", "magenta", "pink"),
)
_GATHERED = 0.5  # a resultant length, from which on hues have a direction to speak of
_EXPLAINED = 1 / 3  # of V, which a rotation may leave that explains the rest
_CHANCE = 1.747  # Kuiper's V times the root of n, which chance exceeds in one case of twenty
_ONE_COLOUR = 0.6  # of V
_STILL = 0.6  # of V; chance or not, a rotation that leaves more explains nothing


def _hue(line: FeatureDrift) -> str:
    """Such as ``hue turned by +19 degrees``, or the colour whose share changed the most."""
    both = numbers_of_both(line)
    assert both is not None
    turn = turn_of(*both)
    degrees = round(turn.steps * 360 / STEPS)
    chance = _CHANCE * math.sqrt(1 / line.n_target + 1 / line.n_reference)
    explained = max(_EXPLAINED * turn.apart, min(chance, _STILL * turn.apart))
    if turn.gathered >= _GATHERED and turn.left <= explained and degrees:
        sign = "\N{MINUS SIGN}" if degrees < 0 else "+"
        return f"{line.name} turned by {sign}{counted(abs(degrees), 'degree')}"
    after, before = map(_by_colour, both)
    changes = {name: after[name] - before[name] for name in _COLOURS}
    most = max(_COLOURS, key=changes.__getitem__)
    if changes[most] < _ONE_COLOUR * turn.apart:
        most = max(_COLOURS, key=lambda name: abs(changes[name]))
    if percent(after[most]) == percent(before[most]):
        return f"{line.name} changed within the same colours"
    shares = _from_to(*_shares(before[most], after[most]))
    return f"{line.name}: {most} {_verb(before[most], after[most])} {shares}"


def _by_colour(side: Numbers) -> dict[str, float]:
    """The share of each colour."""
    shares = dict.fromkeys(_COLOURS, 0.0)
    for value, times in zip(side.values.tolist(), side.counts.tolist(), strict=True):
        shares[_COLOURS[round(value * len(_COLOURS) / STEPS) % len(_COLOURS)]] += times / side.n
    return shares


# --- numbers ----------------------------------------------------------------------------------

# Distinct whole numbers up to which shares say more than a mean. Those of files are often codes.
_FEW = 3
_FEW_CODES = 10
_MOST_IN_TAIL = 0.5  # of the target; if more than half of it changed, the level did
# A tail is what happened if it is this share of the largest change of any share, and if the rest
# stays as it was. Of 500 normal, exponential or lognormal values a side that move as a whole, less
# than 1 sentence in 100 speaks of a tail; where a tenth to a third of them moves by 3 standard
# deviations or more, 3 in 5 or more do.
_ALL_IN_TAIL = 0.6
_ALL_IN_VALUE = 0.8  # of the largest change of any share
_OTHER_END = 1 / 3  # of the tail; of a wider distribution both ends are about the same
_ALIKE = 0.5, 2.0  # a mean that moves so many times as much as the bulk is moved by outliers


def _number(line: FeatureDrift, by: Thresholds) -> str:
    """Such as ``entropy rose by 9 %``: the level, the spread, a part of the values, or one."""
    both = numbers_of_both(line)
    if both is None or line.stddev_target == line.stddev_reference == 0 or line.role == "date":
        return _moved(line, None)
    distinct = {*both[0].values.tolist(), *both[1].values.tolist()}
    most = _FEW_CODES if line.group in ("Exif", "file") else _FEW
    if len(distinct) <= most and all(value == round(value) for value in distinct):
        changes = {value: abs(_difference(value, *both)) for value in distinct}
        # Of two values that swap, the greater is said: it is the "yes" of a question.
        largest = max(changes.values()) - 1e-9
        return _value(line, max(v for v in distinct if changes[v] >= largest), *both)
    shape = shape_of(*both)
    value = None
    if abs(_difference(shape.value, *both)) >= max(by.effect, _ALL_IN_VALUE * shape.most):
        value = _value(line, shape.value, *both)
    is_all = max(side.share_of(shape.value) for side in both) == 1
    return (
        (None if is_all else value)
        or _part(line, shape, by)
        or _moved_or_wider(line, shape, by)
        or value
        or f"{line.name} is distributed differently"
    )


def _difference(value: float, target: Numbers, reference: Numbers) -> float:
    return target.share_of(value) - reference.share_of(value)


def _value(line: FeatureDrift, value: float, target: Numbers, reference: Numbers) -> str:
    """How the share of one number changed."""
    before, after = _shares(reference.share_of(value), target.share_of(value))
    shares = f"in {after} of {_what(line)} instead of {before}"
    if line.scale == "percent" and not value:
        return f"no {line.name} {shares}"
    digits = 6 if value != round(value) else MOST_DIGITS
    unit = " %" if line.scale == "percent" else ""
    return f"{_subject(line)} is {number(value, digits)}{unit} {shares}"


def _subject(line: FeatureDrift) -> str:
    """Of a verb in the singular, as shares have names in the plural, such as bright pixels."""
    return f"the share of {line.name}" if line.scale == "percent" else line.name


def _what(line: FeatureDrift) -> str:
    """What values of the line are counted in."""
    return "values" if line.group == "values" else "images"


def _moved(line: FeatureDrift, shape: Shape | None) -> str:
    before, after = line.level_reference or 0.0, line.level_target or 0.0
    if line.role == "date":
        return f"{line.name} went {_from_to(day(before), day(after))}"
    is_constant = line.stddev_target == line.stddev_reference == 0
    # Where 0 lies amid the values there is no amount to take a share of.
    is_amid = shape is not None and shape.least < 0 and before < shape.widths[0][1] / 4
    if (is_constant and line.scale in (None, "length")) or (is_amid and line.scale is None):
        return f"{line.name} {_verb(before, after)} {_amounts(before, after)}"
    return f"{line.name} {_change(before, after, line.scale)}"


def _part(line: FeatureDrift, shape: Shape, by: Thresholds) -> str | None:
    """Of a change of some pictures only: how many lie beyond almost all of the reference."""

    def is_all(end: End, other: End, most: float) -> bool:
        return (
            end.tail >= max(by.tail, _ALL_IN_TAIL * most)
            and end.share <= _MOST_IN_TAIL
            and other.tail <= _OTHER_END * end.tail
            and end.rest <= max(by.effect, end.chance)
        )

    more, less = ("more", "less") if line.scale == "percent" else ("higher", "lower")
    if is_all(shape.above, shape.below, shape.more):
        share, how = shape.above.share, more
    elif is_all(shape.below, shape.above, shape.less):
        share, how = shape.below.share, less
    else:
        return None
    return f"{percent(share)} of {_what(line)} have {how} {line.name} than 99 % of the reference"


def _moved_or_wider(line: FeatureDrift, shape: Shape, by: Thresholds) -> str | None:
    """Of a shift and a change of the spread what is larger in units of its least size.

    It is the shift if the verdict rests on that. The change of the share above some threshold less
    that of the share below is 0 of a distribution that only widens, and D of one that only moves.
    """
    wide = _log_spread(line, shape)
    level = _moved(line, shape) if _is_level(line, shape, by) else None
    spread = None
    if wide and abs(wide) >= by.spread / 2:
        times = (line.stddev_target or 0.0) / (line.stddev_reference or 1.0)
        spread = f"{_subject(line)} varies {number(times, 2)} times as much"
    shift = abs(shape.more - shape.less)
    is_shift = line.effect_name == "shift" or shift >= MOST_MOVED
    if is_shift or shift * by.spread >= abs(wide) * by.effect:
        return level or spread
    return spread or level


def _is_level(line: FeatureDrift, shape: Shape, by: Thresholds) -> bool:
    """Whether the mean changed by no chance, and the bulk of the values with it."""
    moved = (line.level_target or 0.0) - (line.level_reference or 0.0)
    bulk = shape.trimmed[0] - shape.trimmed[1]
    if not math.isfinite(moved) or not moved or not bulk or not is_sure(line):
        return False
    towards = math.copysign(1.0, moved) * (shape.more - shape.less)
    is_seen = towards >= by.effect / 2 and moved * (shape.larger - 0.5) > 0
    return is_seen and _ALIKE[0] <= moved / bulk <= _ALIKE[1]


def _log_spread(line: FeatureDrift, shape: Shape) -> float:
    """The logarithm of how many times as widely the values spread: what all signs of it agree on.

    These are the standard deviation, the widths of the middle half to nine tenths, and of positive
    amounts the standard deviation in units of the mean.
    """
    if line.spread is None or min(map(min, shape.widths)) <= 0:
        return 0.0
    signs = [line.spread]
    signs += [math.log(after) - math.log(before) for after, before in shape.widths]
    if shape.least >= 0 and line.level_target and line.level_reference:
        signs.append(line.spread - math.log(line.level_target / line.level_reference))
    if min(signs) > 0:
        return min(signs)
    return max(signs) if max(signs) < 0 else 0.0
