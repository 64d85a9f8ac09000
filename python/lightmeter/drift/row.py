"""What is known of the drift of one feature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

from lightmeter.drift.names import Said
from lightmeter.profile import FrequentItem, ProfileView
from lightmeter.profile.features import Family, Kind, Role
from lightmeter.text import visible

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
    """The column that a line is about: its feature without ``:missing`` and the like."""
    column, _, rate = feature.rpartition(":")
    return column if rate in RATES else feature


@dataclass(kw_only=True, frozen=True)
class FeatureDrift(Said):
    """One row of a `Comparison`. What does not apply to its kind is None.

    `Said` has the rest of the attributes: what the feature is called and what it is about.

    ``p_low`` to ``p_high`` and ``effect_low`` to ``effect_high`` are intervals where a profile
    holds a sample of its values (more than 1024, more than 256 of them distinct); elsewhere the
    ends are the same.

    >>> row = lm.compare(target=target, reference=reference)["image.Sharpness"]
    >>> row.verdict, row.q_value

    Attributes:
        feature: such as ``image.entropy``; the rate of its missing values is a line of its own,
            ``image.entropy:missing``, and so is that of text and infinities among numbers,
            ``weight:not a number``.
        kind: ``number``; ``hue``, an angle; ``category``; ``pixels``, the values of all pixels; and
            three shares: ``missing``, of observations without a value; ``not a number``, of values
            that are text or infinite; ``failure``, of files that could not be measured.
        n_target: values compared (for ``missing`` and ``failure``, observations).
        n_reference: the same on the other side.
        ks: the Kolmogorov-Smirnov statistic D; Kuiper's V for hue.
        ks_p_value: of this statistic, given the ties.
        p_value: of the test that the verdict rests on: for numbers one of location, spread and
            tails by ranks, given the ties; Kuiper's; permuted chi-square; Fisher's exact test.
        p_low: the least it can be.
        p_high: the most it can be, by which the verdict is reached.
        q_value: from ``p_high`` over all features that were tested, see `families`; None of what
            was not tested.
        hellinger: Hellinger distance, 0 to 1, over bins of about equal mass; of categories.
        hellinger_debiased: without what two samples of one distribution have on average.
        wasserstein: how far the values moved on average, in their own unit; for hue, steps of 255
            around the circle.
        psi: population stability index.
        js: Jensen-Shannon distance, 0 to 1.
        wasserstein_in_sd: ``wasserstein`` in units of the reference's spread (interquartile range /
            1.349; its standard deviation where that is 0), with the sign of the change of the mean.
        spread: the logarithm of ``stddev_target / stddev_reference``; None where one of them is 0,
            and for hue.
        tail_below: how much more of the target than of the reference lies below the reference's 1 %
            point, as a share; at least 0.
        tail_above: the same above its 99 % point.
        tail: both together.
        effect: the size that carries the verdict: the one that is largest in units of its least
            size, see `Thresholds`. Of samples the one that is surely largest; if none surely
            reaches its least size, the one that may be largest.
        effect_low: the least it can be.
        effect_high: the most it can be.
        effect_name: which size that is: ``shift`` (``ks``), ``spread`` (without its sign) or
            ``tail``; of categories ``total variation``; of rates ``difference of rates``; of
            vectors ``separation``.
        level_target: mean; circular mean of hue; the share of the last three kinds.
        level_reference: the same on the other side.
        stddev_target: sample standard deviation of numbers.
        stddev_reference: the same on the other side.
        new_values: texts (categories, failure reasons) of the target that the reference does not
            list.
        vanished_values: the other way round.
        groups_target: how many groups the p-value rests on, such as slides or bursts: about so
            many, and no more than 1420 that have names. None where it takes images for independent.
        groups_reference: the same on the other side.
        role: what the values of its column mean, see `Meaning`.
        family: what it is judged together with.
        verdict: ``drift``, ``possible``, ``none``, ``inconclusive``, ``not enough data``, or None
            for features that only have distances.
        reason: why, in a few words.
        sides: the target and the reference, for sentences; no part of what was found.
        wording: makes the words, by the limits that judged, when they are first asked for.
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
        """How it changed, such as ``saturation fell by 38 %``; empty of what did not."""
        return self.wording(self) if self.wording and self.verdict in CHANGED else ""

    @property
    def levels(self) -> tuple[float, float]:
        """That of the reference and that of the target; 0 where there is none."""
        return self.level_reference or 0.0, self.level_target or 0.0

    def __repr__(self) -> str:
        """The verdict and what it rests on, in one line."""
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
