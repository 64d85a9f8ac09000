"""The test of images that come in groups, such as bursts or slides: by what differs between groups.

Images of one group resemble each other, so they say less than as many independent ones. Here the
groups are what is independent. Sides are compared by Student's t of the groups' means, each
weighted as random effects have it (Hartung and Knapp 2001). A group of n images has the variance

    between * share + within / n

where `share` is 1 unless there are many groups: then buckets of hashed names hold several, whose
mean varies less. How many is known on average only, see `_share`. There `between` is fitted to
buckets that weigh the same: larger ones hold more groups, so their weights would go with `share`.
The error of a mean is the larger of two: what the residuals say, and what these variances say,
which knows how much less a side of small groups tells.

Shares are means of 0 and 1. As rare hits are not normal, a share must pass a second test: Fisher's
exact test of counts that are divided by the design effect.

A changed spread alone is not seen: no test of spreads by few groups of unequal size was honest.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.drift.prediction import variance_between
from lightmeter.drift.row import FeatureDrift, changed
from lightmeter.profile.features import Meaning

ASSUMED = "Assumes that images are independent. Log the images of one burst as one group."

# Of the variance within groups. With few groups the variance between them may seem to be 0: then a
# group of very many images would decide alone.
_LEAST_BETWEEN = 0.05

_CROWDED = 0.9  # share below which buckets hold several groups so often that it matters

_STEPS = 60  # of a rate to its fixed point
_TERMS = 60  # of a series of powers of a rate, which is at most 5.6

_LARGEST = 1e140  # whose square, times a number of values, is a float
_NOTHING = 1e-100  # variance beside numbers up to 1: the square of its inverse is a float

Array = NDArray[np.float64]

MIN_GROUPS = 5  # on each side; below, the variance between groups is hardly known


class Grouped(NamedTuple):
    """A number of one side by groups: an item for each bucket of groups.

    Values that are a group each are one item more, of as many units as there are such values.

    Attributes:
        n: values of a unit: of the bucket, or 1.
        mean: their means.
        units: how many there are of it.
        squares: of the means of these units about their mean.
        share: what the mean of a unit has of the variance between groups, on average.
        within: sum of squares of values about the means of the buckets.
        groups: how many groups there are, as estimated from how many buckets are empty.
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
        """Of tables whose last item is that of values that are a group each."""
        used = n > 0
        buckets, alone = int(used[:-1].sum()), int(n[-1])
        groups = _groups_of(buckets, len(n) - 1)
        last = np.arange(len(n)) == len(n) - 1
        share = _share(groups / buckets) if buckets else 1.0
        return cls(
            n=np.where(last, 1.0, n)[used],
            mean=mean[used],
            units=np.where(last, n, 1.0)[used],
            squares=np.where(last, single, 0.0)[used],
            share=np.where(last, 1.0, share)[used],
            within=within,
            groups=round(groups) + alone,
        )


def mean_p_value(target: Grouped, reference: Grouped) -> float:
    """How often the means of two sides of one distribution of groups differ by as much, or more.

    Each side needs a group, and both together three.
    """
    sides: Sequence[Grouped] = (target, reference)
    spreads = [math.sqrt(side.within + float(side.squares.sum())) for side in sides]
    largest = max(*spreads, *(float(np.abs(side.mean).max()) for side in sides))
    if largest > _LARGEST:
        return 1.0
    scale = math.ldexp(1.0, math.frexp(largest)[1])  # a power of two, so that nothing is rounded
    target, reference = sides = tuple(
        side._replace(
            mean=side.mean / scale,
            squares=side.squares / scale / scale,
            within=side.within / scale / scale,
        )
        for side in sides
    )
    units = [int(side.units.sum()) for side in sides]
    spare = sum(float(side.units @ (side.n - 1)) for side in sides)
    within = sum(side.within for side in sides) / spare if spare else 0.0
    within = within if within > _NOTHING else 0.0
    between = _between(sides, within)
    if between + within <= _NOTHING:  # every group has the same value as all others of its side
        # Means may also differ by so little that the square of it is 0.
        is_same = target.mean[0] == reference.mean[0] or any(np.ptp(side.mean) for side in sides)
        return 1.0 if is_same else 2 / math.comb(sum(units), units[0])
    fits = [_fit(side, max(between, _LEAST_BETWEEN * within), within) for side in sides]
    freedom = sum(units) - 2
    seen = sum(fit.squares for fit in fits) / freedom * sum(1 / fit.weight for fit in fits)
    modelled = 0.0
    for side, fit in zip(sides, fits, strict=True):
        variances = between * side.share + within / side.n
        modelled += float(side.units * fit.weights**2 @ variances) / fit.weight**2
    t = (fits[0].mean - fits[1].mean) / math.sqrt(max(seen, modelled))
    return float(_core.student_tail([t], [freedom])[0])


