"""How far a feature moved, for what to say first."""

import math

from lightmeter.drift.feature import FeatureDrift

# A spread counts as no less than this: else what hardly varies would come first whatever happened.
# It is about the change that an eye notices.
_LEAST_SHARE = 0.2  # of the reference's mean
_LEAST_POINTS = {"percent": 5.0, "share": 0.02}
_LEAST_HUE = 12.75  # steps, which are 18 degrees
# Logarithms of what differs by factors; those of squares are twice as large.
_LEAST_LOGARITHMS = {"squares": 2 * _LEAST_SHARE, "ratio": _LEAST_SHARE}


def distance(line: FeatureDrift) -> float:
    """By how many spreads of the reference; infinite of what is no amount, such as a category.

    Squares and ratios are compared by their logarithms, as though these were normal.
    """
    moved = _distance(line)
    return math.inf if math.isnan(moved) else moved


def _distance(line: FeatureDrift) -> float:
    target, reference = line.level_target, line.level_reference
    if line.wasserstein is None or target is None or reference is None:
        return math.inf
    if line.scale in _LEAST_LOGARITHMS and min(target, reference) > 0:
        after, _ = _logarithm(target, line.stddev_target or 0.0)
        before, spread = _logarithm(reference, line.stddev_reference or 0.0)
        return abs(after - before) / max(spread, _LEAST_LOGARITHMS[line.scale])
    least = _LEAST_HUE if line.kind == "hue" else _LEAST_SHARE * abs(reference)
    least = _LEAST_POINTS.get(line.scale or "", least)
    distances = [line.wasserstein / least] if least else []
    distances += [abs(line.wasserstein_in_sd)] if line.wasserstein_in_sd is not None else []
    return min(distances, default=math.inf)


def _logarithm(mean: float, spread: float) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of a log-normal variable that has these."""
    variance = 2 * math.log(math.hypot(1.0, spread / mean))
    return math.log(mean) - variance / 2, math.sqrt(variance)
