"""The buckets of a segment as days, in short: what the rule on slow change reads."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import numpy as np

from lightmeter.drift.trend import (
    FIRST,
    Numbers,
    Statistic,
    directions_of,
    level_of,
    rate_of,
    spread_of,
)
from lightmeter.monitor import summaries as rows
from lightmeter.monitor.summaries import MOST_OTHERS, MOST_VALUES, Summary, common_value
from lightmeter.profile.features import Family


class Part(NamedTuple):
    """One statistic of a feature, and the share of the feature's false alarms that it may have."""

    column: str
    feature: str
    family: Family
    aspect: str  # "level", "spread", "direction", "rate", a kind of rate, or a value of a category
    share: float


class Daily:
    """Days in order of time.

    What is said of a day follows from the days up to it: which features and values are judged is
    decided by the first 28 days.

    Attributes:
        days: UTC.
    """

    def __init__(self, summaries: Mapping[date, Summary]) -> None:
        """Take the days that are not left out, in order of time."""
        self.days = list(summaries)
        first = list(summaries.values())[:FIRST]
        counts = Counter(name for each in first for name in each.names)
        names = tuple(sorted(name for name, many in counts.items() if 2 * many >= len(first)))
        self._names, self._summaries = names, list(summaries.values())
        self._families = {n: meaning.family for day in first for n, meaning in day.meanings.items()}
        self._kinds = {name: kind for day in first for name, kind in day.kinds.items()}

    def until(self, day: date) -> int:
        """Return how many days there are up to a day and with it."""
        return bisect_left(self.days, day) + 1

    def statistics(self) -> list[tuple[list[Part], Statistic]]:
        """Return all that is judged; each statistic has a column for each of its parts."""
        self._table = np.array([each.aligned(self._names) for each in self._summaries])
        # How many values differ from the one that nearly all had in the first days.
        n, medians, others = (self._table[:, row] for row in (rows.N, rows.MEDIAN, rows.OTHERS))
        common = common_value(n[:FIRST], medians[:FIRST])
        self._others = np.where(np.isfinite(common), np.where(medians == common, others, n), 0.0)
        self._is_constant = self._others[:FIRST].sum(axis=0) <= MOST_OTHERS * n[:FIRST].sum(axis=0)
        kinds = np.array([self._kinds[name] for name in self._names])
        at = np.flatnonzero((kinds == "number") & ~self._is_constant).tolist()
        n, mean, stddev = (self._table[:, row][:, at] for row in (rows.N, rows.MEAN, rows.STDDEV))
        result = [
            ([self._part(i, "level", 0.76) for i in at], level_of(mean, stddev, n)),
            ([self._part(i, "spread", 0.19) for i in at], spread_of(stddev, n)),
        ]
        at = np.flatnonzero(kinds == "hue").tolist()
        n, cosine, sine = (self._table[:, row][:, at] for row in (rows.N, rows.COSINE, rows.SINE))
        parts = [self._part(i, "direction", 0.475) for i in at]
        result += [(parts, statistic) for statistic in directions_of(cosine, sine, n)]
        if rates := self._rates():
            every, hits, total = zip(*rates, strict=True)
            result.append((list(every), rate_of(np.stack(hits, axis=1), np.stack(total, axis=1))))
        return [(parts, statistic) for parts, statistic in result if parts]

    def _rates(self) -> list[tuple[Part, Numbers, Numbers]]:
        """The rates of failures, missing values, text among numbers, and values of categories."""
        found = []
        for i, (name, kind) in enumerate((name, self._kinds[name]) for name in self._names):
            missing, values, odd, n = self._table[
                :, (rows.MISSING, rows.VALUES, rows.ODD, rows.N), i
            ].T
            if kind == "failure":
                found.append((self._part(i, "failures", 1.0), values, values + missing))
                continue
            rates = [("missing", missing, missing + values)]
            if kind != "category":
                rates.append(("not a number", odd, odd + n))
            for aspect, hits, total in rates:
                part = self._part(i, aspect, 0.025)._replace(feature=f"{name}:{aspect}")
                found.append((part, hits, total))
            if kind == "number" and self._is_constant[i]:
                found.append((self._part(i, "rate", 0.95), self._others[:, i], n))
            if kind == "category":
                counts = [Counter(day.categories.get(name)) for day in self._summaries]
                totals = sum(counts[:FIRST], Counter[str]())
                likely = [value for value, _ in totals.most_common(MOST_VALUES)]
                likely = likely[: 1 if len(likely) == 2 else None]  # the other one says the same
                for value in likely:
                    hits = np.array([float(day[value]) for day in counts])
                    found.append((self._part(i, value, 0.95 / len(likely)), hits, values))
        return found

    def _part(self, i: int, aspect: str, share: float) -> Part:
        name = self._names[i]
        return Part(name, name, self._families[name], aspect, share)
