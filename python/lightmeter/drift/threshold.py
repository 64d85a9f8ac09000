"""How large an effect would have had to be for a verdict."""

import math

from lightmeter import _core
from lightmeter.drift.comparison import Comparison
from lightmeter.drift.families import p_limits

__all__ = ["drift_thresholds"]


def drift_thresholds(comparison: Comparison) -> dict[str, float]:
    """The least effect of each feature of numbers that would have been ``drift``.

    Everything else stays as it was: the numbers of values, the pooled values with their ties, and
    the p-values of the other features, which the bound on its p-value depends on. A threshold
    is at most 0.001 too large, and the effect itself always lies on the right side of it.

    A feature has no threshold where no effect would have been enough. It is not known for hue,
    whose p-value takes random deals, nor where the test was by groups. Nor is it for categories and
    rates, where one effect can have many p-values. Of tied numbers with more than 1e8 pairs of values it is known only where the
    least effect of the comparison's thresholds decides.
    """
    by = comparison.thresholds
    tested = [line for line in comparison.features if line.q_value is not None]
    alone = [line for line in tested if line.p_high is not None and not line.same_as]
    p_values = [line.p_high for line in alone if line.p_high is not None]
    limits = p_limits(p_values, [line.family for line in alone], by.drift)
    thresholds: dict[str, float] = {}
    for line, limit in zip(alone, limits, strict=True):
        if line.kind != "number" or line.groups_target:
            continue
        effect = _core.number_threshold(
            _core.numbers_of(comparison.target._core, line.feature),
            _core.numbers_of(comparison.reference._core, line.feature),
            p=limit,
            floor=by.effect,
            delta=by.delta,
        )
        if not math.isnan(effect):
            thresholds[line.feature] = effect
    copies = {line.feature: line.same_as for line in tested if line.same_as in thresholds}
    return thresholds | {copy: thresholds[original] for copy, original in copies.items()}
