"""Comparing two profiles, wherever they are."""

from lightmeter.drift.compare import judged_lines
from lightmeter.drift.verdict import DEFAULT_THRESHOLDS, Thresholds
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.report.report import DriftReport


def compare(
    *unnamed: object,
    target: ProfileLike | None = None,
    reference: ProfileLike | None = None,
    drift: float = DEFAULT_THRESHOLDS.drift,
    possible: float = DEFAULT_THRESHOLDS.possible,
    effect: float = DEFAULT_THRESHOLDS.effect,
    spread: float = DEFAULT_THRESHOLDS.spread,
    tail: float = DEFAULT_THRESHOLDS.tail,
    min_values: int = DEFAULT_THRESHOLDS.min_values,
    delta: float = DEFAULT_THRESHOLDS.delta,
) -> DriftReport:
    """What changed from `reference` to `target`.

    Numbers are tested for location, spread and tails by scores of their ranks, given the ties, and
    by Kolmogorov and Smirnov's exact test; circular hue by Kuiper's; categories with a permuted
    chi-square test; rates of missing values, of text among numbers and of failures with Fisher's.
    Results are the same on every run. See `FeatureDrift` for what is reported.

    Args:
        unnamed: nothing: both sides have names.
        target: the profile to judge: a `ProfileView`, a `Profile`, what `log` or `log_image`
            returned, or the path of a profile file.
        reference: what it should look like; the same.
        drift: the largest q-value of a ``drift``; see `Thresholds` for why the defaults are so.
        possible: the largest q-value of a ``possible``.
        effect: the least shift (D, Kuiper's V), total variation or difference of rates of both.
        spread: the least spread that will do instead; see `FeatureDrift` for what it is.
        tail: the least tail that will do instead.
        min_values: values needed on each side for a verdict.
        delta: chance that the intervals of sampled features miss the truth.

    Raises:
        TypeError: a side is something else, or not named.
        ValueError: a threshold is out of its range.
        OSError: a file cannot be read.
        DecodeError: a file holds no whole profile.
    """
    if unnamed or target is None or reference is None:
        raise TypeError("say which side is which: compare(target=..., reference=...)")
    thresholds = Thresholds(
        drift=drift,
        possible=possible,
        effect=effect,
        spread=spread,
        tail=tail,
        min_values=min_values,
        delta=delta,
    )
    sides = view_of(target), view_of(reference)
    return DriftReport(*sides, judged_lines(*sides, thresholds), thresholds)
