"""What is judged of the days of a segment: the statistics of their features over time."""

from collections import Counter
from collections.abc import Sequence
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


def statistics_of(days: Sequence[Summary]) -> list[tuple[list[Part], Statistic]]:
    """Return all that is judged; each statistic has a column for each of its parts.

    What is said of a day follows from the days up to it: which features and values are judged is
    decided by the first 28 days.
    """
    first = days[:FIRST]
    there = Counter(name for day in first for name in day.names)
    names = tuple(sorted(name for name, many in there.items() if 2 * many >= len(first)))
    families = {name: meaning.family for day in first for name, meaning in day.meanings.items()}
    kinds = {name: kind for day in first for name, kind in day.kinds.items()}
    table = np.array([day.aligned(names) for day in days])
    # How many values differ from the one that nearly all had in the first days.
    n, medians, others = (table[:, row] for row in (rows.N, rows.MEDIAN, rows.OTHERS))
    common = common_value(n[:FIRST], medians[:FIRST])
    others = np.where(np.isfinite(common), np.where(medians == common, others, n), 0.0)
    is_constant = others[:FIRST].sum(axis=0) <= MOST_OTHERS * n[:FIRST].sum(axis=0)
    rates: list[tuple[Part, Numbers, Numbers]] = []

    def part(i: int, aspect: str, share: float, suffix: str = "") -> Part:
        return Part(names[i], names[i] + suffix, families[names[i]], aspect, share)

    for i, (name, column) in enumerate(zip(names, table.transpose(2, 1, 0), strict=True)):
        missing, values, odd = (column[row] for row in (rows.MISSING, rows.VALUES, rows.ODD))
        if kinds[name] == "failure":
            rates.append((part(i, "failures", 1.0), values, values + missing))
            continue
        rates.append((part(i, "missing", 0.025, ":missing"), missing, missing + values))
        if kinds[name] != "category":
            rates.append((part(i, "not a number", 0.025, ":not a number"), odd, odd + n[:, i]))
        if kinds[name] == "number" and is_constant[i]:
            rates.append((part(i, "rate", 0.95), others[:, i], n[:, i]))
        if kinds[name] == "category":
            seen = [Counter(day.categories.get(name)) for day in days]
            likely = sum(seen[:FIRST], Counter[str]()).most_common(MOST_VALUES)
            likely = likely[: 1 if len(likely) == 2 else None]  # the other one says the same
            for value, _ in likely:
                hits = np.array([float(day[value]) for day in seen])
                rates.append((part(i, value, 0.95 / len(likely)), hits, values))
    at = [i for i, name in enumerate(names) if kinds[name] == "number" and not is_constant[i]]
    n, mean, stddev = (table[:, row][:, at] for row in (rows.N, rows.MEAN, rows.STDDEV))
    result = [
        ([part(i, "level", 0.76) for i in at], level_of(mean, stddev, n)),
        ([part(i, "spread", 0.19) for i in at], spread_of(stddev, n)),
    ]
    at = [i for i, name in enumerate(names) if kinds[name] == "hue"]
    n, cosine, sine = (table[:, row][:, at] for row in (rows.N, rows.COSINE, rows.SINE))
    directions = [part(i, "direction", 0.475) for i in at]
    result += [(directions, statistic) for statistic in directions_of(cosine, sine, n)]
    if rates:
        every, *counts = zip(*rates, strict=True)
        result.append((list(every), rate_of(*(np.stack(each, axis=1) for each in counts))))
    return [(parts, statistic) for parts, statistic in result if parts]
