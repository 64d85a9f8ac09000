"""What a scenario states: its cases, the bars, and how far answers may differ."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Bar:
    """One line of the table: lightmeter against a peer, or alone where `peer` is None.

    `metric` is "cpu" or "wall" (seconds per item) or a key of the answers. The value is how many
    times faster than the peer lightmeter is, or, with `at_most`, how many times the peer's cost it
    has. A bar by kernel tier holds for the tiers it names.
    """

    peer: str | None
    metric: str = "cpu"
    at_least: float | Mapping[str, float] | None = None
    at_most: float | Mapping[str, float] | None = None
    case: str | None = None  # None: all cases
    ours: str = "lightmeter"

    def value(self, ours: float, peer: float | None) -> float:
        if peer is None:
            return ours
        return ours / peer if self.at_least is None else peer / ours

    def limit(self, tier: str) -> float | None:
        limit = self.at_most if self.at_least is None else self.at_least
        return limit.get(tier) if isinstance(limit, Mapping) else limit

    def met(self, value: float, limit: float) -> bool:
        return value <= limit if self.at_least is None else value >= limit


@dataclass(frozen=True)
class Scenario:
    """A folder: every other file in it is a competitor.

    Numbers that two competitors both name must agree within `tolerance` (relative, and absolute
    below 1); `loose` gives an absolute one to (competitor, name) where the definitions differ.
    """

    unit: str  # what one item is
    bars: list[Bar]
    cases: tuple[str, ...] = ("",)
    tolerance: float = 1e-9
    loose: Mapping[tuple[str, str], float] = field(default_factory=dict)
    launches: int = 3  # of fresh processes: where memory falls makes some of them slower
    rounds: int = 5  # of turns in each launch; 0: nothing is timed
