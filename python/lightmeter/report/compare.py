"""Comparing two profiles, wherever they are."""

from lightmeter.drift.verdict import Thresholds
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.report.report import DriftReport


def compare(
    *unnamed: object,
    target: ProfileLike | None = None,
    reference: ProfileLike | None = None,
    **thresholds: float,
) -> DriftReport:
    """Compare two profiles: what changed from `reference` to `target`.

    Numbers are tested for location, spread and tails by scores of their ranks, given the ties, and
    by Kolmogorov and Smirnov's exact test; circular hue by Kuiper's; categories with a permuted
    chi-square test; rates of missing values, of text among numbers and of failures with Fisher's.
    Results are the same on every run. See `FeatureDrift` for what is reported.

    Args:
        unnamed: nothing: both sides have names.
        target: the profile to judge: a `ProfileView`, a `Profile`, what `log` or `log_image`
            returned, or the path of a profile file.
        reference: what it should look like; the same.
        thresholds: what verdicts are reached by, such as ``drift=0.01`` for the largest q-value or
            ``effect=0.2`` for the least shift; see `Thresholds` for all, and why they are so.

    Raises:
        TypeError: a side is something else, or not named.
        ValueError: a threshold is out of its range.
        OSError: a file cannot be read.
        DecodeError: a file holds no whole profile.
    """
    if unnamed or target is None or reference is None:
        raise TypeError("say which side is which: compare(target=..., reference=...)")
    by = Thresholds(**thresholds)
    return DriftReport(target=view_of(target), reference=view_of(reference), thresholds=by)
