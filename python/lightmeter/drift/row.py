"""What a feature is called, what is known of its drift, and its verdict.

A family is what is judged together: the numbers of images, Exif, logged values, vectors. Families
are judged in two steps, so that a wide one does not hide what happened in another.

1. The gate. Simes' p-value of a family is its least q-value of Benjamini and Hochberg (BH). Holm's
   procedure over these says which families may hold a finding. Only families with a test count.
2. In a family that passed, BH at the full level says which features these are.

So the q-value of a feature is the larger of two: BH's within its family, and Holm's p-value of its
family. With one family it is BH's. ``q <= a`` is the decision at every level a, since both steps
are. What holds at level a, where BH holds within a family (tests that are independent or positively
dependent, see Benjamini and Yekutieli 2001), however families depend on each other:

- A family in which nothing changed holds a finding with a chance of at most a, whatever changed in
  others. Proof: it must pass the gate, its Simes p-value is valid there (Simes 1986, Sarkar 1998),
  and Holm (1979) bounds the chance that any true hypothesis is rejected, under any dependence. So
  with no change at all the chance of any finding is at most a.
- In each family the expected share of false findings is at most a. Proof: the gate only takes
  findings of BH away, all of a family at once. The share becomes 0 then, or stays.
- A change in one of K families needs a p-value K times smaller than it would alone, or less if
  others changed too, whatever the sizes of the others. That costs a test of normal numbers at most
  9 points of power for one added family, and 17 for three, in a family of ten at 5 %.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from lightmeter.image.metrics import FACTS
from lightmeter.image.numbers import IMAGE_NUMBERS, Scale
from lightmeter.image.numbers import Group as ImageGroup
from lightmeter.profile import FrequentItem, ProfileView
from lightmeter.profile.features import Family, Kind, Origin, Role
from lightmeter.text import counted, visible

# What people look at together, in the order of pages.
Group = Literal[ImageGroup, "together", "file", "Exif", "values"]


class GridCell(NamedTuple):
    """A cell of the 4 x 4 grid, and which of its numbers: ``luma`` or ``sharpness``."""

    number: str
    row: int
    column: int


@dataclass(frozen=True)
class Said:
    """What sentences and pages say of a feature.

    Attributes
    ----------
    name
        Such as ``saturation``.
    group
        What it is shown together with.
    scale
        Of its values; None where that is not known.
    prefix
        Of the images that it is measured in, such as ``image``; empty of other values.
    cell
        Which number of the grid it is; None of others.
    """

    name: str = ""
    group: Group = "values"
    scale: Scale | None = None
    prefix: str = ""
    cell: GridCell | None = None


# Where the rules would say something odd.
_NAMES = {
    "ImagePixelWidth": "width",
    "ImagePixelHeight": "height",
    "Colorspace": "colour space",
    "Colorfulness": "colourfulness",
    "Luma.stddev": "contrast",
    "JpegQuality": "JPEG quality",
    "glare_percent": "glare",
}
_OF_FILES = frozenset((*FACTS, "Colorspace", "Failure"))
GRID_SIDE = 4
_GRID = re.compile(r"Grid\.r([0-3])c([0-3])(?:\.(sharpness))?")


# Of what has no number for each image but is about the same, such as Hue.pixels.
_FIRST_GROUPS = {name.partition(".")[0]: number.group for name, number in IMAGE_NUMBERS.items()}


def said(feature: str, origin: Origin, prefixes: Collection[str]) -> Said:
    """Return what is said of a feature; of a logged value its whole name.

    Parameters
    ----------
    feature
        Such as ``image.Brightness.mean``, which is "brightness".
    origin
        Where its values come from.
    prefixes
        Those of the features of images. Where there are several, each is said.
    """
    prefix = prefix_of(feature, prefixes)
    if origin == "value" or not prefix:
        return Said(feature, "values")
    rest = feature.removeprefix(f"{prefix}.")
    first, _, last = rest.partition(".")
    name = _spoken(rest) if len(prefixes) == 1 else f"{prefix} {_spoken(rest)}"
    if origin != "image":
        return Said(name, "Exif", prefix=prefix)
    number = IMAGE_NUMBERS.get(rest) or IMAGE_NUMBERS.get(last)  # of the image, or of a band of it
    group = number.group if number is not None else _FIRST_GROUPS.get(first)
    if group == "size" or first in _OF_FILES:  # a size is shown with what is known of its file
        return Said(name, "file", number and number.scale, prefix)
    return Said(name, group or "values", number and number.scale, prefix, _cell(rest))


def prefix_of(name: str, prefixes: Iterable[str]) -> str:
    """Return the longest of the prefixes that a feature has; empty if it has none."""
    return max((each for each in prefixes if name.startswith(f"{each}.")), key=len, default="")


def says(feature: str, prefix: str) -> str:
    """Return what the number of an image is and what more of it means; empty of anything else."""
    number = IMAGE_NUMBERS.get(feature.removeprefix(f"{prefix}.")) if prefix else None
    return number.says if number is not None else ""


def _cell(name: str) -> GridCell | None:
    parts = _GRID.fullmatch(name)
    return GridCell(parts[3] or "luma", int(parts[1]), int(parts[2])) if parts else None


def _spoken(name: str) -> str:
    first, _, rest = name.partition(".")
    if name in _NAMES:
        return _NAMES[name]
    if cell := _cell(name):
        number = "brightness" if cell.number == "luma" else cell.number
        return f"{number} {place(cell)}"
    if name not in IMAGE_NUMBERS and name not in FACTS:
        if rest in IMAGE_NUMBERS:  # of a band
            return f"{first} {_spoken(rest)}"
        first = first.lower() if first in _FIRST_GROUPS else first
        return f"{first} {rest.replace('_', ' ')}".rstrip()
    if name.endswith("_percent"):
        return f"{name.removesuffix('_percent')} pixels"
    first = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", first).lower()
    if rest in ("", "mean", "circular_mean"):
        return first
    if rest in ("share", "stddev"):
        return f"{'share' if rest == 'share' else 'contrast'} of {first}"
    return f"{first}{' of' * (rest in ('rows', 'columns'))} {rest.replace('_', ' ')}"


def place(cell: GridCell) -> str:
    """Return where a cell of the grid is."""
    vertical = ("top", "upper", "lower", "bottom")[cell.row]
    return f"at the {vertical} {('left', 'inner left', 'inner right', 'right')[cell.column]}"


Verdict = Literal["drift", "possible", "none", "inconclusive", "not enough data"]
Rate = Literal["missing", "not a number", "failure"]
DriftKind = Kind | Rate
EffectName = Literal[
    "shift", "spread", "tail", "total variation", "difference of rates", "separation"
]

# Verdicts that ask for a look.
CHANGED: frozenset[str | None] = frozenset({"drift", "possible", "inconclusive"})

# The verdict of what cannot have changed, and why.
ONE_VALUE = {"verdict": "none", "reason": "one value only, the same on both sides"}

# The kinds whose levels are shares of observations.
RATES: frozenset[str] = frozenset(get_args(Rate))


def column_of(feature: str) -> str:
    """Return the column that a line is about: its feature without ``:missing`` and the like."""
    column, _, rate = feature.rpartition(":")
    return column if rate in RATES else feature


@dataclass(kw_only=True, frozen=True)
class FeatureDrift(Said):
    """One row of a `Comparison`. What does not apply to its kind is None.

    `Said` has the rest of the attributes: what the feature is called and what it is about.

    ``p_low`` to ``p_high`` and ``effect_low`` to ``effect_high`` are intervals where a profile
    holds a sample of its values (more than 1024, more than 256 of them distinct); elsewhere the
    ends are the same.

    Attributes
    ----------
    feature
        Such as ``image.entropy``; the rate of its missing values is a line of its own,
        ``image.entropy:missing``, and so is that of text and infinities among numbers, ``weight:not
        a number``.
    kind
        ``number``; ``hue``, an angle; ``category``; ``pixels``, the values of all pixels; and three
        shares: ``missing``, of observations without a value; ``not a number``, of values that are
        text or infinite; ``failure``, of files that could not be measured.
    n_target
        Values compared (for ``missing`` and ``failure``, observations).
    n_reference
        The same on the other side.
    ks
        The Kolmogorov-Smirnov statistic D; Kuiper's V for hue.
    ks_p_value
        Of this statistic, given the ties.
    p_value
        Of the test that the verdict rests on: for numbers one of location, spread and tails by
        ranks, given the ties; Kuiper's; permuted chi-square; Fisher's exact test.
    p_low
        The least it can be.
    p_high
        The most it can be, by which the verdict is reached.
    q_value
        From ``p_high`` over all features that were tested, see `q_values`; None of what was not
        tested.
    hellinger
        Hellinger distance, 0 to 1, over bins of about equal mass; of categories.
    hellinger_debiased
        Without what two samples of one distribution have on average.
    wasserstein
        How far the values moved on average, in their own unit; for hue, steps of 255 around the
        circle.
    psi
        Population stability index.
    js
        Jensen-Shannon distance, 0 to 1.
    wasserstein_in_sd
        ``wasserstein`` in units of the reference's spread (interquartile range / 1.349; its
        standard deviation where that is 0), with the sign of the change of the mean.
    spread
        The logarithm of ``stddev_target / stddev_reference``; None where one of them is 0, and for
        hue.
    tail_below
        How much more of the target than of the reference lies below the reference's 1 % point, as a
        share; at least 0.
    tail_above
        The same above its 99 % point.
    tail
        Both together.
    effect
        The size that carries the verdict: the one that is largest in units of its least size, see
        `Thresholds`. Of samples the one that is surely largest; if none surely reaches its least
        size, the one that may be largest.
    effect_low
        The least it can be.
    effect_high
        The most it can be.
    effect_name
        Which size that is: ``shift`` (``ks``), ``spread`` (without its sign) or ``tail``; of
        categories ``total variation``; of rates ``difference of rates``; of vectors ``separation``.
    level_target
        Mean; circular mean of hue; the share of the last three kinds.
    level_reference
        The same on the other side.
    stddev_target
        Sample standard deviation of numbers.
    stddev_reference
        The same on the other side.
    new_values
        Texts (categories, failure reasons) of the target that the reference does not list.
    vanished_values
        The other way round.
    groups_target
        How many groups the p-value rests on, such as slides or bursts: about so many, and no more
        than 1420 that have names. None where it takes images for independent.
    groups_reference
        The same on the other side.
    role
        What the values of its column mean, see `Meaning`.
    family
        What it is judged together with.
    verdict
        ``drift``, ``possible``, ``none``, ``inconclusive``, ``not enough data``, or None for
        features that only have distances.
    reason
        Why, in a few words.
    sides
        The target and the reference, for sentences; no part of what was found.
    wording
        Makes the words, by the limits that judged, when they are first asked for.

    Examples
    --------
    >>> row = lm.compare(target=target, reference=reference)["image.Sharpness"]
    >>> row.verdict, row.q_value
    """

    feature: str
    kind: DriftKind
    n_target: int
    n_reference: int
    ks: float | None = None
    ks_p_value: float | None = None
    p_value: float | None = None
    p_low: float | None = None
    p_high: float | None = None
    q_value: float | None = None
    hellinger: float | None = None
    hellinger_debiased: float | None = None
    wasserstein: float | None = None
    psi: float | None = None
    js: float | None = None
    wasserstein_in_sd: float | None = None
    spread: float | None = None
    tail_below: float | None = None
    tail_above: float | None = None
    tail: float | None = None
    effect: float | None = None
    effect_low: float | None = None
    effect_high: float | None = None
    effect_name: EffectName | None = None
    level_target: float | None = None
    level_reference: float | None = None
    stddev_target: float | None = None
    stddev_reference: float | None = None
    new_values: tuple[FrequentItem, ...] = ()
    vanished_values: tuple[FrequentItem, ...] = ()
    groups_target: int | None = None
    groups_reference: int | None = None
    role: Role = "plain"
    family: Family = "values"
    verdict: Verdict | None = None
    reason: str = ""
    sides: tuple[ProfileView, ProfileView] | None = field(default=None, compare=False)
    wording: "Callable[[FeatureDrift], str] | None" = field(default=None, compare=False)

    @cached_property
    def words(self) -> str:
        """Return how it changed, such as ``saturation fell by 38 %``; empty of what did not."""
        return self.wording(self) if self.wording and self.verdict in CHANGED else ""

    @property
    def levels(self) -> tuple[float, float]:
        """Return that of the reference and that of the target; 0 where there is none."""
        return self.level_reference or 0.0, self.level_target or 0.0

    def __repr__(self) -> str:
        """Return the verdict and what it rests on, in one line."""
        said = filter(None, (self.verdict or "no verdict", self.words, self.reason))
        return f"<FeatureDrift {visible(repr(self.feature))}: {visible(', '.join(said))}>"


_CARRYING = ["effect_name", "effect", "effect_low", "effect_high", "p_value", "p_low", "p_high"]


def fill(row: FeatureDrift, **found: Any) -> None:
    """Set what is found of a row while it is made; then it is frozen."""
    vars(row).update(found)


def rest_on(
    row: FeatureDrift, name: EffectName, size: Sequence[float], p: Sequence[float] | None
) -> None:
    """Set the size that carries the verdict, and the p-value: of each the value, low and high."""
    vars(row).update(zip(_CARRYING, (name, *size, *(p or (None,) * 3)), strict=True))


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What verdicts are reached by.

    Attributes
    ----------
    drift
        ``drift`` needs a q-value of at most this: 0.05, so that of comparisons where nothing
        changed at most one in twenty holds a false ``drift``, however many features there are.
    possible
        ``possible`` needs at most this: 0.15, where whylogs' begins.
    effect
        The least shift (D, or V of hue), total variation or difference of rates: 0.1. With many
        images every difference is sure; one below a tenth of the probability mass has no visible
        consequence. A verdict needs one size, of those that apply, at its least size.
    spread
        The least ``spread``: 0.2, a standard deviation that is 22 % larger or 18 % smaller.
    tail
        The least ``tail``: 0.03, so that 0.05 of the target lie where 0.02 of the reference do. A
        change in a tenth of the batch has no larger D than 0.1, but it has such a tail.
    min_values
        Values needed on each side: 10, with which the strongest drift just gets p = 1e-5 and a
        common one little chance.
    delta
        The chance that an interval misses the truth, where a profile holds samples: 0.01.

    Examples
    --------
    >>> lm.compare(target=target, reference=reference, effect=0.2)
    """

    drift: float = 0.05
    possible: float = 0.15
    effect: float = 0.1
    spread: float = 0.2
    tail: float = 0.03
    min_values: float = 10
    delta: float = 0.01

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        are_levels = 0 < self.drift <= self.possible < 1 and 1e-9 <= self.delta <= 1 - 1e-9
        are_sizes = 0 <= self.effect <= 1 and 0 <= self.tail <= 1 and 0 <= self.spread <= 100
        if not (are_levels and are_sizes and self.min_values >= 1):
            raise ValueError(
                f"got {self}; expected 0 < drift <= possible < 1, effect and tail from 0 to 1, "
                "spread from 0 to 100, min_values from 1, delta between 0 and 1"
            )

    def least(self, name: EffectName | None) -> float:
        """Return the least size of that name that a verdict needs.

        Examples
        --------
        >>> lm.Thresholds().least("shift")
        0.1
        """
        return self.spread if name == "spread" else self.tail if name == "tail" else self.effect

    def units(self, name: EffectName | None, size: float) -> float:
        """Return a size in units of the least one."""
        least = self.least(name)
        return size / least if least else math.inf


