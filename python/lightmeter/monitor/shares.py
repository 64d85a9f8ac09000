"""The interval that the next one of some shares falls into, such as those of missing values."""

from collections.abc import Sequence

from lightmeter import _core
from lightmeter.monitor.scalars import Share, prediction_interval

__all__ = ["share_interval"]


def share_interval(past: Sequence[Share], n: int, alpha: float) -> tuple[float, float]:
    """What the share of `n` more falls outside of with probability `alpha` at most.

    It holds whether the hits are independent, where Fisher's exact test against all that is past
    bounds the chance however rare they are (seven days without any do not make the eighth an
    anomaly), or shares differ more than that from bucket to bucket and are normal, where
    `prediction_interval` does: it is the wider of both at either end.

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
        if _core.fisher_more(middle, n, past.hits, past.n) > alpha:
            low = middle
        else:
            high = middle
    return low
