"""By how much the shares of categories and of few values changed."""

from collections.abc import Sequence
from typing import NamedTuple

from lightmeter import _core
from lightmeter.drift.shape import Numbers


class Share(NamedTuple):
    """A share of values, as an interval."""

    low: float
    high: float


class ShareChange(NamedTuple):
    """How the share of a value changed.

    Attributes:
        value: a text, a number, or None for all values that are no text.
        before: its share of the reference.
        after: its share of the target.
    """

    value: str | float | None
    before: Share
    after: Share

    @property
    def size(self) -> float:
        """The least that the share can have changed by; below 0 where it may not have changed."""
        return max(self.after.low - self.before.high, self.before.low - self.after.high)

    @property
    def rose(self) -> bool:
        """Whether the share rose, if it changed."""
        return self.after.low > self.before.high

    @property
    def is_new(self) -> bool:
        """Whether it is certain that the reference lacks the value."""
        return self.before.high == 0 < self.after.low

    @property
    def is_gone(self) -> bool:
        """Whether it is certain that the target lacks the value."""
        return self.after.high == 0 < self.before.low


def changes_of_strings(
    target: _core.FrequentStrings,
    reference: _core.FrequentStrings,
    others: Sequence[int] = (0, 0),
) -> list[ShareChange]:
    """Those of all values that either side lists, the largest first.

    Args:
        target: the strings of one side.
        reference: those of the other.
        others: how many values of each side are no strings.
    """
    sides = []
    for strings, other in zip((target, reference), others, strict=True):
        n = strings.n + other
        listed = {value: Share(low / n, high / n) for value, low, high in strings.items()}
        sides.append((listed, Share(0.0, strings.floor / n), Share(other / n, other / n)))
    (after, unlisted, other_after), (before, unlisted_before, other_before) = sides
    changes = [
        ShareChange(value, before.get(value, unlisted_before), after.get(value, unlisted))
        for value in {**after, **before}
    ]
    if any(others):
        changes.append(ShareChange(None, other_before, other_after))
    return sorted(changes, key=lambda change: -change.size)


def changes_of_values(target: Numbers, reference: Numbers) -> list[ShareChange]:
    """Those of all numbers of either side, the largest first; of a few, which are no samples."""
    changes = []
    for value in sorted({*target.values.tolist(), *reference.values.tolist()}):
        after, before = (side.within(value, value) for side in (target, reference))
        changes.append(ShareChange(value, Share(before, before), Share(after, after)))
    return sorted(changes, key=lambda change: -change.size)