# Of the values; if as many moved, that is what happened, however much spread and tail changed.
MOST_MOVED = 0.5


def carrying(sizes: Mapping[EffectName, float], by: Thresholds) -> EffectName:
    """Return the size that a verdict rests on: the largest in units of its least one.

    That is ``shift`` where half of the values moved: what moves far is a tail as well.
    """
    if sizes.get("shift", 0.0) >= max(MOST_MOVED, by.effect):
        return "shift"
    return max(sizes, key=lambda name: by.units(name, sizes[name]))


def judge(rows: Sequence[FeatureDrift], by: Thresholds, *, tested: bool = True) -> None:
    """Set q-values, verdicts and reasons.

    Rows that were not `tested` only learn that they have not enough data.
    A row whose verdict is set stays as it is. All others that have enough values on both sides
    are judged together, in their families. Each enters with the upper end of its p-value. The lower
    end only says whether the verdict could have been another one.
    """
    asked: list[FeatureDrift] = []
    for row in rows:
        if row.verdict is not None or row.reason:
            continue
        if min(row.n_target, row.n_reference) < by.min_values:
            fill(row, verdict="not enough data", reason=_too_few(row, by.min_values))
        elif tested:
            asked.append(row)
    families = [row.family for row in asked]
    q_high = q_values([row.p_high or 0.0 for row in asked], families)
    q_low = q_values([row.p_low or 0.0 for row in asked], families)
    for row, q, least_q in zip(asked, q_high, q_low, strict=True):
        verdict = _verdict(q, row, row.effect_low, by)
        is_sure = verdict == _verdict(least_q, row, row.effect_high, by)
        fill(row, q_value=q, verdict=verdict if is_sure else "inconclusive")
        fill(row, reason=_reason(row, q, by))


