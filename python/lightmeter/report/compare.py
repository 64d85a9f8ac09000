"""Comparing two profiles, wherever they are."""

import os

from lightmeter.drift.compare import compare_views
from lightmeter.drift.verdict import DEFAULT_THRESHOLDS, Thresholds
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.log import ResultSet
from lightmeter.report.report import DriftReport

__all__ = ["Side", "compare"]

Side = ProfileView | Profile | ResultSet | str | os.PathLike[str]


def compare(
    *,
    target: Side,
    reference: Side,
    drift: float = DEFAULT_THRESHOLDS.drift,
    possible: float = DEFAULT_THRESHOLDS.possible,
    effect: float = DEFAULT_THRESHOLDS.effect,
    min_values: int = DEFAULT_THRESHOLDS.min_values,
    delta: float = DEFAULT_THRESHOLDS.delta,
) -> DriftReport:
    """What changed from `reference` to `target`.

    Numbers are tested with Kolmogorov and Smirnov's test, exact given the ties; circular hue with
    Kuiper's; categories with a permuted chi-square test; rates of missing values, of text among
    numbers and of failures with Fisher's. Results are the same on every run. See `FeatureDrift` for
    what is reported.

    Args:
        target: the profile to judge: a `ProfileView`, a `Profile`, what `log` or `log_image`
            returned, or the path of a profile file.
        reference: what it should look like; the same.
        drift: the largest q-value of a ``drift``; see `Thresholds` for why the defaults are so.
        possible: the largest q-value of a ``possible``.
        effect: the least effect of both: D, Kuiper's V, or total variation.
        min_values: values needed on each side for a verdict.
        delta: chance that the intervals of sampled features miss the truth.

    Raises:
        TypeError: a side is something else.
        ValueError: a threshold is out of its range.
        OSError: a file cannot be read.
        DecodeError: a file holds no whole profile.
    """
    thresholds = Thresholds(
        drift=drift, possible=possible, effect=effect, min_values=min_values, delta=delta
    )
    comparison = compare_views(
        target=_view(target), reference=_view(reference), thresholds=thresholds
    )
    return DriftReport(
        comparison.target, comparison.reference, comparison.features, comparison.thresholds
    )


def _view(side: Side) -> ProfileView:
    if isinstance(side, ProfileView):
        return side
    if isinstance(side, Profile | ResultSet):
        return side.view()
    if isinstance(side, str | os.PathLike):
        return ProfileView.read(side)
    raise TypeError(
        f"got {type(side).__name__}; expected a ProfileView, a Profile, a ResultSet or the path of "
        "a profile file"
    )
