"""What comes first: what is certain, then the largest effects."""

import math
from collections.abc import Iterable

from lightmeter.drift.row import FeatureDrift
from lightmeter.drift.verdict import CHANGED, Thresholds

_WORST_FIRST = ["drift", "inconclusive", "possible", "none", "not enough data", None]
_MOST = 10.0  # least sizes; D is no larger, when everything changed


def by_severity(lines: Iterable[FeatureDrift], by: Thresholds) -> list[FeatureDrift]:
    """The lines in order: by verdict; what is certain first; then by effect.

    An effect counts with the lower end of its interval, in whole units of its least size, of which
    many features have equally many. Between these the distance decides, which has no bound.
    """

    def severity(line: FeatureDrift) -> tuple[int, bool, bool, float, float, str]:
        rank = _WORST_FIRST.index(line.verdict)
        if line.verdict not in CHANGED:
            return rank, False, False, -(line.effect or 0.0), 0.0, line.feature
        least = by.least(line.effect_name)
        units = min((line.effect_low or 0.0) / least if least else _MOST, _MOST)
        distance = math.inf if line.wasserstein_in_sd is None else abs(line.wasserstein_in_sd)
        by_itself = line.group != "together"  # what the numbers say by themselves, says more
        return (
            rank,
            not _is_certain(line, by),
            not by_itself,
            -round(units),
            -distance,
            line.feature,
        )

    return sorted(lines, key=severity)


def _is_certain(line: FeatureDrift, by: Thresholds) -> bool:
    """Whether files fail, Exif tags went missing, or there are other categories."""
    if line.kind == "failure":
        return True
    if line.kind == "missing":
        return line.group == "Exif" and (line.level_target or 0.0) > (line.level_reference or 0.0)
    if line.kind != "category":
        return False
    items = [(line.new_values, line.n_target), (line.vanished_values, line.n_reference)]
    shares = (item.lower / n for listed, n in items for item in listed[:1] if n)
    return max(shares, default=0.0) >= by.effect
