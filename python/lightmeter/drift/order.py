"""What comes first: causes that are certain, then the effects that are surely large."""

import math
from collections.abc import Iterable

from lightmeter.drift.distance import distance
from lightmeter.drift.feature import FeatureDrift
from lightmeter.drift.size import sure_size
from lightmeter.drift.together import missing_together
from lightmeter.drift.verdict import CHANGED, Thresholds

_WORST_FIRST = ["drift", "inconclusive", "possible", "none", "not enough data", None]


def by_severity(lines: Iterable[FeatureDrift], by: Thresholds) -> list[FeatureDrift]:
    """The lines in order: by verdict; certain causes first; then by effect.

    An effect counts with the lower end of its interval, in units of its floor. At most it is 1,
    which many features reach that change for one reason. So between equal effects the distance
    decides, which has no bound.
    """
    lines = list(lines)
    changed = [line for line in lines if line.verdict in CHANGED]
    exif = {line.feature for group in missing_together(changed) for line in group}

    def severity(line: FeatureDrift) -> tuple[int, bool, float, float, str]:
        rank, effect = _WORST_FIRST.index(line.verdict), line.effect or 0.0
        if line.verdict not in CHANGED:
            return rank, False, -effect, 0.0, line.feature
        if line.group == "together":  # what the numbers say by themselves, says more
            return rank, True, 0.0, 0.0, line.feature
        is_certain = (line.kind == "missing" and line.feature in exif) or _is_certain(line, by)
        size = math.inf if line.kind == "failure" else round(sure_size(line, by))
        return rank, not is_certain, -size, -distance(line), line.feature

    return sorted(lines, key=severity)


def _is_certain(line: FeatureDrift, by: Thresholds) -> bool:
    """Whether the line is no effect but a cause: files fail, or there are other categories."""
    if line.kind == "failure":
        return True
    if line.kind != "category":
        return False
    items = [(line.new_values, line.n_target), (line.vanished_values, line.n_reference)]
    shares = (item.lower / n for listed, n in items for item in listed[:1] if n)
    return max(shares, default=0.0) >= by.effect
