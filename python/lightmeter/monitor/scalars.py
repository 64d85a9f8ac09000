"""The interval that the next number of a series falls into, of shares and of hues."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from lightmeter import _core
from lightmeter.drift.prediction import predicted_interval
from lightmeter.profile import ColumnView
from lightmeter.profile.scalars import HUE_STEPS, arc, nearest_turn

_LEAST_DIRECTION = 0.5  # of the mean of unit vectors; so it is with a spread of 67 degrees


class Share(NamedTuple):
    """So many of so many."""

    hits: int
    n: int


def share_of(column: ColumnView, name: str) -> Share | None:
    """Return the counts behind a number of a feature; None where it is no share, or of nothing.

    `n` of the failure feature is the images measured, its missing values, and the failures.
    """
    if column.n == 0:
        return None
    if name == "missing_rate":
        return Share(column.missing, column.n)
    if name == "failure_rate" and column.kind == "failure":
        return Share(column.n - column.missing, column.n)
    return None


def share_interval(past: Sequence[Share], n: int, alpha: float) -> tuple[float, float]:
    """Return the prediction interval of the share among the next `n`; it covers 1 - alpha.

    It is the wider of two intervals, at either end. One is for independent hits: Fisher's exact
    test against the whole past, which holds however rare hits are (seven days without any do not
    make the eighth an anomaly). The other is for shares that vary more from bucket to bucket, as
    beta-binomial ones do: `predicted_interval`. Where hits are rare and come in bursts, neither
    knows how rare a burst is.

    Args:
        past: two shares or more, of at least one.
        n: at least one.
        alpha: between 0 and 1.
    """
    hits, total = sum(share.hits for share in past), sum(share.n for share in past)
    shares, sizes = [share.hits / share.n for share in past], [share.n for share in past]
    low, high = predicted_interval(shares, sizes, 0.0, n, alpha)
    most = _most_hits(Share(hits, total), n, alpha / 2)
    least = n - _most_hits(Share(total - hits, total), n, alpha / 2)
    return max(0.0, min(low, least / n)), min(1.0, max(high, most / n))


def _most_hits(past: Share, n: int, alpha: float) -> int:
    """Return the most hits of `n` that Fisher's one-sided test at `alpha` takes for chance."""
    low, high = past.hits * n // past.n, n + 1  # as many as expected are never too many
    while high - low > 1:
        middle = (low + high) // 2
        if _core.fisher_more(middle, n, past.hits, past.n) > alpha:
            low = middle
        else:
            high = middle
    return low


def hue_interval(
    series: Sequence[float], sizes: Sequence[int], within: float, size: int, alpha: float
) -> tuple[float, float] | None:
    """Return `predicted_interval` on the circle, as an `arc`.

    That of the differences from the mean direction, each taken the shorter way around. It keeps its
    promise while the hues lie well within half of the circle; None where they have no direction,
    or hardly any: one on the other side is then as ordinary as the mean.

    Args:
        series: two hues or more.
        sizes: how many values each is of.
        within: the variance of one value, in steps.
        size: how many values the judged bucket has.
        alpha: between 0 and 1.
    """
    angles = [hue * math.tau / HUE_STEPS for hue in series]
    x = math.fsum(map(math.cos, angles))
    y = math.fsum(map(math.sin, angles))
    if math.hypot(x, y) < _LEAST_DIRECTION * len(series):
        return None
    middle = math.atan2(y, x) * HUE_STEPS / math.tau % HUE_STEPS
    turned = [nearest_turn(hue, middle) for hue in series]
    return arc(*predicted_interval(turned, sizes, within, size, alpha))
