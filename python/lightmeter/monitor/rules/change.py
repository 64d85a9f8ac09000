"""The rule on a change from the baseline."""

import math
from dataclasses import dataclass

from lightmeter.drift.readings import Unlike
from lightmeter.monitor.results import NOT_ENOUGH, Result
from lightmeter.monitor.rules.rule import RULES
from lightmeter.monitor.rules.scalar import ScalarRule, within
from lightmeter.monitor.scalars import scalar_of
from lightmeter.monitor.shelf import Contents, Past
from lightmeter.profile.scalars import HUE_STEPS, arc, is_hue, nearest_turn


@RULES("change")
@dataclass(frozen=True, kw_only=True)
class ChangeRule(ScalarRule):
    """A number differs from the baseline's by more than a share of it, or an amount.

    The mean of a hue differs by the shorter way around the circle. It has no zero to take a share
    from. So `relative` is a share of half the circle, the most it can differ by.

    Attributes:
        relative: the largest difference that is ok, as a share of the baseline's number.
        absolute: the largest difference that is ok, as an amount.
    """

    relative: float | None = None
    absolute: float | None = None

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        super().__post_init__()
        if self.scalar == "lag":
            raise ValueError("scalar is 'lag', which takes a rule of the type interval or limits")
        given = [number for number in (self.relative, self.absolute) if number is not None]
        if len(given) != 1:
            raise ValueError(f"got {len(given)} of relative and absolute; expected one of them")
        if not 0 < given[0] < math.inf:
            key = "absolute" if self.relative is None else "relative"
            raise ValueError(f"{key} is {given[0]}; expected a finite number above 0")

    def judge(self, target: Contents, baseline: Past) -> list[Result]:
        """One result per feature that has the number on both sides."""
        past = self._columns(baseline.merged)
        unlike = Unlike(target.view.readings, baseline.merged.view.readings)
        results = []
        for name, column in self._columns(target).items():
            value = scalar_of(column, self.scalar)
            before = scalar_of(past[name], self.scalar) if name in past else None
            if value is None or before is None:
                continue
            if reason := unlike.reason(name):
                results.append(Result(name, NOT_ENOUGH, value, words=reason))
                continue
            if self.scalar == "n":  # of one bucket
                before /= baseline.count
            circular = is_hue(column, self.scalar)
            whole = HUE_STEPS / 2 if circular else abs(before)
            room = self.absolute if self.relative is None else self.relative * whole
            assert room is not None
            lower, upper = before - room, before + room
            if circular:
                lower, upper = arc(lower, upper)
                value = nearest_turn(value, (lower + upper) / 2)
            results.append(within(name, value, lower, upper))
        return results
