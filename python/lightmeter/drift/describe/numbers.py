"""How numbers changed, in words: their level, their spread, or a part of them."""

import math

from lightmeter.drift.describe.amounts import amounts_from_to, change, direction
from lightmeter.drift.describe.categories import few_values_change, is_of_few_values
from lightmeter.drift.describe.comparatives import in_so_many, more_than, subject, unit
from lightmeter.drift.describe.level import mean_moved, times_as_wide
from lightmeter.drift.describe.sides import numbers_of_both
from lightmeter.drift.row import FeatureDrift
from lightmeter.drift.shape import Numbers, Shape, shape_of
from lightmeter.drift.verdict import MOST_MOVED, Thresholds
from lightmeter.text import number

_MOST_IN_TAIL = 0.5  # of the target; if more than half of it changed, the level did
# A tail is what happened if it is this share of the largest change of any share, and if the rest
# stays as it was. Of 500 normal, exponential or lognormal values a side that move as a whole, less
# than 1 sentence in 100 speaks of a tail; where a tenth to a third of them moves by 3 standard
# deviations or more, 3 in 5 or more do.
_ALL_IN_TAIL = 0.6
_ALL_IN_VALUE = 0.8  # of the largest change of any share
_OTHER_END = 1 / 3  # of the tail; of a wider distribution both ends are about the same
_ALIKE = 0.5, 2.0  # a mean that moves so many times as much as the bulk is moved by outliers
_SURE = 2.0  # standard errors; a smaller change of the mean may be chance
_DIGITS = 6  # of one value, to tell it from those that look like it


def number_change(line: FeatureDrift, target: float, reference: float, by: Thresholds) -> str:
    """Such as ``entropy rose by 9 %``.

    Args:
        line: of a number.
        target: its mean.
        reference: that of the reference.
        by: what judged the line.
    """
    both = numbers_of_both(line)
    if line.stddev_target == line.stddev_reference == 0 or both is None:
        return _from_levels(line, target, reference)
    if line.role != "date" and is_of_few_values(line, *both):
        return few_values_change(line, *both)
    shape = shape_of(*both)
    value = _one_value(line, shape, by, *both)
    is_all = max(side.within(shape.value, shape.value) for side in both) == 1
    return (
        (None if is_all else value)
        or _part(line, shape, by)
        or _moved_or_wider(line, shape, by)
        or value
        or _differently(line)
    )


def _differently(line: FeatureDrift) -> str:
    return f"{line.name} is distributed differently"


def _from_levels(line: FeatureDrift, target: float, reference: float) -> str:
    """What mean and standard deviation say alone."""
    if target != reference and mean_moved(line):
        return _moved(line, reference, target, None)
    times = times_as_wide(line)
    if times is None or number(times, 2) == "1":
        return _differently(line)
    return _wider(line, times)


def _moved(line: FeatureDrift, before: float, after: float, shape: Shape | None) -> str:
    name = line.name
    if line.role == "date":
        days = number(abs(after - before), 3)
        unit = "day" if days == "1" else "days"
        return f"{name} is {days} {unit} {'later' if after > before else 'earlier'}"
    if line.stddev_target == line.stddev_reference == 0 and line.scale in (None, "length"):
        return f"{name} {direction(before, after)} {amounts_from_to(before, after, None)}"
    # Where 0 lies amid the values there is no amount to take a share of.
    amid = shape is not None and shape.least < 0 and before < shape.widths[0][1] / 4
    if amid and line.scale is None:
        return f"{name} {direction(before, after)} {amounts_from_to(before, after, None)}"
    return f"{name} {change(before, after, line.scale)}"


def _wider(line: FeatureDrift, times: float) -> str:
    return f"{subject(line)} varies {number(times, 2)} times as much"


