"""How large an effect surely is."""

import math
from collections.abc import Iterator

from lightmeter.drift.feature import FeatureDrift
from lightmeter.drift.verdict import DEFAULT_THRESHOLDS, Thresholds

# Half widths of 95 % intervals, in units of the standard error: of a normal variable, and what
# Kolmogorov and Smirnov's D and Kuiper's V are off by at most.
_NORMAL, _KOLMOGOROV, _KUIPER = 1.96, 1.358, 1.747
_MOST = 10.0  # floors; D is no larger, when everything changed


def sure_size(line: FeatureDrift, by: Thresholds = DEFAULT_THRESHOLDS) -> float:
    """The lower end of the effect's interval, in units of its least size: 0 to 10.

    Of numbers the size that is surely largest.
    """
    if not line.n_target or not line.n_reference:
        return 0.0
    units = (least / floor if floor else _MOST for least, floor in _least(line, by))
    return min(max(0.0, *units), _MOST)


def _least(line: FeatureDrift, by: Thresholds) -> Iterator[tuple[float, float]]:
    """The lower end of each size, and what it must reach for a verdict."""
    sizes = line.n_target, line.n_reference
    error = math.sqrt(1 / sizes[0] + 1 / sizes[1])
    effect = line.effect_low or 0.0
    if line.kind == "number":
        yield (line.ks or 0.0) - _KOLMOGOROV * error, by.effect
        yield abs(line.spread or 0.0) - _NORMAL * error / math.sqrt(2), by.spread
        tail = line.tail or 0.0
        yield tail - _NORMAL * math.sqrt(tail * (1 - tail) / sizes[0]), by.tail
    elif line.kind == "hue":
        yield effect - _KUIPER * error, by.effect
    elif line.kind == "category":
        # By McDiarmid's inequality, and by what two samples of the same shares differ on average.
        kinds = max(2, _categories(line))
        mean = math.sqrt((kinds - 1) / (2 * math.pi))
        yield effect - error * (math.sqrt(math.log(20) / 2) + mean), by.effect
    else:
        rates = line.level_target or 0.0, line.level_reference or 0.0
        variances = (rate * (1 - rate) / n for rate, n in zip(rates, sizes, strict=True))
        yield effect - _NORMAL * math.sqrt(sum(variances)), by.effect


def _categories(line: FeatureDrift) -> int:
    if line.sides is None:
        return 2
    listed = (
        view._core.strings(line.feature).items() for view in line.sides if line.feature in view
    )
    return max((len(items) for items in listed), default=2)
