"""Whether hues turned: whether a rotation of one side makes it like the other."""

import math
from typing import NamedTuple

import numpy as np

from lightmeter.drift.shape import Numbers

STEPS = 255.0  # around the circle


class Turn(NamedTuple):
    """The rotation of one mean to the other, and what it explains.

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
    turned = math.remainder(angle - angle_before, STEPS)
    return Turn(
        turned,
        _kuiper(target, reference, 0.0),
        _kuiper(target, reference, turned),
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