_WORST_FIRST = ["drift", "inconclusive", "possible", "none", "not enough data", None]
_MOST = 10.0  # least sizes; D is no larger, when everything changed


def by_severity(rows: Iterable[FeatureDrift], by: Thresholds) -> list[FeatureDrift]:
    """Return the rows in order: by verdict; what is lost, files or Exif; then by effect.

    An effect counts with the lower end of its interval, in whole units of its least size, of which
    many features have equally many. Between these the distance decides, which has no bound. What
    all numbers together say comes behind what they say by themselves.
    """

    def severity(row: FeatureDrift) -> tuple[int, bool, bool, int, float, str]:
        units = min(by.units(row.effect_name, row.effect_low or 0.0), _MOST)
        distance = math.inf if row.wasserstein_in_sd is None else abs(row.wasserstein_in_sd)
        lost = row.kind == "failure" or (row.kind == "missing" and row.group == "Exif")
        rank, together = _WORST_FIRST.index(row.verdict), row.group == "together"
        return rank, not lost, together, -round(units), -distance, row.feature

    return sorted(rows, key=severity)


def _verdict(q: float, row: FeatureDrift, effect: float | None, by: Thresholds) -> Verdict:
    if (effect or 0.0) < by.least(row.effect_name) or q > by.possible:
        return "none"
    return "drift" if q <= by.drift else "possible"


