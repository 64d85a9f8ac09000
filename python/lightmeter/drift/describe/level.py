"""Whether the mean of a feature tells what happened to it."""

import math

from lightmeter.drift.row import FeatureDrift

# In standard errors; a smaller change of the mean may be chance.
_SURE = 2.0
# In standard deviations; a smaller one makes no effect that is worth a verdict.
_SMALL = 0.1


def mean_moved(line: FeatureDrift) -> bool:
    """Whether a change of the mean is more than chance, and more than that of the spread."""
    target, reference = line.level_target or 0.0, line.level_reference or 0.0
    return abs(target - reference) > _negligible(line)


def times_as_wide(line: FeatureDrift) -> float | None:
    """The ratio of the standard deviations; None where there is none."""
    target, reference = line.stddev_target, line.stddev_reference
    if not target or not reference or not 0 < target / reference < math.inf:
        return None
    return target / reference


def _negligible(line: FeatureDrift) -> float:
    """Up to where a change of the mean does not tell what happened."""
    spreads = line.stddev_target or 0.0, line.stddev_reference or 0.0
    if not any(spreads):
        return 0.0
    sizes = line.n_target, line.n_reference
    error = math.hypot(*(spread / math.sqrt(n) for spread, n in zip(spreads, sizes, strict=True)))
    # A mean that moves by this share of the spread changes a normal distribution about as much.
    widened = abs(spreads[0] - spreads[1]) / sum(spreads)
    return max(_SURE * error, max(_SMALL, widened) * math.hypot(*spreads) / math.sqrt(2))
