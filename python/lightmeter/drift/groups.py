"""Testing images in groups, such as bursts or slides, by the variation between groups.

Images of one group resemble each other, so they carry less information than independent images.
Here, only groups are assumed independent. Sides are compared by Student's t of the groups' means,
weighted by a model of random effects (Hartung and Knapp 2001). The mean of a group of n images has
the variance

    between * share + within / n

where `share` is 1 unless there are many groups. With many groups, a hash bucket of names holds
several, whose mean varies less. Their number is known only on average; see `Grouped.of`. In this
case `between` is fitted to buckets with equal weights, because larger buckets hold more groups, so
that weights would correlate with `share`. The standard error of a mean is the larger of two: the
one from the residuals, and the one from these variances, which accounts for the lower precision of
small groups.

Shares are means of 0 and 1. Because rare hits are not normal, a share must pass a second test:
Fisher's exact test of counts divided by the design effect.

A change of the spread alone is not detected, because no test of spreads kept its level with few
groups of unequal size.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from lightmeter import _core
from lightmeter.drift.prediction import Numbers, variance_between
from lightmeter.drift.row import FeatureDrift, fill, rest_on, too_few

# Lower bound of the variance between groups, as a share of the variance within. With few groups,
# the estimate may be 0, and then a very large group would decide alone.
_LEAST_BETWEEN = 0.05

_CROWDED = 0.9  # share below which buckets hold several groups so often that it matters
_POWERS = np.arange(1.0, 60.0)  # of a rate, which is at most 5.6

_NOTHING = 1e-150  # of a variance: the square of its inverse is a float

Table = Mapping[str, Any]  # data of a feature by group in a profile

MIN_GROUPS = 5  # on each side; below, the variance between groups is hardly known


class Grouped(NamedTuple):
    """Hold a number of one side by groups: arrays have an item for each bucket of groups.

    Values that are their own groups form one more item, with one unit for each value.

    Attributes
    ----------
    n
        Values per unit: those of the bucket, or 1.
    mean
        Means of the items.
    units
        Number of units in each item.
    squares
        Sums of squares of the unit means about the item's mean.
    share
        Share of the variance between groups in the mean of a unit, on average.
    within
        Sum of squares of values about the means of the buckets.
    groups
        Number of groups, estimated from the number of empty buckets.
    """

    n: Numbers
    mean: Numbers
    units: Numbers
    squares: Numbers
    share: Numbers
    within: float
    groups: int

    @classmethod
    def of(cls, n: Numbers, mean: Numbers, within: float, single: float = 0.0) -> Self:
        """Create it from tables whose last item holds the values that are their own groups.

        Names are hashed to the other places, so the number of groups in a place has a Poisson
        distribution, whose rate r follows from the empty places. A mean of k groups has 1 / k of
        the variance between groups. The mean of 1 / k over used places is the sum of r^k / (k k!),
        divided by exp(r) - 1.
        """
        used, places = n > 0, len(n) - 1
        rate = -math.log1p(-min(used[:-1].sum(), places - 1) / places)
        powers = (np.cumprod(rate / _POWERS) / _POWERS).sum()
        last = np.arange(len(n)) == places
        return cls(
            n=np.where(last, 1.0, n)[used],
            mean=mean[used],
            units=np.where(last, n, 1.0)[used],
            squares=np.where(last, single, 0.0)[used],
            share=np.where(last, 1.0, powers / math.expm1(rate) if rate else 1.0)[used],
            within=within,
            groups=round(places * rate) + int(n[-1]),
        )


@np.errstate(all="ignore")
def mean_p_value(target: Grouped, reference: Grouped) -> float:
    """Return the p-value of the difference of the means of two sides.

    Each side needs at least one group, and both together three. The p-value is 1 if a square
    overflows.
    """
    side = np.repeat((0, 1), (len(target.n), len(reference.n)))
    parts = zip(target[:5], reference[:5], strict=True)
    n, mean, units, squares, share = map(np.concatenate, parts)
    within = (target.within + reference.within) / max(1.0, float(units @ (n - 1)))

    def sums(each: Numbers) -> Numbers:
        return np.add.reduceat(each, (0, len(target.n)))

    def fitted(between: float, *, alike: bool = False) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Return the weights of units by variance; and for each side the weight, mean and squares.

        With `alike`, units of crowded buckets of a side have equal weights.
        """
        weights = 1 / (between * share + within / n)
        if alike and (many := np.where(share < _CROWDED, 1.0, 0.0)).any():
            means = sums(weights * many) / np.maximum(sums(many), 1)
            weights = np.where(many, means[side], weights)
        weight = sums(units * weights)
        centre = sums(units * weights * mean) / weight
        off = sums(weights * (squares + units * (mean - centre[side]) ** 2))
        return weights, weight, centre, off

    # The variance between groups is fitted again with the weights that follow from it.
    least = 0.0 if within else 1.0
    for _ in range(2 if within else 1):
        weights, weight, _, off = fitted(least, alike=True)
        left = units * weights * (1 - weights / weight[side])
        between = float(variance_between(off.sum(), left, n, within, share))
        least = max(between, _LEAST_BETWEEN * within)
    counts = sums(units)
    if between + within <= _NOTHING:  # every group has the same value as all others of its side
        # Means may also differ by so little that the square underflows to 0.
        is_same = mean[0] == mean[-1] or np.ptp(target.mean) or np.ptp(reference.mean)
        return 1.0 if is_same else 2 / math.comb(int(counts.sum()), int(counts[0]))
    weights, weight, centre, off = fitted(least)
    freedom = int(counts.sum()) - 2
    seen = off.sum() / freedom * (1 / weight).sum()
    modelled = units * weights**2 * (between * share + within / n) / weight[side] ** 2
    t = (centre[0] - centre[1]) / math.sqrt(max(seen, modelled.sum()))
    return float(_core.student_tail([t], [freedom])[0]) if math.isfinite(t) else 1.0