class _Fit(NamedTuple):
    weights: Array  # of a unit
    weight: float  # of all
    mean: float
    squares: float  # weighted, about the mean


def _fit(side: Grouped, between: float, within: float, *, alike: bool = False) -> _Fit:
    """A side whose units weigh one by their variance; or those of crowded buckets all `alike`."""
    weights = 1 / (between * side.share + within / side.n)
    if alike and (many := side.share < _CROWDED).any():
        weights = np.where(many, weights[many].mean(), weights)
    weight = float(side.units @ weights)
    mean = float(side.units * weights @ side.mean) / weight
    squares = float(weights @ (side.squares + side.units * (side.mean - mean) ** 2))
    return _Fit(weights, weight, mean, squares)


def _between(sides: Sequence[Grouped], within: float) -> float:
    """The variance between groups, fitted a second time with the weights that follow from it."""
    between = 0.0 if within else 1.0
    n, share = (np.concatenate([getattr(side, of) for side in sides]) for of in ("n", "share"))
    for _ in range(2 if within else 1):
        fits = [_fit(side, between, within, alike=True) for side in sides]
        left = [
            side.units * fit.weights * (1 - fit.weights / fit.weight)
            for side, fit in zip(sides, fits, strict=True)
        ]
        squares = np.array(sum(fit.squares for fit in fits))
        fitted = float(variance_between(squares, np.concatenate(left), n, within, share))
        between = max(fitted, _LEAST_BETWEEN * within)
    return fitted


def share_p_value(hits: Sequence[Array], others: Sequence[Array]) -> float:
    """The same of two shares.

    Args:
        hits: of the target and of the reference, by group; the last item is of what is a group
            each.
        others: likewise; with the hits they are all.
    """
    n = [hit + other for hit, other in zip(hits, others, strict=True)]
    total = sum(float(each.sum()) for each in n)
    share = sum(float(each.sum()) for each in hits) / total
    if share in (0.0, 1.0):
        return 1.0
    squares = 0.0
    for hit, other in zip(hits, others, strict=True):
        residuals = hit[:-1] * (1 - share) - other[:-1] * share
        squares += float(residuals @ residuals)
        squares += float(hit[-1]) * (1 - share) ** 2 + float(other[-1]) * share**2
    effect = max(1.0, squares / (total * share * (1 - share)))  # of the design
    counts = []
    for hit, each in zip(hits, n, strict=True):
        size = max(1, int(each.sum() / effect))
        counts += [round(size * float(hit.sum() / each.sum())), size]
    return max(mean_p_value(*map(_shares, hits, n)), _core.fisher_exact(*counts))


def _shares(hits: Array, n: Array) -> Grouped:
    mean = hits / np.maximum(n, 1)
    squares = hits * (1 - mean)
    return Grouped.of(n, mean, float(squares[:-1].sum()), float(squares[-1]))


def _groups_of(used: int, places: int) -> float:
    """How many names are hashed to places of which so many are used, about."""
    return -places * math.log1p(-min(used, places - 1) / places)


@lru_cache(maxsize=1024)  # the features of a side mostly have the same groups
def _share(collisions: float) -> float:
    """The mean of 1 / k over buckets that hold k groups, of these `collisions` on average.

    Names are hashed, so k follows Poisson's distribution without 0. Its rate r has the mean
    r / (1 - exp(-r)); the mean of 1 / k is the sum of r^k / (k k!), over exp(r) - 1.
    """
    if collisions <= 1:
        return 1.0
    rate = 2 * (collisions - 1)
    for _ in range(_STEPS):
        rate = collisions * -math.expm1(-rate)
    power, total = 1.0, 0.0
    for k in range(1, _TERMS):
        power *= rate / k
        total += power / k
    return total / math.expm1(rate)


def tested_by_group(
    lines: Iterable[FeatureDrift],
    name: str,
    meaning: Meaning,
    cores: tuple[_core.Profile, _core.Profile],
) -> Iterator[FeatureDrift]:
    """Yield the lines of a feature of profiles with groups, with p-values of the test by groups.

    A line is of groups if all that a line counts was logged with ``group=``. With less than
    `MIN_GROUPS` groups on a side there is no verdict. Sizes and distances are those of images. As
    the test is one of means, the size that carries the verdict is the shift.
    """
    tables = [core.grouped(name, meaning.role, meaning.origin) for core in cores]
    for line in lines:
        yield _tested(line, tables) if line.verdict is None and not line.reason else line


