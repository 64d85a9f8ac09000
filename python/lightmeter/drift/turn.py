"""Whether hues turned: whether a rotation of one side makes it like the other."""

import math
from typing import NamedTuple

import numpy as np

from lightmeter.drift.shape import Numbers

STEPS = 255.0  # around the circle
# Beside the difference of the means, in steps of the circle: where the best rotation is sought.
_BESIDE = np.arange(-8.0, 9.0)


class Turn(NamedTuple):
    """The best rotation, and what it explains.

    Attributes:
        steps: by which the reference was turned, of 255 around the circle.
        apart: Kuiper's V of both sides.
        left: the same after the rotation.
        gathered: of target and reference how gathered the hues are: the resultant length, 0 to 1.
    """

    steps: float
    apart: float
    left: float
    gathered: tuple[float, float]


def turn_of(target: Numbers, reference: Numbers) -> Turn:
    """Of two sides with hues."""
    (angle, gathered), (angle_before, gathered_before) = map(_resultant, (target, reference))
    middle = math.remainder(angle - angle_before, STEPS)
    # The difference of the means is the best guess: what is no worse than the best is chance.
    tried = sorted(middle + _BESIDE, key=lambda steps: abs(steps - middle))
    lefts = [_kuiper(target, reference, steps) for steps in tried]
    best = int(np.argmin(lefts))
    return Turn(
        math.remainder(tried[best], STEPS),
        _kuiper(target, reference, 0.0),
        lefts[best],
        (gathered, gathered_before),
    )


def _resultant(side: Numbers) -> tuple[float, float]:
    """The direction in steps of the circle, and the length from 0 to 1."""
    angles = side.values * (2 * math.pi / STEPS)
    x, y = (float(np.dot(part(angles), side.counts)) / side.n for part in (np.cos, np.sin))
    return math.atan2(y, x) * STEPS / (2 * math.pi), math.hypot(x, y)


def _kuiper(target: Numbers, reference: Numbers, steps: float) -> float:
    """V of the target turned back by so many steps."""
    values = np.concatenate(((target.values - steps) % STEPS, reference.values % STEPS))
    jumps = np.concatenate((target.counts / target.n, reference.counts / -reference.n))
    order = np.argsort(values)
    ahead = np.cumsum(jumps[order])
    last = np.append(np.diff(values[order]) > 0, True)  # of equal values
    passed = ahead[last]
    return float(max(passed.max(), 0.0) - min(passed.min(), 0.0))
