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
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

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


class Move(NamedTuple):
    """A number of a vector, and by how many standard deviations its mean moved."""

    name: str
    spreads: float


class _Pair(NamedTuple):
    """Covariances of both sides that can be compared.

    Attributes:
        target: of one side; None where it has no vectors.
        reference: of the other.
        names: of the numbers.
        unlike: vectors of either side that are not compared, of another length.
        lengths: of the vectors of each side, which differ where nothing can be compared.
    """

    target: _core.Covariance | None
    reference: _core.Covariance | None
    names: Sequence[str]
    unlike: tuple[int, int] = (0, 0)
    lengths: tuple[int, int] = (0, 0)


def compare_vectors(
    about: FeatureDrift, cores: Sequence[_core.Profile], *, tested: bool
) -> tuple[FeatureDrift, tuple[int, int]]:
    """The line of a feature of vectors, and how many of each side are of another length.

    There is no test of vectors that come in groups, as nothing is kept of these by group.
    """
    pair = _vectors_of(about.feature, cores)
    return _without_test(_compare(about, pair), cores, tested), pair.unlike


def compare_joint(prefix: str, name: str, cores: Sequence[_core.Profile]) -> FeatureDrift | None:
    """The line of the numbers of images together; None unless both sides have enough of them.

    Nobody asked for it, so where it cannot be tested nobody has to hear of it.

    Args:
        prefix: of the images.
        name: what sentences call their numbers.
        cores: the target and the reference.
    """
    pair = _joint_of(prefix, cores)
    if pair is None or pair.target is None or pair.reference is None:
        return None
    if min(pair.target.n, pair.reference.n) < _LEAST:
        return None
    about = FeatureDrift(
        feature=f"{prefix}:{JOINT}",
        kind="vector",
        n_target=0,
        n_reference=0,
        role="vector",
        family="image",
        name=name,
        group="together",
        prefix=prefix,
    )
    return _without_test(_compare(about, pair), cores, tested=True)


def moves(feature: str, cores: Sequence[_core.Profile]) -> list[Move]:
    """The numbers of the vectors, those whose means moved farthest first.

    Args:
        feature: of vectors; or that of the numbers of images together.
        cores: the target and the reference.
    """
    prefix, _, last = feature.rpartition(":")
    is_joint = last == JOINT and not any(feature in core for core in cores)
    pair = _joint_of(prefix, cores) if is_joint else _vectors_of(feature, cores)
    if pair is None or pair.target is None or pair.reference is None:
        return []
    if 0 in (pair.target.n, pair.reference.n) or pair.lengths[0] != pair.lengths[1]:
        return []
    sides = _Sides.of(pair.target, pair.reference)
    within = 1 - sides.between * sides.apart**2
    spreads = sides.apart * math.sqrt(sides.n - 2) / np.sqrt(np.maximum(within, 1e-30))
    named = [Move(pair.names[at], float(by)) for at, by in zip(sides.places, spreads, strict=True)]
    return sorted(named, key=lambda move: -abs(move.spreads))


def spreads_apart(separation: float) -> float:
    """By how many standard deviations means are apart that have this separation."""
    return 2 * NormalDist().inv_cdf(min((1 + separation) / 2, math.nextafter(1, 0)))


def _separation(spreads: float) -> float:
    return math.erf(spreads / math.sqrt(8))


def _vectors_of(name: str, cores: Sequence[_core.Profile]) -> _Pair:
    """Of the length that both sides have most vectors of."""
    sides = [core.vectors(name) if name in core else ({}, 0) for core in cores]
    target, reference = (by_length for by_length, _ in sides)

    def shared(length: int) -> tuple[int, int, int]:
        sizes = _n(target, length), _n(reference, length)
        return min(sizes), sum(sizes), length

    if target.keys() & reference.keys():
        lengths = [max(target.keys() & reference.keys(), key=shared)] * 2
    else:
        lengths = [
            max(side, key=lambda at: (_n(side, at), at), default=0) for side in (target, reference)
        ]
    unlike = [
        others + sum(each.n for length, each in by_length.items() if length != kept)
        for (by_length, others), kept in zip(sides, lengths, strict=True)
    ]
    longest = max(lengths)
    part = "number" if longest <= _core.Covariance.projections else "projection"
    names = [f"{part} {at}" for at in range(min(longest, _core.Covariance.projections))]
    return _Pair(
        target.get(lengths[0]),
        reference.get(lengths[1]),
        names,
        (unlike[0], unlike[1]),
        (lengths[0], lengths[1]),
    )


def _n(by_length: Mapping[int, _core.Covariance], length: int) -> int:
    return by_length[length].n if length in by_length else 0


