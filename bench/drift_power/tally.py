"""What was counted, and the tables of it."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from judges import JUDGES, SLOW, Side
from run import upper_limit

Ask = tuple[str, int, str]  # what changed, images on either side, judge


class Tally:
    """How often each judge was asked, and said drift."""

    def __init__(self) -> None:
        self.asked: Counter[Ask] = Counter()
        self.drifts: Counter[Ask] = Counter()

    def judge(self, change: str, draw: int, target: Side, reference: Side) -> None:
        for name, decide in JUDGES.items():
            if name not in SLOW or draw % 4 == 0:
                ask = change, len(target.places), name
                self.asked[ask] += 1
                self.drifts[ask] += decide(target, reference)

    def share(self, change: str, n: int, judge: str) -> float:
        """In per cent; NaN where it was not asked."""
        asked = self.asked[change, n, judge]
        return 100 * self.drifts[change, n, judge] / asked if asked else np.nan

    def with_limits(self, change: str, *sizes: int) -> Iterator[str]:
        """The share of each judge over all sizes, and its upper 95 % limit."""
        for name in JUDGES:
            asked, drifts = (
                sum(count[change, n, name] for n in sizes) for count in (self.asked, self.drifts)
            )
            limit = 100 * upper_limit(drifts, asked)
            yield f"{100 * drifts / asked:.1f} ({limit:.1f})"

    def by(self, asks: Sequence[tuple[str, int]]) -> Iterator[str]:
        """The shares of each judge, one after another."""
        for name in JUDGES:
            yield " ".join(written(self.share(*ask, name)) for ask in asks)


def written(percent: float) -> str:
    return "-" if np.isnan(percent) else f"{percent:.0f}"


def head(first: str) -> None:
    columns = [*first.split(" | "), *JUDGES]
    print(f"\n| {' | '.join(columns)} |")
    print("| --- " * len(columns) + "|")


def row(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)