def _tested(line: FeatureDrift, tables: Sequence[Mapping[str, Any]]) -> FeatureDrift:
    parts = [_parts(line.kind, table) for table in tables]
    sizes = [sum(part, start=np.zeros(1)) for part in parts]
    n = [line.n_target, line.n_reference]
    if min(n) == 0 or [int(size.sum()) for size in sizes] != n:
        return line
    groups = [Grouped.of(size, size, 0.0).groups for size in sizes]
    fields: dict[str, Any] = {"groups_target": groups[0], "groups_reference": groups[1]}
    if min(groups) < MIN_GROUPS:
        side = "target" if groups[0] <= groups[1] else "reference"
        reason = f"groups in the {side}: {min(groups)}; {MIN_GROUPS} are needed"
        fields |= dict.fromkeys(("p_value", "p_low", "p_high"))  # of images, as if independent
        return changed(line, verdict="not enough data", reason=reason, **fields)
    if line.effect_name in ("spread", "tail"):
        fields |= dict.fromkeys(("effect", "effect_low", "effect_high"), line.ks)
        fields["effect_name"] = "shift"
    if line.kind == "number":
        p = mean_p_value(*(_along(table, 1.0, 0.0) for table in tables))
    elif line.kind == "hue":
        p = _hue_p_value(tables)
    elif line.kind == "category":
        p = _category_p_value(tables)
    else:
        p = share_p_value([part[0] for part in parts], [part[1] for part in parts])
    return changed(line, p_value=p, p_low=p, p_high=p, **fields)


def _parts(kind: str, table: Mapping[str, Any]) -> list[Array]:
    """What a line of that kind counts by group; of a rate the hits come first."""
    texts = [counts for _, counts in table["texts"]]
    text = sum(texts, start=np.zeros(1))
    numbers, others = table["n"], table["infinite"]
    parts: dict[str, list[Array]] = {
        "number": [numbers],
        "hue": [numbers],
        "category": [numbers + others, *texts],
        "failure": [text, table["missing"]],
        "missing": [table["missing"], numbers + others + text],
        "not a number": [others + text, numbers],
    }
    return parts.get(kind, [])  # of others there is no test


def _along(table: Mapping[str, Any], x: float, y: float) -> Grouped:
    """The numbers of a side in the direction (x, y)."""
    weights = np.array((x * x, y * y, 2 * x * y))
    within, single = (max(0.0, float(weights @ table[key])) for key in ("within", "single"))
    return Grouped.of(table["n"], x * table["x"] + y * table["y"], within, single)


def _hue_p_value(tables: Sequence[Mapping[str, Any]]) -> float:
    """Across the mean direction of both sides and along it: whether hues turned, or gathered."""
    x = sum(float(table["n"] @ table["x"]) for table in tables)
    y = sum(float(table["n"] @ table["y"]) for table in tables)
    angle = math.atan2(y, x)
    x, y = math.cos(angle), math.sin(angle)
    directions = ((-y, x), (x, y))
    p_values = (mean_p_value(*(_along(table, *way) for table in tables)) for way in directions)
    return min(1.0, 2 * min(p_values))


def _category_p_value(tables: Sequence[Mapping[str, Any]]) -> float:
    """The least of all categories, by Bonferroni; strings with one hash are one category."""
    sides = []
    for table in tables:
        others = table["n"] + table["infinite"]
        sides.append(dict(table["texts"]) | ({-1: others} if others.any() else {}))
    every = [sum(cells.values(), start=np.zeros(1)) for cells in sides]
    p_values = []
    for name in sorted({name for cells in sides for name in cells}):
        hits = [cells.get(name, 0 * all_) for cells, all_ in zip(sides, every, strict=True)]
        others = [all_ - hit for all_, hit in zip(every, hits, strict=True)]
        p_values.append(share_p_value(hits, others))
    return min(1.0, (len(p_values) - 1) * min(p_values)) if len(p_values) > 1 else 1.0


def assumed(lines: Iterable[FeatureDrift]) -> str:
    """What the verdicts rest on that no data can check; empty if all were reached by groups."""
    alone = any(line.q_value is not None and line.groups_target is None for line in lines)
    return ASSUMED if alone else ""