def _too_few(row: FeatureDrift, needed: float) -> str:
    n = {"target": row.n_target, "reference": row.n_reference}
    side, other = sorted(n, key=n.__getitem__)
    if not n[side]:
        return f"only in the {other}, {counted(n[other], 'value')}"
    return f"{counted(n[side], 'value')} in the {side}; {needed:g} are needed"


def _reason(row: FeatureDrift, q: float, by: Thresholds) -> str:
    size = f"{row.effect_name} {row.effect or 0:.2g}"
    if row.verdict == "inconclusive":
        between = f"{row.effect_low or 0:.2g} to {row.effect_high or 0:.2g}"
        return f"{size}, which may be {between}: the profiles hold samples"
    if row.verdict == "none" and q <= by.drift:
        least = by.least(row.effect_name)
        return f"surely different (q {q:.1g}), but little: {size}, less than {least:g}"
    if row.groups_target is None:
        return f"{size}, q {q:.2g}"
    return f"{size}, q {q:.2g}, by {row.groups_target} and {row.groups_reference} groups"


def q_values(p_values: Sequence[float], families: Sequence[str]) -> list[float]:
    """Return the q-values of everything that is judged together.

    Parameters
    ----------
    p_values
        One for each test.
    families
        The family of each, by any names.
    """
    places = _places(families)
    within = [benjamini_hochberg([p_values[at] for at in family]) for family in places.values()]
    gates = _holm([min(q) for q in within], [1.0] * len(within))
    q_values = [1.0] * len(p_values)
    for family, gate, q in zip(places.values(), gates, within, strict=True):
        for at, own in zip(family, q, strict=True):
            q_values[at] = max(own, gate)
    return q_values


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Give the q-values of one family: the least false discovery rate that rejects each test."""
    p, many = np.array(p_values), len(p_values)
    order = np.argsort(-p, kind="stable")
    least = np.minimum.accumulate(p[order] * many / np.arange(many, 0, -1))
    return list(map(float, np.minimum(least, 1.0)[np.argsort(order)]))


def holm_p_values(p_values: Sequence[float], families: Sequence[str]) -> list[float]:
    """Adjusted p-values: the chance of any false one among those up to `a` is at most `a`.

    That is Holm's procedure with weights. Families weigh the same, and so do the tests of a family.
    It holds for any dependence. No value is less than the q-value: in the first of a family to be
    rejected all weights of families without a rejection are left, so the gate opened for it; within
    a family the bound is no larger than Holm's without weights, which is within BH's.

    Parameters
    ----------
    p_values
        One for each test.
    families
        The family of each.
    """
    places = _places(families)
    return _holm(p_values, [1 / len(places[family]) for family in families])


def _places(families: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for at, family in enumerate(families):
        places.setdefault(family, []).append(at)
    return places


def _holm(p_values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values; a hypothesis of twice the weight may have twice the p-value."""
    needed, weight = np.array(p_values) / np.array(weights), np.array(weights)
    order = np.argsort(needed, kind="stable")
    left = np.cumsum(weight[order][::-1])[::-1]
    adjusted = np.maximum.accumulate(np.minimum(needed[order] * left, 1.0))
    return list(map(float, adjusted[np.argsort(order)]))
