"""How large an effect would have had to be for a verdict."""

import math
from bisect import bisect_right
from collections.abc import Sequence

from lightmeter import _core
from lightmeter.drift.comparison import Comparison

__all__ = ["drift_thresholds"]


def drift_thresholds(comparison: Comparison) -> dict[str, float]:
    """Of each feature of numbers the least effect that would have been ``drift``.

    All else being as it was: the numbers of values, the pooled values with their ties, and the
    p-values of the other features, on which Benjamini and Hochberg's bound on this one depends. The
    effect itself lies on the right side of it; otherwise it is at most 0.001 too large.

    A feature has none where no effect would have been enough, and where it is not known: hue, whose
    p-value takes random deals; categories and rates, of which one effect can have many p-values;
    and tied numbers with more than 1e8 pairs of values, if the least effect of the comparison's
    thresholds is so small that it does not decide.
    """
    by = comparison.thresholds
    family = [line for line in comparison.features if line.q_value is not None]
    known = sorted(line.p_high for line in family if line.p_high is not None)
    found = {}
    for line in family:
        if line.kind != "number" or line.p_high is None:
            continue
        effect = _core.number_threshold(
            _core.numbers_of(comparison.target._core, line.feature),
            _core.numbers_of(comparison.reference._core, line.feature),
            p=_most(known, line.p_high, by.drift),
            floor=by.effect,
            delta=by.delta,
        )
        if not math.isnan(effect):
            found[line.feature] = effect
    return found


def _most(known: Sequence[float], own: float, q: float) -> float:
    """The largest p-value in place of `own`, one of the sorted `known`, with a q-value of `q`."""
    size = len(known)
    for rank in range(size, 0, -1):
        p = q * rank / size
        as_small = bisect_right(known, p) - (own <= p)  # of the others
        if as_small >= rank - 1:
            break
    return p
