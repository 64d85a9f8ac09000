"""The test of images that come in groups, such as bursts or slides: by what differs between groups.

Images of one group resemble each other, so they say less than as many independent ones. Here the
groups are what is independent. Sides are compared by Student's t of the groups' means, each
weighted as random effects have it (Hartung and Knapp 2001). A group of n images has the variance

    between * share + within / n

where `share` is 1 unless there are many groups: then buckets of hashed names hold several, whose
mean varies less. How many is known on average only, see `Grouped.of`. There `between` is fitted to
buckets that weigh the same: larger ones hold more groups, so their weights would go with `share`.
The error of a mean is the larger of two: what the residuals say, and what these variances say,
which knows how much less a side of small groups tells.

Shares are means of 0 and 1. As rare hits are not normal, a share must pass a second test: Fisher's
exact test of counts that are divided by the design effect.

A changed spread alone is not seen: no test of spreads by few groups of unequal size was honest.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.drift.prediction import variance_between
from lightmeter.drift.row import FeatureDrift, fill, rest_on

ASSUMED = "Assumes that images are independent. Log the images of one burst as one group."
PARTLY = "Not all images were logged with a group, so groups are not used{}. Give group= for all."

# Of the variance within groups. With few groups the variance between them may seem to be 0: then a
# group of very many images would decide alone.
_LEAST_BETWEEN = 0.05

_CROWDED = 0.9  # share below which buckets hold several groups so often that it matters
_POWERS = np.arange(1.0, 60.0)  # of a rate, which is at most 5.6

_NOTHING = 1e-150  # of a variance: the square of its inverse is a float

Array = NDArray[np.float64]
Table = Mapping[str, Any]  # what a profile keeps of a feature by group

MIN_GROUPS = 5  # on each side; below, the variance between groups is hardly known


class Grouped(NamedTuple):
    """A number of one side by groups: an item for each bucket of groups.

    Values that are a group each are one item more, of as many units as there are such values.

    Attributes
    ----------
    n
        Values of a unit: of the bucket, or 1.
    mean
        Their means.
    units
        How many there are of it.
    squares
        Of the means of these units about their mean.
    share
        What the mean of a unit has of the variance between groups, on average.
    within
        Sum of squares of values about the means of the buckets.
    groups
        How many groups there are, as estimated from how many buckets are empty.
    """

    n: Array
    mean: Array
    units: Array
    squares: Array
    share: Array
    within: float
    groups: int

    @classmethod
    def of(cls, n: Array, mean: Array, within: float, single: float = 0.0) -> Self:
        """Of tables whose last item is that of values that are a group each.

        Names are hashed to the other places, so the groups of a place follow Poisson's
        distribution, whose rate the empty places tell. A mean of k groups has 1 / k of the variance
        between groups. The mean of 1 / k over places that are used is the sum of r^k / (k k!), over
        exp(r) - 1.
        """
        used, places = n > 0, len(n) - 1
        rate = -math.log1p(-min(int(used[:-1].sum()), places - 1) / places)
        powers = float((np.cumprod(rate / _POWERS) / _POWERS).sum())
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
    """Return how often the means of two sides of one distribution of groups differ by as much, or
    more.

    Each side needs a group, and both together three. It is 1 where a square is no float.
    """
    starts = 0, len(target.n)
    side = np.repeat((0, 1), (len(target.n), len(reference.n)))
    n, mean, units, squares, share = map(
        np.concatenate, zip(target[:5], reference[:5], strict=True)
    )
    within = target.within + reference.within
    spare = float(units @ (n - 1))
    within = within / spare if spare else 0.0

    def sums(each: Array) -> Array:
        return np.asarray(np.add.reduceat(each, starts), np.float64)

    def fitted(between: float, *, alike: bool = False) -> tuple[Array, Array, Array, Array]:
        """Return the weights of units, by their variance; of each side the weight, mean and
        squares.

        Units of crowded buckets of one side weigh all `alike`, where that is asked for.
        """
        weights = 1 / (between * share + within / n)
        if alike and (many := np.where(share < _CROWDED, 1.0, 0.0)).any():
            means = sums(weights * many) / np.maximum(sums(many), 1)
            weights = np.where(many, means[side], weights)
        weight = sums(units * weights)
        centre = sums(units * weights * mean) / weight
        off = sums(weights * (squares + units * (mean - centre[side]) ** 2))
        return weights, weight, centre, off

    # The variance between groups is fitted a second time with the weights that follow from it.
    least = 0.0 if within else 1.0
    for _ in range(2 if within else 1):
        weights, weight, _, off = fitted(least, alike=True)
        left = units * weights * (1 - weights / weight[side])
        between = float(variance_between(off.sum(), left, n, within, share))
        least = max(between, _LEAST_BETWEEN * within)
    counts = sums(units)
    if between + within <= _NOTHING:  # every group has the same value as all others of its side
        # Means may also differ by so little that the square of it is 0.
        is_same = mean[0] == mean[-1] or np.ptp(target.mean) or np.ptp(reference.mean)
        return 1.0 if is_same else 2 / math.comb(int(counts.sum()), int(counts[0]))
    weights, weight, centre, off = fitted(least)
    freedom = int(counts.sum()) - 2
    seen = float(off.sum()) / freedom * float((1 / weight).sum())
    modelled = units * weights**2 * (between * share + within / n) / weight[side] ** 2
    t = float(centre[0] - centre[1]) / math.sqrt(max(seen, float(modelled.sum())))
    return float(_core.student_tail([t], [freedom])[0]) if math.isfinite(t) else 1.0


def share_p_value(hits: Sequence[Array], n: Sequence[Array]) -> float:
    """Return the same of two shares.

    Parameters
    ----------
    hits
        Of the target and of the reference, by group; the last item is of what is a group each.
    n
        Likewise of hits and all else.
    """
    total = sum(float(each.sum()) for each in n)
    share = sum(float(each.sum()) for each in hits) / total
    if share in (0.0, 1.0):
        return 1.0
    sides, squares = [], 0.0
    for hit, each in zip(hits, n, strict=True):
        off, rest = (hit - share * each)[:-1], each - hit
        squares += float(off @ off + hit[-1] * (1 - share) ** 2 + rest[-1] * share**2)
        mean = hit / np.maximum(each, 1)
        within = hit * (1 - mean)
        sides.append(Grouped.of(each, mean, float(within[:-1].sum()), float(within[-1])))
    effect = max(1.0, squares / (total * share * (1 - share)))  # of the design
    counts = []
    for hit, each in zip(hits, n, strict=True):
        size = max(1, int(each.sum() / effect))
        counts += [round(size * float(hit.sum() / each.sum())), size]
    return max(mean_p_value(*sides), _core.fisher_exact(*counts))


def judge_by_group(row: FeatureDrift, tables: Sequence[Table]) -> None:
    """Give a row of profiles with groups the p-value of the test by groups.

    That is if all that the row counts was logged with ``group=``. With less than `MIN_GROUPS`
    groups on a side there is no verdict. Sizes and distances are those of images. As the test is
    one of means, the size that carries the verdict is the shift.
    """
    n, hits = zip(*(_counted(row.kind, table) for table in tables), strict=True)
    counts = [int(each.sum()) for each in n]
    is_all = counts == [row.n_target, row.n_reference] and 0 not in counts
    if row.verdict is not None or row.reason or not is_all:
        return
    groups = [Grouped.of(each, each, 0.0).groups for each in n]
    fill(row, groups_target=groups[0], groups_reference=groups[1])
    if min(groups) < MIN_GROUPS:
        side = "target" if groups[0] <= groups[1] else "reference"
        reason = f"groups in the {side}: {min(groups)}; {MIN_GROUPS} are needed"
        # The p-value was that of images, as if independent.
        fill(row, verdict="not enough data", reason=reason, p_value=None, p_low=None, p_high=None)
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


def _counted(kind: str, table: Table) -> tuple[Array, dict[int, Array]]:
    """Return what a row of that kind counts by group: all; and the hits of a rate, or each
    category.
    """
    n, infinite, missing = table["n"], table["infinite"], table["missing"]
    text = sum((counts for _, counts in table["texts"]), start=np.zeros_like(n))
    odd, values = infinite + text, n + infinite + text
    match kind:
        case "number" | "hue":
            return n, {}
        case "category":
            others = {-1: n + infinite} if (n + infinite).any() else {}
            return values, dict(table["texts"]) | others
        case "failure":
            return text + missing, {0: text}
        case "missing":
            return missing + values, {0: missing}
        case "not a number":
            return values, {0: odd}
    return np.zeros_like(n), {}


def _along(table: Table, x: float, y: float) -> Grouped:
    """Return the numbers of a side in the direction (x, y)."""
    weights = np.array((x * x, y * y, 2 * x * y))
    within, single = (max(0.0, float(weights @ table[key])) for key in ("within", "single"))
    return Grouped.of(table["n"], x * table["x"] + y * table["y"], within, single)


def _hue_p_value(tables: Sequence[Table]) -> float:
    """Across the mean direction of both sides and along it: whether hues turned, or gathered."""
    x, y = (sum(float(table["n"] @ table[axis]) for table in tables) for axis in "xy")
    angle = math.atan2(y, x)
    x, y = math.cos(angle), math.sin(angle)
    ways = ((-y, x), (x, y))
    p_values = (mean_p_value(*(_along(table, *way) for table in tables)) for way in ways)
    return min(1.0, 2 * min(p_values))


def _least_of_shares(hits: Sequence[Mapping[int, Array]], n: Sequence[Array]) -> float:
    """Of a rate that is its p-value; of categories the least, by Bonferroni.

    Strings with one hash are one category.
    """
    p_values = []
    for name in sorted(hits[0].keys() | hits[1].keys()):
        each = [side.get(name, 0 * every) for side, every in zip(hits, n, strict=True)]
        p_values.append(share_p_value(each, n))
    return min(1.0, max(1, len(p_values) - 1) * min(p_values))
