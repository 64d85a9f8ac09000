"""How the values of two sides lie to each other, read off their sketches for sentences."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.drift.row import FeatureDrift, column_of

STEPS = 255.0  # around the circle of hues

_EDGE = 0.01  # of the reference, at either end
_TRIMMED = 0.05  # of a side, at either end
_MIDDLES = 0.5, 0.6, 0.7, 0.8, 0.9  # of a side
_KOLMOGOROV = 1.358  # standard errors, which D exceeds in one case of twenty
_ROUNDING = 1e-9  # values; what a product of shares and counts may be off by

Array = NDArray[np.float64]


class Numbers:
    """The values of one side with their counts."""

    def __init__(self, sketch: _core.QuantileSketch) -> None:
        """Of a sketch that holds some."""
        self.values, self.counts = sketch.weights()
        self.before = np.concatenate(([0], np.cumsum(self.counts)))
        self.n = int(self.before[-1])

    def share_of(self, value: float) -> float:
        """The share of values that are this one."""
        first, last = (np.searchsorted(self.values, value, side) for side in ("left", "right"))
        return float(self.before[last] - self.before[first]) / self.n

    def width(self, share: float) -> float:
        """From the least to the greatest of so many values in the middle."""
        ends = ((1 + way * share) / 2 * self.n - _ROUNDING for way in (1, -1))
        high, low = (self.values[np.searchsorted(self.before[1:], end)] for end in ends)
        return float(high - low)

    def trimmed_mean(self) -> float:
        """The mean without the least and the greatest twentieth."""
        ends = np.clip(self.before, _TRIMMED * self.n, (1 - _TRIMMED) * self.n)
        weights = np.diff(ends)
        return float(np.dot(self.values, weights / weights.sum()))


def numbers_of_both(line: FeatureDrift) -> tuple[Numbers, Numbers] | None:
    """The numbers of the target and of the reference; None of a line without its sides."""
    if line.sides is None:
        return None
    target, reference = (Numbers(_core.numbers_of(view._core, line.feature)) for view in line.sides)
    return target, reference


class End(NamedTuple):
    """What lies beyond all but a hundredth of the reference, at one of its ends.

    Attributes:
        share: of the target.
        tail: by how much that is more than of the reference.
        rest: Kolmogorov and Smirnov's D of everything else.
        chance: what that exceeds in one of twenty cases where nothing changed.
    """

    share: float
    tail: float
    rest: float
    chance: float


class Shape(NamedTuple):
    """What a mean and a standard deviation do not tell.

    Pairs are of the target and of the reference.

    Attributes:
        above: the upper end.
        below: the lower end.
        more: by how much the share above some threshold rose at most.
        less: the same of the share below some threshold.
        larger: the chance that a value of the target is larger than one of the reference; that they
            are equal counts half.
        trimmed: means without a twentieth at either end.
        widths: how wide the middle half is, and the middle six to nine tenths.
        least: the least value of either side.
        value: the number whose share changed the most.
        most: by how much the share of values from one to another changed the most.
    """

    above: End
    below: End
    more: float
    less: float
    larger: float
    trimmed: tuple[float, float]
    widths: tuple[tuple[float, float], ...]
    least: float
    value: float
    most: float


def shape_of(target: Numbers, reference: Numbers) -> Shape:
    """Of two sides with values."""
    sizes = target.n, reference.n
    pool = np.union1d(target.values, reference.values)
    passed, passed_before = (
        side.before[np.searchsorted(side.values, pool, "right")] / side.n
        for side in (target, reference)
    )
    at, at_before = (np.diff(side, prepend=0.0) for side in (passed, passed_before))
    # Before the first value, and after each: how much more of the target has passed.
    ahead = np.concatenate(([0.0], passed - passed_before))
    return Shape(
        above=_end(passed, passed_before, sizes),
        below=_end(_from_above(passed), _from_above(passed_before), sizes),
        more=max(0.0, float(-ahead.min())),
        less=max(0.0, float(ahead.max())),
        larger=float(np.dot(at, passed_before - at_before / 2)),  # Mann and Whitney's count
        trimmed=(target.trimmed_mean(), reference.trimmed_mean()),
        widths=tuple((target.width(share), reference.width(share)) for share in _MIDDLES),
        least=float(pool[0]),
        value=float(pool[np.abs(np.diff(ahead)).argmax()]),
        most=float(np.ptp(ahead)),
    )


def _from_above(passed: Array) -> Array:
    """The share of values that are at least each one, the greatest first."""
    return 1 - np.concatenate(([0.0], passed[:-1]))[::-1]


def _end(passed: Array, passed_before: Array, sizes: tuple[int, int]) -> End:
    """The upper end of distribution functions; of those from above, the lower end."""
    last = int(np.searchsorted(passed_before, 1 - _EDGE - _ROUNDING / sizes[1]))
    most, most_before = float(passed[last]), float(passed_before[last])
    if not most:
        return End(1.0, most_before, 1.0, 0.0)
    apart = np.abs(passed[: last + 1] / most - passed_before[: last + 1] / most_before)
    kept = most * sizes[0], most_before * sizes[1]
    chance = _KOLMOGOROV * math.sqrt(1 / kept[0] + 1 / kept[1])
    return End(1 - most, most_before - most, float(apart.max()), chance)


class Turn(NamedTuple):
    """The rotation of one mean of hues to the other, and what it explains.

    Attributes:
        steps: by which the reference was turned, of 255 around the circle.
        apart: Kuiper's V of both sides.
        left: the same after the rotation.
        gathered: how gathered the hues of the less gathered side are: the resultant length, 0 to 1.
    """

    steps: float
    apart: float
    left: float
    gathered: float


def turn_of(target: Numbers, reference: Numbers) -> Turn:
    """Of two sides with hues."""
    own, other = (
        complex(np.dot(np.exp(side.values * (2j * np.pi / STEPS)), side.counts)) / side.n
        for side in (target, reference)
    )
    turned = float(np.angle(own * other.conjugate())) * STEPS / (2 * math.pi)
    apart, left = (_kuiper(target, reference, by) for by in (0.0, turned))
    return Turn(turned, apart, left, min(abs(own), abs(other)))


def _kuiper(target: Numbers, reference: Numbers, steps: float) -> float:
    """V of the target turned back by so many steps."""
    values = np.concatenate(((target.values - steps) % STEPS, reference.values % STEPS))
    jumps = np.concatenate((target.counts / target.n, reference.counts / -reference.n))
    order = np.argsort(values)
    last = np.append(np.diff(values[order]) > 0, True)  # of equal values
    passed = np.cumsum(jumps[order])[last]
    return float(max(passed.max(), 0.0) - min(passed.min(), 0.0))


class ShareChange(NamedTuple):
    """How the share of a text changed, or of all values that are no text, which is None.

    Shares are known between ends, where a side does not list all of its texts.
    """

    value: str | None
    before: tuple[float, float]
    after: tuple[float, float]

    @property
    def size(self) -> float:
        """The least that the share can have changed by; below 0 where it may not have changed."""
        return max(self.after[0] - self.before[1], self.before[0] - self.after[1])

    @property
    def is_new(self) -> bool:
        """Whether it is certain that the reference lacks the value."""
        return self.before[1] == 0 < self.after[0]

    @property
    def is_gone(self) -> bool:
        """Whether it is certain that the target lacks the value."""
        return self.after[1] == 0 < self.before[0]


def string_changes(line: FeatureDrift) -> list[ShareChange]:
    """Those of all texts that either side lists, the largest first."""
    assert line.sides is not None
    shares: list[dict[str | None, tuple[float, float]]] = []
    unlisted = []
    for view, n in zip(line.sides, (line.n_target, line.n_reference), strict=True):
        name = column_of(line.feature)
        texts = view._core.strings(name) if name in view._core else _core.FrequentStrings()
        shares.append({value: (low / n, high / n) for value, low, high in texts.items()})
        if texts.n < n:
            shares[-1][None] = ((n - texts.n) / n,) * 2
        unlisted.append((0.0, texts.floor / n))
    after, before = shares
    changes = [
        ShareChange(value, before.get(value, unlisted[1]), after.get(value, unlisted[0]))
        for value in after | before
    ]
    return sorted(changes, key=lambda change: -change.size)
