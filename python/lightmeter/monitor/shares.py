"""The interval that the next one of some shares falls into, such as those of missing values."""

from collections.abc import Sequence

from lightmeter import _core
from lightmeter.drift.prediction import predicted_interval
from lightmeter.monitor.scalars import Share


def share_interval(past: Sequence[Share], n: int, alpha: float) -> tuple[float, float]:
    """Prediction interval for the share among the next `n`; its coverage is at least 1 - alpha.

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
    """The most hits of `n` that Fisher's one-sided test at `alpha` takes for chance."""
    low, high = past.hits * n // past.n, n + 1  # as many as expected are never too many
    while high - low > 1:
        middle = (low + high) // 2
        if _core.fisher_more(middle, n, past.hits, past.n) > alpha:
            low = middle
        else:
            high = middle
    return low