def _part(line: FeatureDrift, shape: Shape, by: Thresholds) -> str | None:
    """Of a change of some pictures only: how many lie beyond almost all of the reference."""
    for end, other, most in (
        (shape.above, shape.below, shape.more),
        (shape.below, shape.above, shape.less),
    ):
        if (
            end.tail >= max(by.tail, _ALL_IN_TAIL * most)
            and end.share <= _MOST_IN_TAIL
            and other.tail <= _OTHER_END * end.tail
            and end.rest <= max(by.effect, end.chance)
        ):
            return more_than(line, end.share, is_more=end is shape.above)
    return None


def _moved_or_wider(line: FeatureDrift, shape: Shape, by: Thresholds) -> str | None:
    """Of a shift and a change of the spread what is larger in units of its least size.

    It is the shift if the verdict rests on that. The change of the share above some threshold less
    that of the share below is 0 of a distribution that only widens, and D of one that only moves.
    """
    level, spread = _level(line, shape, by), _spread(line, shape, by)
    shift = abs(shape.more - shape.less)
    is_shift = line.effect_name == "shift" or shift >= MOST_MOVED
    if is_shift or shift * by.spread >= abs(_log_spread(line, shape)) * by.effect:
        return level or spread
    return spread or level


def _level(line: FeatureDrift, shape: Shape, by: Thresholds) -> str | None:
    """Of a change of the mean that is no chance, and that the bulk of the values shares."""
    after, before = line.level_target or 0.0, line.level_reference or 0.0
    moved, bulk = after - before, shape.trimmed[0] - shape.trimmed[1]
    if not math.isfinite(moved) or not moved or not bulk or not _is_sure(line, moved):
        return None
    is_seen = _towards(shape, moved) >= by.effect / 2 and moved * (shape.larger - 0.5) > 0
    if not is_seen or not _ALIKE[0] <= moved / bulk <= _ALIKE[1]:
        return None
    return _moved(line, before, after, shape)


def _towards(shape: Shape, moved: float) -> float:
    """How much more of the values went where the mean did than the other way."""
    return math.copysign(1.0, moved) * (shape.more - shape.less)


def _is_sure(line: FeatureDrift, moved: float) -> bool:
    spreads = line.stddev_target or 0.0, line.stddev_reference or 0.0
    sizes = line.n_target, line.n_reference
    errors = (spread / math.sqrt(n) for spread, n in zip(spreads, sizes, strict=True))
    return abs(moved) > _SURE * math.hypot(*errors)


def _log_spread(line: FeatureDrift, shape: Shape) -> float:
    """The logarithm of how many times as widely the values spread: what all signs of it agree on.

    These are the standard deviation, the widths of the middle half to nine tenths, and of positive
    amounts the standard deviation in units of the mean.
    """
    times = times_as_wide(line)
    if times is None or min(map(min, shape.widths)) <= 0:
        return 0.0
    signs = [math.log(times)]
    signs += [math.log(after) - math.log(before) for after, before in shape.widths]
    if shape.least >= 0 and line.level_target and line.level_reference:
        signs.append(math.log(times) - math.log(line.level_target / line.level_reference))
    if min(signs) > 0:
        return min(signs)
    return max(signs) if max(signs) < 0 else 0.0


def _spread(line: FeatureDrift, shape: Shape, by: Thresholds) -> str | None:
    times = times_as_wide(line)
    if times is None or abs(_log_spread(line, shape)) < by.spread / 2:
        return None
    return _wider(line, times)


def _one_value(
    line: FeatureDrift, shape: Shape, by: Thresholds, target: Numbers, reference: Numbers
) -> str | None:
    """Where the share of one number changed about as much as that of any others: mostly 0."""
    after, before = (side.within(shape.value, shape.value) for side in (target, reference))
    if abs(after - before) < max(by.effect, _ALL_IN_VALUE * shape.most):
        return None
    if line.scale == "percent" and shape.value == 0:
        if after > before:
            return f"no {line.name} {in_so_many(line, after, before)}"
        return f"{line.name} {in_so_many(line, 1 - after, 1 - before)}"
    value = number(shape.value, _DIGITS) + unit(line)
    return f"{subject(line)} is {value} {in_so_many(line, after, before)}"
