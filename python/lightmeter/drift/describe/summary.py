"""What is said of a whole comparison."""

from collections.abc import Sequence

from lightmeter.drift.describe.told import Finding
from lightmeter.drift.row import RATES, FeatureDrift
from lightmeter.drift.verdict import CHANGED

_MOST = 4


def headline(features: Sequence[FeatureDrift]) -> str:
    """How many features drifted."""
    tested = sum(feature.q_value is not None for feature in features)
    drifted = sum(feature.verdict == "drift" for feature in features)
    of_all = f"{tested} {_features(tested)}"
    if drifted:
        return f"{drifted} of {of_all} drifted"
    if not tested:
        return "Not enough data to compare"
    possible = sum(feature.verdict in CHANGED for feature in features)
    if possible:
        return f"No drift, but {possible} of {of_all} may have changed"
    return f"No drift in {of_all}"


def _features(tested: int) -> str:
    return "feature" if tested == 1 else "features"


def summary(features: Sequence[FeatureDrift], told: Sequence[Finding]) -> str:
    """One sentence about the features.

    Numbers of images that are about the same mostly changed for one reason: one speaks for all.

    Args:
        features: all of a comparison, by severity.
        told: what to say of those that drifted and may be named, the causes first.
    """
    drifted = sum(feature.verdict == "drift" for feature in features)
    tested = sum(feature.q_value is not None for feature in features)
    if not tested:
        return "not enough data to compare"
    if not drifted:
        return f"no drift in {tested} {_features(tested)}"
    caused = [each for each in told if each.cause]
    failing = [each for each in told if each.lines[0].kind == "failure"]
    others = [each for each in told if each not in caused and each not in failing]
    shown = [*failing, *caused, *_spokesmen(others)][:_MOST]
    if not shown:
        return f"{drifted} of {tested} {_features(tested)} drifted, none surely by itself"
    left = drifted - sum(len(each.lines) for each in shown)
    parts = ["; ".join(filter(None, (each.words, each.followers))) for each in shown]
    words = ("; " if caused else ", ").join(parts)
    return f"{words}{';' if caused else ','} and {left} more" if left else words


def _spokesmen(told: Sequence[Finding]) -> list[Finding]:
    subjects: dict[tuple[str, ...], list[Finding]] = {}
    for each in [each for each in told if not each.is_even] or told:
        subjects.setdefault(_subject(each.lines[0]), []).append(each)
    return list(map(_spokesman, subjects.values()))


def _subject(feature: FeatureDrift) -> tuple[str, ...]:
    """The same for features of which one is enough to say what happened."""
    if feature.group in ("file", "Exif", "values") or feature.kind in RATES:
        return feature.feature, feature.kind
    return feature.prefix, feature.group, feature.cell.number if feature.cell else ""


def _spokesman(told: Sequence[Finding]) -> Finding:
    """The first; but a mean says more than a standard deviation within the pictures."""
    if not told[0].lines[0].feature.endswith(".stddev"):
        return told[0]
    means = (each for each in told if each.lines[0].feature.endswith(".mean"))
    return next(means, told[0])