def share_p_value(hits: Sequence[Numbers], n: Sequence[Numbers]) -> float:
    """Return the p-value of the difference of two shares; see `mean_p_value`.

    Parameters
    ----------
    hits
        Hits of the target and of the reference by group; the last item holds values that are their
        own groups.
    n
        All observations, in the same form.
    """
    total = sum(each.sum() for each in n)
    share = sum(each.sum() for each in hits) / total
    if share in (0.0, 1.0):
        return 1.0
    sides, squares = [], 0.0
    for hit, each in zip(hits, n, strict=True):
        off, rest = (hit - share * each)[:-1], each - hit
        squares += off @ off + hit[-1] * (1 - share) ** 2 + rest[-1] * share**2
        mean = hit / np.maximum(each, 1)
        within = hit * (1 - mean)
        sides.append(Grouped.of(each, mean, within[:-1].sum(), within[-1]))
    effect = max(1.0, squares / (total * share * (1 - share)))  # of the design
    counts = []
    for hit, each in zip(hits, n, strict=True):
        size = max(1, int(each.sum() / effect))
        counts += [round(size * (hit.sum() / each.sum())), size]
    return max(mean_p_value(*sides), _core.fisher_exact(*counts))


def judge_by_group(row: FeatureDrift, tables: Sequence[Table]) -> None:
    """Replace the p-value of a row by that of the test by groups.

    This applies if all counted values were logged with ``group=``. With less than `MIN_GROUPS`
    groups on a side there is no verdict. Sizes and distances remain those of images. Because the
    test compares means, the verdict rests on the shift.
    """
    n, hits = zip(*(_counted(row.kind, table) for table in tables), strict=True)
    counts = [int(each.sum()) for each in n]
    is_all = counts == [row.n_target, row.n_reference] and 0 not in counts
    if row.verdict is not None or row.reason or not is_all:
        return
    groups = [Grouped.of(each, each, 0.0).groups for each in n]
    fill(row, groups_target=groups[0], groups_reference=groups[1])
    if min(groups) < MIN_GROUPS:
        too_few(row, groups, MIN_GROUPS, "group")
        # The p-value so far treats images as independent.
        fill(row, p_value=None, p_low=None, p_high=None)
        return
    if row.effect_name in ("spread", "tail"):
        rest_on(row, "shift", [row.ks or 0.0] * 3, None)
    if row.kind == "number":
        p = mean_p_value(*(_along(table, 1.0, 0.0) for table in tables))
    elif row.kind == "hue":
        p = _hue_p_value(tables)
    else:
        p = _least_of_shares(hits, n)
    fill(row, p_value=p, p_low=p, p_high=p)


def own_groups(table: Table) -> tuple[int, int]:
    """Return how many observations of a feature have no group, and how many there are."""
    observed, _ = _counted("missing", table)
    return int(observed[-1]), int(observed.sum())


def _counted(kind: str, table: Table) -> tuple[Numbers, dict[int, Numbers]]:
    """Return counts by group: all observations; and the hits of a rate, or of each category."""
    n, infinite, missing = table["n"], table["infinite"], table["missing"]
    text = sum((counts for _, counts in table["texts"]), start=np.zeros_like(n))
    odd, values = infinite + text, n + infinite + text
    match kind:
        case "category":
            others = {-1: n + infinite} if (n + infinite).any() else {}
            return values, dict(table["texts"]) | others
        case "failure":
            return text + missing, {0: text}
        case "missing":
            return missing + values, {0: missing}
        case "not a number":
            return values, {0: odd}
    return n, {}


def _along(table: Table, x: float, y: float) -> Grouped:
    """Return the numbers of a side in the direction (x, y)."""
    weights = np.array((x * x, y * y, 2 * x * y))
    within, single = (max(0.0, weights @ table[key]) for key in ("within", "single"))
    return Grouped.of(table["n"], x * table["x"] + y * table["y"], within, single)


def _hue_p_value(tables: Sequence[Table]) -> float:
    """Test across and along the mean direction of both sides: whether hues turned or gathered."""
    x, y = (sum(table["n"] @ table[axis] for table in tables) for axis in "xy")
    angle = math.atan2(y, x)
    x, y = math.cos(angle), math.sin(angle)
    ways = (-y, x), (x, y)
    p_values = (mean_p_value(*(_along(table, *way) for table in tables)) for way in ways)
    return min(1.0, 2 * min(p_values))


def _least_of_shares(hits: Sequence[Mapping[int, Numbers]], n: Sequence[Numbers]) -> float:
    """Return the p-value of a rate, or the least of categories with Bonferroni's correction.

    Strings with equal hashes count as one category.
    """
    p_values = []
    for name in hits[0].keys() | hits[1].keys():
        each = [side.get(name, 0 * every) for side, every in zip(hits, n, strict=True)]
        p_values.append(share_p_value(each, n))
    return min(1.0, max(1, len(p_values) - 1) * min(p_values))
