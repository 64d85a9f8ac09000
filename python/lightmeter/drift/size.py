"""How large an effect surely is."""

import math

from lightmeter.drift.feature import FeatureDrift
from lightmeter.drift.verdict import DEFAULT_THRESHOLDS, Thresholds

__all__ = ["sure_size"]

# Half widths of 95 % intervals, in units of the standard error: of a normal variable, and what
# Kolmogorov and Smirnov's D and Kuiper's V are off by at most.
_NORMAL, _KOLMOGOROV, _KUIPER = 1.96, 1.358, 1.747
_MOST = 10.0  # floors; D is no larger, when everything changed


def sure_size(line: FeatureDrift, by: Thresholds = DEFAULT_THRESHOLDS) -> float:
    """The lower end of the effect's interval, in units of its floor: 0 to 10."""
    effect = line.effect_low or 0.0
    least = effect - _half_width(line, effect)
    return min(max(least, 0.0) / by.effect, _MOST) if by.effect else _MOST


def _half_width(line: FeatureDrift, effect: float) -> float:
    """How much smaller than in the samples an effect may be."""
    if not line.n_target or not line.n_reference:
        return 0.0
    error = math.sqrt(1 / line.n_target + 1 / line.n_reference)
    if line.kind == "hue":
        return _KUIPER * error
    if line.kind == "number":
        return _KOLMOGOROV * error
    if line.kind == "category":
        # By McDiarmid's inequality, and by what two samples of the same shares differ on average.
        kinds = max(2, _categories(line))
        return error * (math.sqrt(math.log(20) / 2) + math.sqrt((kinds - 1) / (2 * math.pi)))
    rates = (
        (line.level_target or 0.0, line.n_target),
        (line.level_reference or 0.0, line.n_reference),
    )
    return _NORMAL * math.sqrt(sum(rate * (1 - rate) / n for rate, n in rates))


def _categories(line: FeatureDrift) -> int:
    if line.sides is None:
        return 2
    listed = (
        view._core.strings(line.feature).items() for view in line.sides if line.feature in view
    )
    return max((len(items) for items in listed), default=2)