def _joint_of(prefix: str, cores: Sequence[_core.Profile]) -> _Pair | None:
    """Of the numbers of images; None where the sides differ in them, as versions may."""
    joints = [core.joint(prefix) for core in cores]
    if joints[0] is None or joints[1] is None:
        return None
    (names, target, _), (others, reference, _) = joints[0], joints[1]
    return _Pair(target, reference, names) if names == others else None


def _compare(about: FeatureDrift, pair: _Pair) -> FeatureDrift:
    target, reference = pair.target, pair.reference
    line = changed(
        about,
        n_target=target.n if target else 0,
        n_reference=reference.n if reference else 0,
    )
    if target is None or reference is None:
        return line if line.n_target + line.n_reference else _none(line, "no vector on either side")
    if pair.lengths[0] != pair.lengths[1]:
        own, other = pair.lengths
        reason = f"vectors of {own} numbers in the target, of {other} in the reference"
        return changed(line, verdict="not enough data", reason=reason)
    if min(line.n_target, line.n_reference) < _LEAST:
        return line if min(line.n_target, line.n_reference) == 0 else _too_few(line)
    sides = _Sides.of(target, reference)
    directions = sides.directions()
    if not len(directions):
        return _none(line, "one value only, the same on both sides")
    explained = sides.between * float(directions @ directions)
    p_value, effect = sides.test(explained, len(directions))
    return changed(
        line,
        p_value=p_value,
        p_low=p_value,
        p_high=p_value,
        effect=effect,
        effect_low=effect,
        effect_high=effect,
        effect_name="separation",
    )


def _without_test(line: FeatureDrift, cores: Sequence[_core.Profile], tested: bool) -> FeatureDrift:
    in_groups = all(core.has_groups for core in cores)
    if line.p_value is None or (tested and not in_groups):
        return line
    reason = "distance only: there is no test of vectors by group" if in_groups else line.reason
    return changed(line, p_value=None, p_low=None, p_high=None, reason=reason)


def _none(line: FeatureDrift, reason: str) -> FeatureDrift:
    return changed(line, verdict="none", reason=reason)


def _too_few(line: FeatureDrift) -> FeatureDrift:
    side = "target" if line.n_target <= line.n_reference else "reference"
    n = min(line.n_target, line.n_reference)
    reason = f"{counted(n, 'vector')} in the {side}; {_LEAST} are needed"
    return changed(line, verdict="not enough data", reason=reason)


class _Sides(NamedTuple):
    """Two samples of vectors, without the numbers that never vary.

    Attributes:
        n_target: vectors of the target.
        n_reference: vectors of the reference.
        between: what a squared difference of means makes of the sum of squares of all.
        places: which numbers these are.
        apart: how far the means of both sides are apart, in roots of the sum of squares of all.
        correlations: of all vectors of both sides.
    """

    n_target: int
    n_reference: int
    between: float
    places: NDArray[np.intp]
    apart: NDArray[np.float64]
    correlations: NDArray[np.float64]

    @classmethod
    def of(cls, target: _core.Covariance, reference: _core.Covariance) -> "_Sides":
        """Of two covariances of the same numbers."""
        apart = target.means_above(reference)
        between = target.n / (target.n + reference.n) * reference.n
        products = target.comoments + reference.comoments + between * np.outer(apart, apart)
        places = np.flatnonzero(products.diagonal() > 0)
        roots = np.sqrt(products.diagonal()[places])
        correlations = products[np.ix_(places, places)] / np.outer(roots, roots)
        above = apart[places] / roots
        return cls(target.n, reference.n, between, places, above, correlations)

    @property
    def n(self) -> int:
        """Vectors of both sides."""
        return self.n_target + self.n_reference

    def directions(self) -> NDArray[np.float64]:
        """How far the means are apart in each direction that enters, in roots likewise."""
        variances, axes = np.linalg.eigh(self.correlations)
        imbalance = 1 / self.n_target + 1 / self.n_reference - 4 / self.n
        most = (self.n - 2) // 2
        if imbalance * most * 4 > 1:
            most = int(1 / (4 * imbalance))
        keep = np.flatnonzero(variances > _LEAST_VARIANCE)[-most:]
        return np.asarray(self.apart @ axes[:, keep] / np.sqrt(variances[keep]), np.float64)

    def test(self, explained: float, directions: int) -> tuple[float, float]:
        """The p-value and the effect.

        A p-value is no less than what the most extreme of all deals of the vectors would have.

        Args:
            explained: by the means, of the sum of squares of all, in so many `directions`.
            directions: that entered.
        """
        explained = min(explained, _SURE)
        rest = self.n - 1 - directions
        ratio = explained / (1 - explained)
        p_value = _core.f_tail(ratio * rest / directions, directions, rest)
        if self.n <= _FEW:
            p_value = max(p_value, 1 / math.comb(self.n, self.n_target))
        squared = ratio * max(rest - 2, 0) - directions
        return p_value, _separation(math.sqrt(max(squared, 0.0) / self.between))
