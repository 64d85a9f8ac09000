"""The interval that the next one of some shares falls into, such as those of missing values."""

import math
from collections.abc import Sequence

from lightmeter.monitor.scalars import Share, prediction_interval

__all__ = ["share_interval"]


def share_interval(past: Sequence[Share], n: int, alpha: float) -> tuple[float, float]:
    """Prediction interval for the share among the next `n`; its coverage is at least 1 - alpha.

    It is the wider of two intervals, at either end. One is for independent hits: Fisher's exact
    test against the whole past, which holds however rare hits are (seven days without any do not
    make the eighth an anomaly). The other is for shares that vary more from bucket to bucket, and
    are normal: `prediction_interval`.

    Args:
        past: two shares or more, of at least one.
        n: at least one.
        alpha: between 0 and 1.
    """
    low, high = prediction_interval([share.hits / share.n for share in past], alpha)
    hits, total = sum(share.hits for share in past), sum(share.n for share in past)
    most = _most_hits(Share(hits, total), n, alpha / 2)
    least = n - _most_hits(Share(total - hits, total), n, alpha / 2)
    return max(0.0, min(low, least / n)), min(1.0, max(high, most / n))


def _most_hits(past: Share, n: int, alpha: float) -> int:
    """The most hits of `n` that Fisher's one-sided test at `alpha` takes for chance."""
    low, high = past.hits * n // past.n, n + 1  # as many as expected are never too many
    while high - low > 1:
        middle = (low + high) // 2
        if _tail(middle, n, past) > alpha:
            low = middle
        else:
            high = middle
    return low


def _tail(hits: int, n: int, past: Share) -> float:
    """How likely so many hits or more are among `n`, where hits fall to either side by chance."""
    every = past.hits + hits
    log = _log_choose(n, hits) + _log_choose(past.n, past.hits) - _log_choose(n + past.n, every)
    term = total = math.exp(log)
    for k in range(hits, min(n, every)):
        term *= (n - k) / (k + 1) * (every - k) / (past.n - every + k + 1)
        total += term
        if term < 1e-15 * total:
            break
    return total


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
