"""What the rules on a number of each feature share."""

from dataclasses import dataclass

from lightmeter.monitor.results import ANOMALY, OK, Result
from lightmeter.monitor.rules.rule import FeatureRule
from lightmeter.monitor.scalars import SCALARS


@dataclass(frozen=True, kw_only=True)
class ScalarRule(FeatureRule):
    """A rule on a number of each feature.

    Attributes:
        scalar: which number, see `SCALARS`.
    """

    scalar: str = "mean"

    def __post_init__(self) -> None:
        """Refuse an unknown scalar."""
        if self.scalar not in SCALARS:
            raise ValueError(f"scalar is {self.scalar!r}; expected one of {', '.join(SCALARS)}")


def within(name: str, value: float, lower: float | None, upper: float | None) -> Result:
    """The result of a value. Rounding of a constant is no change."""
    sizes = [abs(limit) for limit in (lower, upper) if limit is not None]
    room = 1e-9 * (max(sizes, default=0.0) or 1.0)
    low = lower is not None and value < lower - room
    high = upper is not None and value > upper + room
    return Result(name, ANOMALY if low or high else OK, value, lower, upper)
