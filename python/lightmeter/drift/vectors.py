"""Vectors of two sides, and the numbers of images together: did their mean move?

The test is Hotelling's T^2 on the pooled covariance, which follows Fisher's F exactly where the
vectors are normal. Directions of the vectors are those of the pooled correlations of both sides,
the widest first, so that they do not depend on which vector is of which side. Only some of them
enter:

- Those that carry variance. A direction with less than 1e-8 of a number's variance is taken for
  rounding: of a number that is constant, a copy, or the sum of others.
- No more than half as many as there are vectors, which leaves the other half to say how wide they
  are.
- No more than m / 4, with 1 / m = 1 / n1 + 1 / n2 - 4 / (n1 + n2). The variance of the statistic
  depends on the kurtosis of the vectors by 1 / m (Box and Watson 1962), which is 0 for sides of one
  size and 1 / n for a small side of n.

With these the test holds its size from 20 vectors on, see bench/drift_calibration/vectors.py.

The effect is the separation 2 Phi(d / 2) - 1: the share of mass by which two normal distributions
differ whose means are d standard deviations apart (Mahalanobis). It is D along the direction in
which they differ most, so it has the floor of D. d^2 is the estimate without bias, which is 0 on
average where nothing changed.
"""

import math
from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.drift.row import FeatureDrift, changed
from lightmeter.text import counted

JOINT = "joint"  # after the prefix of the images and a colon
_LEAST = 20  # vectors of a side
_LEAST_VARIANCE = 1e-8  # of a direction, in variances of a number
_SURE = 1 - 1e-12  # of the variance between the sides
_FEW = 60  # vectors of both sides, of which there are few enough deals to matter

Cores = tuple[_core.Profile, _core.Profile]  # of the target and of the reference


def compare_vectors(
    about: FeatureDrift, cores: Cores, *, tested: bool
) -> tuple[FeatureDrift, tuple[int, int]]:
    """The line of a feature of vectors, and how many of each side are of another length.

    Compared are those of the length that both sides have most vectors of. There is no test of
    vectors that come in groups, as nothing is kept of these by group.
    """
    name = about.feature
    sides = [core.vectors(name) if name in core else ({}, 0) for core in cores]
    lengths = _length(sides[0][0], sides[1][0]), _length(sides[1][0], sides[0][0])
    kept = [side.get(length) for (side, _), length in zip(sides, lengths, strict=True)]
    n = [each.n if each else 0 for each in kept]
    every = [others + sum(each.n for each in side.values()) for side, others in sides]
    line = changed(about, n_target=n[0], n_reference=n[1])
    target, reference = kept
    if not any(n):
        line = changed(line, verdict="none", reason="no vector on either side")
    elif target and reference and lengths[0] != lengths[1]:
        reason = f"vectors of {lengths[0]} numbers in the target, of {lengths[1]} in the reference"
        line = changed(line, verdict="not enough data", reason=reason)
    elif target and reference:
        line = _compared(line, target, reference, cores, tested)
    return line, (every[0] - n[0], every[1] - n[1])


def compare_joint(prefix: str, name: str, cores: Cores) -> list[FeatureDrift]:
    """The line of the numbers of images together; none unless both sides have enough of them.

    Nobody asked for it, so where it cannot be tested nobody has to hear of it.

    Args:
        prefix: of the images.
        name: what sentences call their numbers.
        cores: the target and the reference.
    """
    target, reference = (core.joint(prefix) or ((), None) for core in cores)
    # Sides may differ in the numbers, as versions do.
    if not (target[1] and reference[1]) or target[0] != reference[0]:
        return []
    line = FeatureDrift(
        feature=f"{prefix}:{JOINT}",
        kind="vector",
        n_target=target[1].n,
        n_reference=reference[1].n,
        role="vector",
        family="image",
        name=name,
        group="together",
        prefix=prefix,
    )
    line = _compared(line, target[1], reference[1], cores, tested=True)
    return [line] if line.verdict != "not enough data" else []


def spreads_apart(separation: float) -> float:
    """By how many standard deviations means are apart that have this separation."""
    return 2 * NormalDist().inv_cdf(min((1 + separation) / 2, math.nextafter(1, 0)))


Lengths = Mapping[int, _core.Covariance]


def _length(side: Lengths, other: Lengths) -> int:
    """The length that most vectors of a side have, out of those of both sides if there are any."""

    def many(length: int) -> tuple[int, int]:
        return min(each[length].n for each in (side, other) if length in each), length

    return max(side.keys() & other.keys() or side, key=many, default=0)


def _compared(
    line: FeatureDrift,
    target: _core.Covariance,
    reference: _core.Covariance,
    cores: Cores,
    tested: bool,
) -> FeatureDrift:
    n = min(target.n, reference.n)
    if n < _LEAST:
        side = "target" if target.n <= reference.n else "reference"
        reason = f"{counted(n, 'vector')} in the {side}; {_LEAST} are needed"
        return changed(line, verdict="not enough data", reason=reason)
    between = target.n / (target.n + reference.n) * reference.n
    directions = _directions(target, reference, between)
    if not len(directions):
        return changed(line, verdict="none", reason="one value only, the same on both sides")
    p_value, effect = _test((target.n, reference.n), between, directions)
    fields = dict.fromkeys(("effect", "effect_low", "effect_high"), effect)
    line = changed(line, fields, effect_name="separation")
    if all(core.has_groups for core in cores):
        return changed(line, reason="distance only: there is no test of vectors by group")
    return changed(line, dict.fromkeys(("p_value", "p_low", "p_high"), p_value)) if tested else line


def _directions(
    target: _core.Covariance, reference: _core.Covariance, between: float
) -> NDArray[np.float64]:
    """How far the means are apart in each direction that enters.

    In roots of the sum of squares of all vectors. What a squared difference of means makes of that
    sum is `between`.
    """
    apart = target.means_above(reference)
    products = target.comoments + reference.comoments + between * np.outer(apart, apart)
    varies = np.flatnonzero(products.diagonal() > 0)
    roots = np.sqrt(products.diagonal()[varies])
    correlations = products[np.ix_(varies, varies)] / np.outer(roots, roots)
    # Eigenvectors. OpenBLAS takes threads for `eigh` even of 28 numbers, and they spin for 25 times
    # as long as the work takes; for this only of 64.
    axes, variances, _ = np.linalg.svd(correlations)
    n = target.n + reference.n
    imbalance = 1 / target.n + 1 / reference.n - 4 / n
    most = (n - 2) // 2
    if imbalance * most * 4 > 1:
        most = int(1 / (4 * imbalance))
    keep = np.flatnonzero(variances > _LEAST_VARIANCE)[:most]
    return np.asarray(apart[varies] / roots @ axes[:, keep] / np.sqrt(variances[keep]), np.float64)


def _test(
    sizes: tuple[int, int], between: float, directions: NDArray[np.float64]
) -> tuple[float, float]:
    """The p-value and the effect.

    A p-value is no less than what the most extreme of all deals of the vectors would have.
    """
    explained = min(between * float(directions @ directions), _SURE)
    n, entered = sum(sizes), len(directions)
    rest = n - 1 - entered
    ratio = explained / (1 - explained)
    p_value = _core.f_tail(ratio * rest / entered, entered, rest)
    if n <= _FEW:
        p_value = max(p_value, 1 / math.comb(n, sizes[0]))
    squared = ratio * max(rest - 2, 0) - entered
    return p_value, math.erf(math.sqrt(max(squared, 0.0) / between / 8))
