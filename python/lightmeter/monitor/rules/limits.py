"""The rule on fixed limits."""

import math
from dataclasses import dataclass

from lightmeter.monitor.results import ERROR, Result
from lightmeter.monitor.rules.rule import RULES
from lightmeter.monitor.rules.scalar import ScalarRule, within
from lightmeter.monitor.scalars import scalar_of
from lightmeter.monitor.shelf import Contents, Past
from lightmeter.profile.scalars import HUE_STEPS, arc, is_hue, nearest_turn


@RULES("limits")
@dataclass(frozen=True, kw_only=True)
class LimitsRule(ScalarRule):
    """A number lies outside of fixed limits.

    The mean of a hue lies on a circle: `lower` to `upper` is an arc, which passes 0 if `upper` is
    less. For any other feature such limits are an error, which the judged bucket tells.

    Attributes:
        lower: the smallest value that is ok; None for no such limit.
        upper: the largest value that is ok; None for no such limit.
    """

    lower: float | None = None
    upper: float | None = None
    needs_baseline = False

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        super().__post_init__()
        if self.lower is None and self.upper is None:
            raise ValueError("lower and upper are missing; expected at least one of them")
        given = [limit for limit in (self.lower, self.upper) if limit is not None]
        if not all(map(math.isfinite, given)):
            raise ValueError(f"got the limits {given}; expected finite numbers")
        if given != sorted(given) and self.scalar != "mean":
            raise ValueError(self._reversed)

    def judge(self, target: Contents, baseline: Past) -> list[Result]:
        """One result per feature that has the number."""
        results = []
        for name, column in self._columns(target).items():
            value = scalar_of(column, self.scalar)
            if value is None:
                continue
            lower, upper = self.lower, self.upper
            if lower is not None and upper is not None:
                if is_hue(column, self.scalar):
                    lower, upper = arc(lower, upper + HUE_STEPS * (upper < lower))
                    value = nearest_turn(value, (lower + upper) / 2)
                elif lower > upper:
                    words = f"no hue: {self._reversed}"
                    results.append(Result(name, ERROR, value, words=words))
                    continue
            results.append(within(name, value, lower, upper))
        return results

    @property
    def _reversed(self) -> str:
        return (
            f"lower is {self.lower} and upper is {self.upper}; expected lower up to upper, "
            "except for the mean of hues"
        )
