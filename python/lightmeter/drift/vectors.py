"""Testing whether the mean of vectors moved, also of all numbers of images together.

The test is Hotelling's T^2 on the pooled covariance, which has Fisher's F distribution if the
vectors are normal. Directions are those of the pooled correlations of both sides, the widest first,
so that they do not depend on the assignment of vectors to sides. Only some directions are used:

- Those with variance. A direction with less than 1e-8 of a number's variance is treated as
  rounding, from a number that is constant, a copy, or the sum of others.
- At most half as many as there are vectors, so that the other half can determine the variance.
- At most m / 4, with 1 / m = 1 / n1 + 1 / n2 - 4 / (n1 + n2). The variance of the statistic depends
  on the kurtosis of the vectors in proportion to 1 / m (Box and Watson 1962), which is 0 for sides
  of equal size and about 1 / n for a small side of n.

With these, the test keeps its level from 20 vectors on; see bench/drift_calibration/vectors.py.

The effect size is the separation 2 Phi(d / 2) - 1: the share of mass by which two normal
distributions differ whose means are d standard deviations apart (Mahalanobis). It equals D along
the direction of the largest difference, so it has the threshold of D. d^2 is the unbiased estimate,
which is 0 on average if nothing changed.
"""

import math

import numpy as np

from lightmeter import _core
from lightmeter.drift.prediction import Numbers
from lightmeter.drift.row import ONE_VALUE, FeatureDrift, fill, rest_on, too_few

JOINT = "joint"  # after the prefix of the images and a colon
_LEAST = 20  # vectors of a side
_LEAST_VARIANCE = 1e-8  # of a direction, in variances of a number
_SURE = 1 - 1e-12  # of the variance between the sides

Covariance = _core.Covariance
Cores = tuple[_core.Profile, _core.Profile]  # of the target and of the reference


def compare_vectors(row: FeatureDrift, cores: Cores, *, tested: bool) -> tuple[int, int]:
    """Compare the vectors of a row; return the number of each side that is not compared.

    Only vectors of the length that is most frequent on both sides are compared.
    """
    found = [core.vectors(row.feature) for core in cores]
    sides = [side for side, _ in found]
    shared = sides[0].keys() & sides[1].keys()

    def many(length: int) -> tuple[int, int]:
        return min(side[length].n for side in sides if length in side), length

    target, reference = (side.get(max(shared or side, key=many, default=0)) for side in sides)
    fill(row, n_target=target.n if target else 0, n_reference=reference.n if reference else 0)
    if target and reference and shared:
        _compare(row, target, reference, cores, tested)
    elif target and reference:
        words = f"vectors of {len(target.means)} numbers in the target, of "
        words += f"{len(reference.means)} in the reference"
        fill(row, verdict="not enough data", reason=words)
    elif not (target or reference):
        fill(row, verdict="none", reason="no vector on either side")
    every = [others + sum(each.n for each in side.values()) for side, others in found]
    return every[0] - row.n_target, every[1] - row.n_reference


def compare_joint(prefix: str, cores: Cores, *, is_alone: bool) -> list[FeatureDrift]:
    """Return the row of all numbers together, in a list; an empty list without enough images.

    Because users did not request this row, it is left out if it cannot be tested.

    Parameters
    ----------
    prefix
        Prefix of the images.
    cores
        The target and the reference.
    is_alone
        Whether there is no other prefix.
    """
    joints = [joint for core in cores if (joint := core.joint(prefix))]
    # Sides may have different numbers, because versions do.
    if len(joints) < len(cores) or joints[0][0] != joints[1][0]:
        return []
    target, reference = (covariance for _, covariance, _ in joints)
    row = FeatureDrift(
        feature=f"{prefix}:{JOINT}",
        kind="vector",
        n_target=target.n,
        n_reference=reference.n,
        role="vector",
        family="image",
        name=f"all numbers of {'an image' if is_alone else prefix}",
        topic="together",
        prefix=prefix,
    )
    _compare(row, target, reference, cores, tested=True)
    return [row] if row.verdict != "not enough data" else []


def _compare(
    row: FeatureDrift, target: Covariance, reference: Covariance, cores: Cores, tested: bool
) -> None:
    """Set the test and distance of a row; vectors in groups have only a distance."""
    sides = row.n_target, row.n_reference
    if min(sides) < _LEAST:
        too_few(row, sides, _LEAST, "vector")
        return
    n = sum(sides)
    between = row.n_target / n * row.n_reference
    directions = _directions(target, reference, between)
    entered = len(directions)
    if not entered:
        fill(row, **ONE_VALUE)
        return
    explained = min(between * float(directions @ directions), _SURE)
    rest = n - 1 - entered
    ratio = explained / (1 - explained)
    p_value = _core.f_tail(ratio * rest / entered, entered, rest)
    squared = max(ratio * max(rest - 2, 0) - entered, 0.0) / between
    if all(core.groups for core in cores):
        fill(row, reason="there is no test of vectors by group")
    p = [p_value] * 3 if tested and not row.reason else None
    rest_on(row, "separation", [math.erf(math.sqrt(squared / 8))] * 3, p)


def _directions(target: Covariance, reference: Covariance, between: float) -> Numbers:
    """Return the distance of the means in each direction that is used.

    The unit is the root of the sum of squares of all vectors. `between` is the factor of a squared
    difference of means in that sum.
    """
    apart = target.means_above(reference)
    products = target.comoments + reference.comoments + between * np.outer(apart, apart)
    varies = np.flatnonzero(products.diagonal() > 0)
    roots = np.sqrt(products.diagonal()[varies])
    # Eigenvectors. OpenBLAS starts threads for `eigh` even for 28 numbers, which then spin for 25
    # times the duration of the work; for `svd` it does so only from 64 numbers on.
    axes, variances, _ = np.linalg.svd(products[np.ix_(varies, varies)] / np.outer(roots, roots))
    n = target.n + reference.n
    # The imbalance of the sizes, 1 / between - 4 / n, is 0 for equal ones.
    most = min((n - 2) // 2, int(0.25 / max(1 / between - 4 / n, 1e-9)))
    keep = np.flatnonzero(variances > _LEAST_VARIANCE)[:most]
    return np.asarray(apart[varies] / roots @ axes[:, keep] / np.sqrt(variances[keep]), np.float64)
