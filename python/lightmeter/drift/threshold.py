"""How large an effect would have had to be for a verdict."""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence

from lightmeter import _core
from lightmeter.drift.comparison import Comparison

__all__ = ["drift_thresholds"]


def drift_thresholds(comparison: Comparison) -> dict[str, float]:
    """The least effect of each feature of numbers that would have been ``drift``.

    Everything else stays as it was: the numbers of values, the pooled values with their ties, and
    the p-values of the other features, which the bound on its p-value depends on. A threshold
    is at most 0.001 too large, and the effect itself always lies on the right side of it.

    A feature has no threshold where no effect would have been enough. It is not known for hue,
    whose p-value takes random deals, nor where the test was by groups. Nor is it for categories and rates, where one effect can have
    many p-values. Of tied numbers with more than 1e8 pairs of values it is known only where the
    least effect of the comparison's thresholds decides.
    """
    by = comparison.thresholds
    tested = [line for line in comparison.features if line.q_value is not None]
    families: dict[str, list[float]] = {}
    for line in tested:
        if line.p_high is not None and not line.same_as:
            insort(families.setdefault(line.family, []), line.p_high)
    thresholds: dict[str, float] = {}
    for line in tested:
        if line.kind != "number" or line.p_high is None or line.same_as or line.groups_target:
            continue
        effect = _core.number_threshold(
            _core.numbers_of(comparison.target._core, line.feature),
            _core.numbers_of(comparison.reference._core, line.feature),
            p=_most_of(families, line.family, line.p_high, by.drift),
            floor=by.effect,
            delta=by.delta,
        )
        if not math.isnan(effect):
            thresholds[line.feature] = effect
    copies = {line.feature: line.same_as for line in tested if line.same_as in thresholds}
    return thresholds | {copy: thresholds[original] for copy, original in copies.items()}


def _most_of(families: Mapping[str, Sequence[float]], family: str, own: float, q: float) -> float:
    """The largest p-value in place of `own` with a q-value of `q`; each family is rising."""
    gates = sorted(min(_core.q_values(p)) for name, p in families.items() if name != family)
    passed = 0
    while passed < len(gates) and gates[passed] <= q / (len(families) - passed):
        passed += 1
    p_values = families[family]
    at = bisect_left(p_values, own)
    others = [*p_values[:at], *p_values[at + 1 :], 1.0]
    gate = q / (len(families) - passed)
    most = _most(p_values, own, q)
    return most if min(_core.q_values(others)) <= gate else min(most, _most(p_values, own, gate))


def _most(p_values: Sequence[float], own: float, q: float) -> float:
    """The largest p-value in place of `own`, which is in `p_values`, with a q-value of `q`."""
    size = len(p_values)
    for rank in range(size, 0, -1):
        p = q * rank / size
        as_small = bisect_right(p_values, p) - (own <= p)  # of the others
        if as_small >= rank - 1:
            break
    return p
