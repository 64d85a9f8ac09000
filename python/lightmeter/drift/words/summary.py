"""What is said of a whole comparison."""

from collections.abc import Sequence

from lightmeter.drift.feature import RATES, FeatureDrift
from lightmeter.drift.names import rank
from lightmeter.drift.size import sure_size
from lightmeter.drift.verdict import CHANGED
from lightmeter.drift.words.told import Finding

_MOST = 4
_EQUAL = 1.0  # floors, by which effects may differ that are about the same
_SAME = 0.1  # of a change; what differs by less changed alike


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

    Numbers of images that are about the same, or that changed by the same factor, mostly changed
    for one reason: one of them speaks for all.

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
    parts = [each.with_followers for each in shown]
    words = ("; " if caused else ", ").join(parts)
    return f"{words}{';' if caused else ','} and {left} more" if left else words


def _spokesmen(told: Sequence[Finding]) -> list[Finding]:
    subjects: dict[tuple[str, ...], list[Finding]] = {}
    for each in [each for each in told if not each.is_even] or told:
        subjects.setdefault(_subject(each.lines[0]), []).append(each)
    shown: list[Finding] = []
    for each in map(_spokesman, subjects.values()):
        line = each.lines[0]
        same = [at for at, other in enumerate(shown) if _by_same_factor(line, other.lines[0])]
        if not same:
            shown.append(each)
        elif _rank(line) < _rank(shown[same[0]].lines[0]):
            shown[same[0]] = each
    return shown


def _by_same_factor(line: FeatureDrift, other: FeatureDrift) -> bool:
    """Whether two means of light or colour changed alike, as they do with the exposure."""
    changes = [
        each.level_target / each.level_reference - 1
        for each in (line, other)
        if each.scale == "sample" and each.kind == "number" and each.group in ("colour", "light")
        if not each.feature.endswith(".stddev")
        if each.level_target is not None and each.level_reference
    ]
    if len(changes) < 2 or line.prefix != other.prefix:
        return False
    return abs(changes[0] - changes[1]) <= _SAME * abs(changes[0])


def _rank(line: FeatureDrift) -> int:
    return rank(line.feature, line.prefix)


def _subject(feature: FeatureDrift) -> tuple[str, ...]:
    """The same for features of which one is enough to say what happened."""
    if feature.group in ("file", "Exif", "values") or feature.kind in RATES:
        return feature.same_as or feature.feature, feature.kind
    return feature.prefix, feature.group, feature.cell.number if feature.cell else ""


def _spokesman(told: Sequence[Finding]) -> Finding:
    """The first; but a mean says more than a standard deviation within the pictures."""
    if not told[0].lines[0].feature.endswith(".stddev"):
        return told[0]
    least = sure_size(told[0].lines[0]) - _EQUAL
    means = (each for each in told if each.lines[0].feature.endswith(".mean"))
    return next((each for each in means if sure_size(each.lines[0]) >= least), told[0])
