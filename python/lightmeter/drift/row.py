"""Rows of comparisons: the names of features, their drift and verdicts.

A family is a set of features that are judged together: numbers of images, Exif, logged values,
vectors. Families are judged in two steps, so that a large one does not hide changes in another.

1. The gate. Simes' p-value of a family is its least q-value of Benjamini and Hochberg (BH). Holm's
   procedure over these, without families that have no test, selects those that may hold a finding.
2. In a family that passed, BH at the full level selects the features.

The q-value of a feature is therefore the larger of BH's q-value within its family and Holm's
p-value of its family. With one family it is BH's. ``q <= a`` is the decision at every level a,
because this holds for both steps. If BH is valid within a family (independent or positively
dependent tests, see Benjamini and Yekutieli 2001), the following holds at level a under any
dependence of families:

- A family in which nothing changed holds a finding with probability at most a, whatever changed in
  others. Proof: it must pass the gate, its Simes p-value is valid there (Simes 1986, Sarkar 1998),
  and Holm (1979) bounds the probability that any true hypothesis is rejected, under any dependence.
  If nothing changed at all, the probability of any finding is therefore at most a.
- In each family the expected share of false findings is at most a. Proof: the gate only removes
  findings of BH, all of a family at once. The share then becomes 0 or stays the same.
- A change in one of K families needs a p-value up to K times smaller than it would alone, whatever
  the sizes of the others. For tests of normal numbers in a family of ten at 5 %, this costs at most
  9 points of power for one added family, and 17 for three.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from lightmeter.drift.prediction import Numbers
from lightmeter.image.metrics import FACTS
from lightmeter.image.numbers import IMAGE_NUMBERS, Scale, Topic
from lightmeter.profile import FrequentItem, ProfileView
from lightmeter.profile.features import Family, Kind, Origin, Role
from lightmeter.text import counted, visible

# Topics of features, in the order of pages.
RowTopic = Literal[Topic, "together", "file", "Exif", "values"]


class GridCell(NamedTuple):
    """Describe a cell of the 4 x 4 grid and its number: ``luma`` or ``sharpness``."""

    number: str
    row: int
    column: int


@dataclass(frozen=True)
class Label:
    """Hold the names of a feature for sentences and pages.

    Attributes
    ----------
    name
        Name, such as ``saturation``.
    topic
        Topic with which it is shown.
    scale
        Unit of its values; None if unknown.
    prefix
        Prefix of the images in which it is measured, such as ``image``; empty for other values.
    cell
        Cell and number of the grid; None for others.
    """

    name: str = ""
    topic: RowTopic = "values"
    scale: Scale | None = None
    prefix: str = ""
    cell: GridCell | None = None


_NAMES = {  # exceptions from the rules
    "ImagePixelWidth": "width",
    "ImagePixelHeight": "height",
    "Colorspace": "colour space",
    "Colorfulness": "colourfulness",
    "Luma.stddev": "contrast",
    "JpegQuality": "JPEG quality",
    "glare_percent": "glare",
    "dark_percent": "nearly black pixels",
    "bright_percent": "nearly white pixels",
    "gray_percent": "gray pixels",
    "Vignetting": "light in the corners relative to the centre",
}
_OF_FILES = frozenset((*FACTS, "Colorspace", "Failure"))
GRID_SIDE = 4
_GRID = re.compile(r"Grid\.r([0-3])c([0-3])(?:\.(sharpness))?")

# Topics of features without a number for each image, such as Hue.pixels.
_FIRST_TOPICS = {name.partition(".")[0]: number.topic for name, number in IMAGE_NUMBERS.items()}


def label_of(feature: str, origin: Origin, prefixes: Collection[str]) -> Label:
    """Return the names of a feature; a logged value keeps its whole name.

    Parameters
    ----------
    feature
        Feature, such as ``image.Brightness.mean``, which is "brightness".
    origin
        Origin of its values.
    prefixes
        Prefixes of the features of images. If there are several, names include them.
    """
    prefix = prefix_of(feature, prefixes)
    if origin == "value" or not prefix:
        return Label(feature)
    rest = feature.removeprefix(f"{prefix}.")
    first, _, last = rest.partition(".")
    name = _spoken(rest) if len(prefixes) == 1 else f"{prefix} {_spoken(rest)}"
    if origin != "image":
        return Label(name, "Exif", prefix=prefix)
    number = IMAGE_NUMBERS.get(rest) or IMAGE_NUMBERS.get(last)  # of the image, or of a band of it
    topic = number.topic if number is not None else _FIRST_TOPICS.get(first)
    if topic == "size" or first in _OF_FILES:  # a size is shown with facts of its file
        return Label(name, "file", number and number.scale, prefix)
    return Label(name, topic or "values", number and number.scale, prefix, _cell(rest))


def prefix_of(name: str, prefixes: Iterable[str]) -> str:
    """Return the longest prefix that a feature has; empty if it has none."""
    return max((each for each in prefixes if name.startswith(f"{each}.")), key=len, default="")


def says(feature: str, prefix: str) -> str:
    """Return the description of a number of an image; empty for any other feature."""
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
        what = "brightness" if cell.number == "luma" else cell.number
        row, column = (("one", "two", "three", "four")[at] for at in cell[1:])
        return f"{what} at row {row}, column {column} of the four by four grid"
    if name not in IMAGE_NUMBERS and name not in FACTS:
        if rest in IMAGE_NUMBERS:  # of a band
            return f"{first} {_spoken(rest)}"
        first = first.lower() if first in _FIRST_TOPICS else first
        return f"{first} {rest.replace('_', ' ')}".rstrip()
    first = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", first).lower()
    if rest in ("", "mean", "circular_mean"):
        return f"mean {first}" if first in ("red", "green", "blue") else first
    if rest in ("share", "stddev"):
        return f"{'share' if rest == 'share' else 'variation'} of {first}"
    return f"{first}{' of' * (rest in ('rows', 'columns'))} {rest.replace('_', ' ')}"


Verdict = Literal["drift", "possible", "none", "inconclusive", "not enough data"]
Rate = Literal["missing", "not a number", "failure"]
DriftKind = Kind | Rate
EffectName = Literal["shift", "spread", "tail", "total variation", "difference", "separation"]

# Verdicts that need attention.
CHANGED: frozenset[str | None] = frozenset({"drift", "possible", "inconclusive"})

# The verdict for a feature that cannot have changed, and its reason.
ONE_VALUE = {"verdict": "none", "reason": "one value only, the same on both sides"}

# Kinds whose levels are shares of observations.
RATES: frozenset[str] = frozenset(get_args(Rate))


def column_of(feature: str) -> str:
    """Return the column of a row: its feature without ``:missing`` and similar endings."""
    column, _, rate = feature.rpartition(":")
    return column if rate in RATES else feature


MaybeFloat = float | None


@dataclass(kw_only=True, frozen=True)
class FeatureDrift(Label):
    """Hold one row of a comparison: a feature, its statistics and its verdict.

    Attributes that do not apply to the kind of the row are None. The base class has the names of
    the feature. ``p_low`` to ``p_high`` and ``effect_low`` to ``effect_high`` are intervals if a
    profile holds a sample of its values (more than 1024 values, more than 256 of them distinct);
    otherwise both ends are equal.

    Instances are immutable, so threads and forked processes may share them.

    Attributes
    ----------
    feature
        Name, such as ``image.entropy``. The rate of its missing values has its own row,
        ``image.entropy:missing``, and so has the rate of text and infinities among numbers,
        ``weight:not a number``.
    kind
        ``number``; ``hue``, an angle; ``category``; ``pixels``, the values of all pixels;
        ``vector``; or a rate: ``missing``, of observations without a value; ``not a number``, of
        values that are text or infinite; ``failure``, of files that could not be measured.
    n_target
        Number of compared values of the target (for ``missing`` and ``failure``, observations).
    n_reference
        The same for the reference.
    ks
        The Kolmogorov-Smirnov statistic D; Kuiper's V for hue.
    ks_p_value
        p-value of `ks`, given the ties, as if images were independent.
    p_value
        p-value of the test that decides the verdict; None without a verdict. The test is, for
        numbers, one of their ranks, for a change of level, spread or tails; for hues Kuiper's; for
        categories a permuted chi-square test; for rates Fisher's exact test; for vectors
        Hotelling's T^2; for images with groups Student's t of the means of groups.
    p_low
        Lower end of `p_value`.
    p_high
        Upper end of `p_value`, which decides the verdict.
    q_value
        q-value, from ``p_high`` of all tested features; None without a test.
    hellinger
        Hellinger distance, 0 to 1, over bins of about equal mass, or over categories.
    hellinger_debiased
        `hellinger` minus its average for two samples of one distribution.
    wasserstein
        Wasserstein distance: how far the values moved on average, in their own unit; for hues, in
        steps of 255 around the circle.
    psi
        Population stability index.
    js
        Jensen-Shannon distance, 0 to 1.
    wasserstein_in_sd
        ``wasserstein`` divided by the reference's spread (interquartile range / 1.349, or the
        standard deviation if that is 0), with the sign of the change of the mean.
    spread
        Natural logarithm of ``stddev_target / stddev_reference``; None if one of them is 0, and for
        hues.
    tail_below
        Share of the target below the reference's 1 % quantile minus the share of the reference
        there; at least 0.
    tail_above
        The same above the 99 % quantile.
    tail
        `tail_below` plus `tail_above`.
    effect
        Effect size that decides the verdict: the one that is largest relative to its threshold in
        `Thresholds`. For samples, it is the one with the largest lower end or, if no lower end
        reaches its threshold, with the largest upper end. With groups, it is the shift.
    effect_low
        Lower end of `effect`.
    effect_high
        Upper end of `effect`.
    effect_name
        Name of the effect size: ``shift`` (``ks``), ``spread`` (its absolute value) or ``tail``;
        for categories ``total variation``; for rates ``difference``; for vectors
        ``separation``.
    level_target
        Mean of the target; the circular mean for hues, the share for rates.
    level_reference
        The same for the reference.
    stddev_target
        Sample standard deviation of the target's numbers.
    stddev_reference
        The same for the reference.
    new_values
        Texts (categories, failure reasons) of the target that the reference does not list.
    vanished_values
        Texts of the reference that the target does not list.
    groups_target
        Estimated number of groups, such as slides or bursts, on which the p-value is based: at most
        1420 groups with names. None if images are treated as independent.
    groups_reference
        The same for the reference.
    role
        Role of the values of its column; see `Meaning`.
    family
        Family with which it is judged.
    verdict
        ``drift``, ``possible``, ``none``, ``inconclusive``, ``not enough data``, or None for
        features that only have distances.
    reason
        Reason for the verdict, in a few words.
    sides
        The target and the reference, for sentences; not part of the result.
    wording
        Function that makes `words` when they are first needed.

    Examples
    --------
    >>> row = lm.compare(target=target, reference=reference)["image.Sharpness"]
    >>> row.verdict, row.q_value
    """

    feature: str
    kind: DriftKind
    n_target: int
    n_reference: int
    ks: MaybeFloat = None
    ks_p_value: MaybeFloat = None
    p_value: MaybeFloat = None
    p_low: MaybeFloat = None
    p_high: MaybeFloat = None
    q_value: MaybeFloat = None
    hellinger: MaybeFloat = None
    hellinger_debiased: MaybeFloat = None
    wasserstein: MaybeFloat = None
    psi: MaybeFloat = None
    js: MaybeFloat = None
    wasserstein_in_sd: MaybeFloat = None
    spread: MaybeFloat = None
    tail_below: MaybeFloat = None
    tail_above: MaybeFloat = None
    tail: MaybeFloat = None
    effect: MaybeFloat = None
    effect_low: MaybeFloat = None
    effect_high: MaybeFloat = None
    effect_name: EffectName | None = None
    level_target: MaybeFloat = None
    level_reference: MaybeFloat = None
    stddev_target: MaybeFloat = None
    stddev_reference: MaybeFloat = None
    new_values: tuple[FrequentItem, ...] = ()
    vanished_values: tuple[FrequentItem, ...] = ()
    groups_target: int | None = None
    groups_reference: int | None = None
    role: Role = "plain"
    family: Family = "values"
    verdict: Verdict | None = None
    reason: str = ""
    sides: tuple[ProfileView, ...] = field(default=(), compare=False)
    wording: "Callable[[FeatureDrift], str] | None" = field(default=None, compare=False)

    @cached_property
    def words(self) -> str:
        """Return how it changed, such as ``saturation fell by 38 %``; empty if it did not."""
        return self.wording(self) if self.wording and self.verdict in CHANGED else ""

    @property
    def short(self) -> str:
        """Return the name of its column without the prefix of the images."""
        return column_of(self.feature).removeprefix(f"{self.prefix}.")

    @property
    def levels(self) -> tuple[float, float]:
        """Return the levels of the reference and of the target; 0 if there is none."""
        return self.level_reference or 0.0, self.level_target or 0.0

    def __repr__(self) -> str:
        """Return the verdict and its reason in one line."""
        parts = filter(None, (self.verdict or "not judged", self.words, self.reason))
        return f"<FeatureDrift {visible(repr(self.feature))}: {visible(', '.join(parts))}>"


_CARRYING = ["effect_name", "effect", "effect_low", "effect_high", "p_value", "p_low", "p_high"]


def fill(row: FeatureDrift, **found: Any) -> None:
    """Set attributes of a row while it is created; it is immutable afterwards."""
    vars(row).update(found)


def rest_on(
    row: FeatureDrift, name: EffectName, size: Sequence[float], p: Sequence[float] | None
) -> None:
    """Set the deciding effect size and p-value, each as (value, low, high)."""
    vars(row).update(zip(_CARRYING, (name, *size, *(p or (None,) * 3)), strict=True))


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Set the thresholds of verdicts.

    Instances are immutable, so threads and forked processes may share them.

    Attributes
    ----------
    drift
        Maximum q-value of ``drift``. With the default 0.05, at most one in twenty comparisons
        without a change contains a false ``drift``, for any number of features.
    possible
        Maximum q-value of ``possible``; the default 0.15 is that of whylogs.
    effect
        Minimum shift (D, or V for hues), total variation or difference. With many images,
        every difference is significant, but one below a tenth of the probability mass has no
        visible consequence. A verdict needs at least one applicable effect size that reaches its
        minimum.
    spread
        Minimum ``spread``; 0.2 is a standard deviation that is 22 % larger or 18 % smaller.
    tail
        Minimum ``tail``; with 0.03, a share of 0.05 of the target lies where 0.02 of the reference
        does. A change in a tenth of the images has a D of at most 0.1, but such a tail.
    min_values
        Minimum number of values on each side. With 10, the strongest drift just reaches p = 1e-5,
        and a moderate one is hardly detected.
    delta
        Probability that an interval misses the true value, if a profile holds samples.

    Raises
    ------
    ValueError
        A threshold is out of range, or is not a number.

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
        """Raise ValueError for values that can only be a mistake."""
        if not all(isinstance(value, Real) for value in vars(self).values()) or not (
            (0 < self.drift <= self.possible < 1 and 1e-9 <= self.delta <= 1 - 1e-9)
            and (0 <= self.effect <= 1 and 0 <= self.tail <= 1 and 0 <= self.spread <= 100)
            and self.min_values >= 1
        ):
            raise ValueError(
                f"got {self}; expected numbers: 0 < drift <= possible < 1, effect and tail from 0 "
                "to 1, spread from 0 to 100, min_values from 1, delta between 0 and 1"
            )

    def least(self, name: EffectName | None) -> float:
        """Return the minimum effect size of that name for a verdict.

        Examples
        --------
        >>> lm.Thresholds().least("shift")
        0.1
        """
        return self.spread if name == "spread" else self.tail if name == "tail" else self.effect

    def reaches(self, name: EffectName | None, size: float) -> bool:
        """Return whether an effect size is at least its minimum, up to rounding errors."""
        return size > self.least(name) - 1e-12

    def units(self, name: EffectName | None, size: float) -> float:
        """Return an effect size divided by its minimum."""
        return size / least if (least := self.least(name)) else math.inf


# Share of values; if as many moved, the change is a shift, however much spread and tail changed.
MOST_MOVED = 0.5


def carrying(sizes: Mapping[EffectName, float], by: Thresholds) -> EffectName:
    """Return the effect size that decides a verdict: the largest relative to its minimum.

    It is ``shift`` if half of the values moved, because values that move far are also a tail.
    """
    if sizes.get("shift", 0.0) >= max(MOST_MOVED, by.effect):
        return "shift"
    return max(sizes, key=lambda name: by.units(name, sizes[name]))


def judge(rows: Sequence[FeatureDrift], by: Thresholds, *, tested: bool) -> list[FeatureDrift]:
    """Set q-values, verdicts and reasons; return the rows by severity.

    If rows were not `tested`, only the verdict ``not enough data`` is set. Rows with a verdict are
    not changed. All others with enough values on both sides are judged together, in their families,
    by the upper end of their p-value. The lower end only shows whether the verdict could differ.
    """
    asked: list[FeatureDrift] = []
    for row in (each for each in rows if each.verdict is None and not each.reason):
        n = row.n_target, row.n_reference
        if min(n) < by.min_values:
            too_few(row, n, by.min_values)
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
    return by_severity(rows, by)


_WORST_FIRST = ["drift", "inconclusive", "possible", "none", "not enough data", None]


def by_severity(rows: Iterable[FeatureDrift], by: Thresholds) -> list[FeatureDrift]:
    """Return the rows in order of verdict, then lost files and Exif, then effect.

    An effect counts with the lower end of its interval, in whole multiples of its minimum. Among
    equal ones the distance decides. The row of all numbers together comes after single ones.
    """

    def severity(row: FeatureDrift) -> tuple[int, bool, bool, int, float, str]:
        # D is at most 10 of its minimum, when everything changed.
        units = min(by.units(row.effect_name, row.effect_low or 0.0), 10.0)
        distance = math.inf if row.wasserstein_in_sd is None else abs(row.wasserstein_in_sd)
        lost = row.kind == "failure" or (row.kind == "missing" and row.topic == "Exif")
        rank, together = _WORST_FIRST.index(row.verdict), row.topic == "together"
        return rank, not lost, together, -round(units), -distance, row.feature

    return sorted(rows, key=severity)


def _verdict(q: float, row: FeatureDrift, effect: float | None, by: Thresholds) -> Verdict:
    if not by.reaches(row.effect_name, effect or 0.0) or q > by.possible:
        return "none"
    return "drift" if q <= by.drift else "possible"


def too_few(row: FeatureDrift, n: Sequence[int], needed: float, what: str = "value") -> None:
    """Set the verdict and reason of a row with `n` values, vectors or groups on its sides."""
    sides = zip(n, ("target", "reference"), strict=True)
    (least, side), (most, other) = sorted(sides, key=lambda pair: pair[0])
    reason = f"{counted(least, what)} in the {side}; {needed:g} are needed"
    if not least:
        reason = f"only in the {other}, {counted(most, what)}"
    fill(row, verdict="not enough data", reason=reason)


def _reason(row: FeatureDrift, q: float, by: Thresholds) -> str:
    size = f"{row.effect_name} {row.effect or 0:.2g}"
    if row.verdict == "inconclusive":
        between = f"{row.effect_low or 0:.2g} to {row.effect_high or 0:.2g}"
        return f"{size}, which may be {between}: the profiles hold samples"
    if row.verdict == "none" and q <= by.drift:
        return f"significant (q {q:.1g}), but small: {size}, below {by.least(row.effect_name):g}"
    if row.groups_target is None:
        return f"{size}, q {q:.2g}"
    return f"{size}, q {q:.2g}; {row.groups_reference} reference, {row.groups_target} target groups"


def q_values(p_values: Sequence[float], families: Sequence[str]) -> list[float]:
    """Return the q-values of all tests that are judged together.

    Parameters
    ----------
    p_values
        p-value of each test.
    families
        Family of each test, by any names.
    """
    _, family, sizes = np.unique(families, return_inverse=True, return_counts=True)
    p, q = np.array(p_values), np.ones(len(p_values))
    members = np.split(np.argsort(family, kind="stable"), np.cumsum(sizes))[:-1]
    for its in members:
        q[its] = benjamini_hochberg(p[its])
    simes = np.array([q[its].min() for its in members])
    return [float(each) for each in np.maximum(q, _holm(simes, np.ones_like(simes))[family])]


def benjamini_hochberg(p_values: Sequence[float] | Numbers) -> list[float]:
    """Return the q-values of one family: the least false discovery rate that rejects each test."""
    p, many = np.array(p_values), len(p_values)
    order = np.argsort(-p, kind="stable")
    least = np.minimum.accumulate(p[order] * many / np.arange(many, 0, -1))
    return list(map(float, np.minimum(least, 1.0)[np.argsort(order)]))


def holm_p_values(p_values: Sequence[float], families: Sequence[str]) -> list[float]:
    """Return adjusted p-values: those up to `a` are all true with probability at least 1 - `a`.

    This is Holm's procedure with equal weights of families, and of the tests of a family. It holds
    under any dependence. No value is less than the q-value: when the first test of a family is
    rejected, all weights of families without a rejection remain, so the gate opened for it; within
    a family, the bound is at most Holm's without weights, which is within BH's.

    Parameters
    ----------
    p_values
        p-value of each test.
    families
        Family of each test.
    """
    _, family, sizes = np.unique(families, return_inverse=True, return_counts=True)
    return list(map(float, _holm(np.array(p_values), 1 / sizes[family])))


def _holm(p_values: Numbers, weights: Numbers) -> Numbers:
    """Return Holm's adjusted p-values; with twice the weight, a p-value may be twice as large."""
    needed = p_values / weights
    order = np.argsort(needed, kind="stable")
    left = np.cumsum(weights[order][::-1])[::-1]
    return np.maximum.accumulate(np.minimum(needed[order] * left, 1.0))[np.argsort(order)]
