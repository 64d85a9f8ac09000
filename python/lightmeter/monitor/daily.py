"""The buckets of a segment as days, in short: what the rule on slow change reads."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import numpy as np

from lightmeter.drift.trend import (
    FIRST,
    Numbers,
    Statistic,
    hues_of,
    level_of,
    rate_of,
    spread_of,
)
from lightmeter.monitor.summaries import (
    COSINE,
    MEAN,
    MEDIAN,
    MISSING,
    ODD,
    OTHERS,
    ROWS,
    SINE,
    STDDEV,
    VALUES,
    N,
    Summary,
)
from lightmeter.profile.features import Family

_MOST_OTHERS = 0.1  # of the values: where nearly all are one and the same, the others are counted
_MOST_VALUES = 20  # of a category; rarer ones are not judged


class Part(NamedTuple):
    """One statistic of a feature, and the share of the feature's false alarms that it may have."""

    column: str
    feature: str
    family: Family
    aspect: str  # "level", "spread", "direction", "concentration", a kind of rate, or a category
    share: float


class Daily:
    """Days in order of time, each of one bucket or of all that begin on it.

    What is said of a day follows from the days up to it: which features and values are judged is
    decided by the first 28 days.

    Attributes:
        days: UTC.
    """

    def __init__(self, buckets: Iterable[tuple[datetime, Summary]]) -> None:
        """Take the buckets that are not left out, in order of time."""
        by_day: dict[date, list[Summary]] = {}
        for start, summary in buckets:
            by_day.setdefault(start.date(), []).append(summary)
        self.days = list(by_day)
        first = list(by_day.values())[:FIRST]
        families: dict[str, Family] = {}
        counts = Counter[str]()
        for summaries in first:
            counts.update({name for summary in summaries for name in summary.names})
            for summary in summaries:
                families |= {name: each.family for name, each in summary.meanings.items()}
        names = tuple(sorted(name for name, many in counts.items() if 2 * many >= len(first)))
        self._names, self._families = names, families
        self._kinds = {n: k for day in first for each in day for n, k in each.kinds.items()}
        self._table = np.array([_merged(day, names) for day in by_day.values()])
        self._table = self._table.reshape(len(by_day), ROWS, len(names))
        self._categories = [
            {name: _counts_of(name, day) for name in names if self._kinds[name] == "category"}
            for day in by_day.values()
        ]

    def until(self, day: date) -> int:
        """Return how many days there are up to a day and with it."""
        return bisect_left(self.days, day) + 1

    def statistics(self) -> list[tuple[list[Part], Statistic]]:
        """Return all that is judged; each statistic has a column for each of its parts."""
        if not len(self.days):
            return []
        result = [*self._moments(), *self._hues()]
        rates = self._rates()
        if rates:
            parts, hits, n = zip(*rates, strict=True)
            result.append((list(parts), rate_of(np.stack(hits, axis=1), np.stack(n, axis=1))))
        return [(parts, statistic) for parts, statistic in result if parts]

    def _moments(self) -> list[tuple[list[Part], Statistic]]:
        at = [i for i, name in enumerate(self._names) if self._kinds[name] == "number"]
        at = [i for i in at if not self._is_constant(i)]
        n, mean, stddev = (self._table[:, row][:, at] for row in (N, MEAN, STDDEV))
        return [
            ([self._part(i, "level", 0.76) for i in at], level_of(mean, stddev, n)),
            ([self._part(i, "spread", 0.19) for i in at], spread_of(stddev, n)),
        ]

    def _hues(self) -> list[tuple[list[Part], Statistic]]:
        at = [i for i, name in enumerate(self._names) if self._kinds[name] == "hue"]
        n, cosine, sine = (self._table[:, row][:, at] for row in (N, COSINE, SINE))
        turned, lengths = hues_of(cosine, sine, n)
        return [
            ([self._part(i, "direction", 0.76) for i in at], turned),
            ([self._part(i, "concentration", 0.19) for i in at], lengths),
        ]

    def _rates(self) -> list[tuple[Part, Numbers, Numbers]]:
        """The rates of failures, missing values, text among numbers, and values of categories."""
        found = []
        for i, name in enumerate(self._names):
            missing, values, odd, n = (self._table[:, row, i] for row in (MISSING, VALUES, ODD, N))
            if self._kinds[name] == "failure":
                found.append((self._part(i, "failures", 1.0), values, values + missing))
                continue
            rates = [("missing", missing, missing + values)]
            if self._kinds[name] != "category":
                rates.append(("not a number", odd, odd + n))
            for aspect, hits, total in rates:
                part = self._part(i, aspect, 0.025)._replace(feature=f"{name}:{aspect}")
                found.append((part, hits, total))
            if self._kinds[name] == "category":
                found += self._shares(i, name)
            elif self._kinds[name] == "number" and self._is_constant(i):
                found.append((self._part(i, "rate", 0.95), self._others(i), n))
        return found

    def _shares(self, i: int, name: str) -> list[tuple[Part, Numbers, Numbers]]:
        totals = Counter[str]()
        for day in self._categories[:FIRST]:
            totals.update(day[name])
        values = [value for value, _ in totals.most_common(_MOST_VALUES)]
        values = values[: 1 if len(values) == 2 else None]  # the other one says the same
        n = self._table[:, VALUES, i]
        return [
            (
                self._part(i, value, 0.95 / len(values)),
                np.array([float(day[name][value]) for day in self._categories]),
                n,
            )
            for value in values
        ]

    def _is_constant(self, i: int) -> bool:
        n, others = self._table[:FIRST, N, i].sum(), self._others(i)[:FIRST].sum()
        return bool(others <= _MOST_OTHERS * n)

    def _others(self, i: int) -> Numbers:
        """How many values differ from the one that nearly all had in the first days."""
        n, medians, others = (self._table[:, row, i] for row in (N, MEDIAN, OTHERS))
        known = np.sort(medians[:FIRST][n[:FIRST] > 0])
        if not len(known):
            return np.zeros(len(n))
        return np.asarray(np.where(medians == known[(len(known) - 1) // 2], others, n))

    def _part(self, i: int, aspect: str, share: float) -> Part:
        name = self._names[i]
        return Part(name, name, self._families[name], aspect, share)


def _merged(summaries: Sequence[Summary], names: tuple[str, ...]) -> Numbers:
    """The table of several buckets as one."""
    tables = np.stack([summary.aligned(names) for summary in summaries])
    result: Numbers = tables.sum(axis=0)
    if len(tables) == 1:
        return result
    n, total = tables[:, N], np.maximum(result[N], 1.0)
    result[MEAN] = (n * tables[:, MEAN]).sum(axis=0) / total  # the cosine of hues too
    hues = (n * tables[:, SINE]).sum(axis=0) / total
    squares = (
        np.maximum(n - 1, 0) * tables[:, STDDEV] ** 2 + n * (tables[:, MEAN] - result[MEAN]) ** 2
    )
    spread = np.sqrt(squares.sum(axis=0) / np.maximum(result[N] - 1, 1.0))
    kinds: Mapping[str, str] = {n: k for summary in summaries for n, k in summary.kinds.items()}
    result[STDDEV] = np.where([kinds.get(name) == "hue" for name in names], hues, spread)
    order = np.sort(np.where(n > 0, tables[:, MEDIAN], math.inf), axis=0)
    middle = order[np.maximum((n > 0).sum(axis=0) - 1, 0) // 2, np.arange(len(names))]
    result[MEDIAN] = np.where(np.isfinite(middle), middle, 0.0)
    # Of a bucket with another median at least half of the values are not the common one.
    others = np.where(tables[:, MEDIAN] == result[MEDIAN], tables[:, OTHERS], n - n // 2)
    result[OTHERS] = np.where(n > 0, others, 0).sum(axis=0)
    return result


def _counts_of(name: str, summaries: Sequence[Summary]) -> Counter[str]:
    counts = Counter[str]()
    for summary in summaries:
        counts.update(summary.categories.get(name, {}))
    return counts
