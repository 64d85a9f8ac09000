"""How large an effect would have had to be for a verdict."""

import math
from bisect import bisect_right
from collections.abc import Sequence

from lightmeter import _core
from lightmeter.drift.comparison import Comparison

__all__ = ["drift_thresholds"]


def drift_thresholds(comparison: Comparison) -> dict[str, float]:
    """The least effect of each feature of numbers that would have been ``drift``.

    Everything else stays as it was: the numbers of values, the pooled values with their ties, and
    the p-values of the other features, which Benjamini and Hochberg's bound depends on. A threshold
    is at most 0.001 too large, and the effect itself always lies on the right side of it.

    A feature has no threshold where no effect would have been enough. It is not known for hue,
    whose p-value takes random deals, nor where the test was by groups. Nor is it for categories and
    rates, where one effect can have many p-values. Of tied numbers with more than 1e8 pairs of
    values it is known only where the least effect of the comparison's thresholds decides.
    """
    by = comparison.thresholds
    family = [line for line in comparison.features if line.q_value is not None]
    p_values = sorted(line.p_high for line in family if line.p_high is not None)
    thresholds = {}
    for line in family:
        if line.kind != "number" or line.p_high is None or line.groups_target is not None:
            continue
        effect = _core.number_threshold(
            _core.numbers_of(comparison.target._core, line.feature),
            _core.numbers_of(comparison.reference._core, line.feature),
            p=_most(p_values, line.p_high, by.drift),
            floor=by.effect,
            delta=by.delta,
        )
        if not math.isnan(effect):
            thresholds[line.feature] = effect
    return thresholds


def _most(p_values: Sequence[float], own: float, q: float) -> float:
    """The largest p-value in place of `own`, which is in `p_values`, with a q-value of `q`."""
    size = len(p_values)
    for rank in range(size, 0, -1):
        p = q * rank / size
        as_small = bisect_right(p_values, p) - (own <= p)  # of the others
        if as_small >= rank - 1:
            break
    return p
