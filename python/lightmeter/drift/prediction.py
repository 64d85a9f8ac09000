"""Testing whether a bucket fits those before it, by the spread of past buckets.

Images of one bucket are seldom independent: they come in bursts, from one slide, on one day. The
variation of a mean between buckets can then not be estimated within a bucket, but only from past
buckets. Each statistic of a bucket is therefore judged by its spread there:

- Every statistic y of a bucket of n values is predicted in two ways. By Laney (2002, Quality
  Engineering 14), the variance of y is ``phi / n``, ``phi = sum n (y - m)^2 / (k - 1)`` around the
  mean ``m`` of the k buckets, weighted by n; this fits bursts and slides. With random effects it is
  ``tau^2 + s^2 / n``, with the variance s^2 within buckets and tau^2 by DerSimonian and Laird
  (1986); this fits days that differ. The larger p-value counts. Both ways use the number of values
  of each bucket, so sizes may differ by a factor of a hundred.
- The test statistic is ``|y - m| / sqrt(Var y + Var m)``, with Student's distribution of k - 1
  degrees of freedom. If buckets resemble those before them, there are fewer: with the
  autocorrelation r, k counts as ``k (1 - r^2) / (1 + r^2)`` (Bayley and Hammersley 1946). r is the
  mean over all statistics, because the estimate for a single one would be poor.
- If a statistic is skewed, t on the side of the skewness g is replaced by that of a symmetric
  statistic: the x with ``x + g' (x^2 - 1) / 6 = t``, the first term of Cornish and Fisher. Because
  g is estimated from few buckets, g' is twice the excess of g over its standard error sqrt(6 / k).
- Buckets may consist of a few bursts of any scenes, and days may differ by any distribution, so
  statistics need not be normal. The distance of each past bucket from the others shows how heavy
  the tails are; see `_with_heavy_tails`.

The tests assume that past buckets and the judged one are exchangeable except for a slow drift, and
that the means of buckets are not much less normal than the skewness and the past buckets show.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core

Numbers = NDArray[np.float64]

# With 14 buckets, a shift of half a standard deviation in one of 20 features is detected in four of
# ten cases. With fewer it is hardly ever detected, and the spread of bursts is not known well
# enough.
ENOUGH = 14
_ROUNDING = 1e-9  # of a constant
_FARTHEST = 1e100  # larger than any real t


class Centre(NamedTuple):
    """Hold the expected values, if they are not the mean of the past buckets.

    Attributes
    ----------
    values
        Expected value of each statistic.
    n
        Number of values behind each expected value.
    buckets
        Number of buckets of these values; a file counts as one.
    """

    values: Numbers
    n: Numbers
    buckets: int


def variance_between(
    squares: Numbers, left: Numbers, n: Numbers, within: Numbers | float, share: Numbers | float = 1
) -> Numbers:
    """Return DerSimonian and Laird's estimate of the variance between groups.

    Parameters
    ----------
    squares
        Weighted sum of squares of the groups' means around the overall mean, with weights w.
    left
        w (1 - w / sum of weights) of each group.
    n
        Number of values of each group; a group without values does not count.
    within
        Variance of a value within a group.
    share
        Share of the variance between groups in the mean of each group.
    """
    left = np.where(n > 0, left, 0.0)
    of_within = (left / np.maximum(n, 1e-300)).sum(axis=0)
    return np.asarray(np.fmax((squares - of_within * within) / (left * share).sum(axis=0), 0.0))


def _next(
    past: Numbers, n_past: Numbers, within: Numbers, n: Numbers, centre: Centre | None = None
) -> tuple[Numbers, ...]:
    """Return the prediction of the next bucket by Laney's way and by random effects, in this order.

    Returns
    -------
    tuple[Numbers, ...]
        The number of past buckets with each statistic; by way and statistic, the expected value,
        the variance around it, and the skewness of past buckets; by way, past bucket and statistic,
        the distance from the mean in standard deviations and the weight in the mean; Laney's
        variance for one value; and the variance of rounding errors.
    """
    there = n_past > 0
    k, total = there.sum(axis=0, dtype=np.float64), n_past.sum(axis=0)
    past = np.where(there, past, 0.0)
    mean = (n_past * past).sum(axis=0) / total
    off = np.where(there, past - mean, 0.0)
    squares = (n_past * off**2).sum(axis=0)
    phi = squares / (k - 1)
    tau2 = variance_between(squares, n_past * (1 - n_past / total), n_past, within)
    each = np.stack((phi / n_past, tau2 + within / n_past + 1e-300))
    weights = np.stack((n_past, np.where(there, 1 / each[1], 0.0)))
    every = weights.sum(axis=1)
    if centre is None:
        expected = (weights * past).sum(axis=1) / every
        error = phi / total, 1 / every[1]
    else:
        expected = centre.values  # of both ways
        error = phi / centre.n, tau2 / centre.buckets + within / centre.n
    variance = np.stack((phi / n, tau2 + within / n)) + np.stack(error)
    rounding = (_ROUNDING * np.maximum(1.0, np.abs(mean))) ** 2
    off = np.where(there, off / np.sqrt(each + rounding), 0.0)
    skewness = (off**3).sum(axis=1) / k
    return k, expected, variance, skewness, off, weights / every[:, None], phi, rounding


class Prediction(NamedTuple):
    """Hold the results of `predict`, by statistic.

    Attributes
    ----------
    p_values
        p-values; NaN with fewer than two buckets.
    design
        Design effect: the variance between buckets divided by that of independent values (Laney's
        phi over s^2); NaN if the latter is 0.
    buckets
        Number of past buckets with the statistic.
    """

    p_values: Numbers
    design: Numbers
    buckets: Numbers


def predict(
    past: Numbers,
    n_past: Numbers,
    within: Numbers,
    target: Numbers,
    n_target: Numbers,
    centre: Centre | None = None,
) -> Prediction:
    """Return two-sided p-values of the statistics of one bucket.

    Parameters
    ----------
    past
        Statistics of past buckets in order of time, of shape (buckets, statistics).
    n_past
        Number of values behind each, in the same shape; 0 if a bucket has none.
    within
        Variance of each statistic for one value; for n independent values it is 1/n of that.
    target
        Statistics of the judged bucket.
    n_target
        Number of values behind each.
    centre
        Expected values; None for the mean of the past buckets.
    """
    with np.errstate(all="ignore"):
        k, expected, variance, skewness, off, share, phi, rounding = _next(
            past, n_past, within, n_target, centre
        )
        away = (target - expected) / np.sqrt(variance + rounding)
        t = np.fmin.reduce(_straightened(away, skewness, k), initial=_FARTHEST)
        dof = np.maximum(1.0, (k - 1) * _independent_share(off[1]))
        p_values = _core.student_tail(t, dof.astype(np.uint64))
        if (several := k > 2).any():
            past_t = np.fmin.reduce(_from_the_others(off, share, k), initial=_FARTHEST)
            past_t = np.where(n_past > 0, past_t, 0.0)[:, several]
            past_dof = np.broadcast_to((k[several] - 2).astype(np.uint64), past_t.shape)
            past_p = _core.student_tail(past_t.ravel(), past_dof.ravel()).reshape(past_t.shape)
            p_values[several] = _with_heavy_tails(p_values[several], past_p)
        known = (k > 1) & (n_target > 0) & (True if centre is None else centre.n > 0)
        p_values = np.where(known, p_values, np.nan)
        return Prediction(p_values, np.where(within > 0, phi / within, np.nan), k)


def units_of(*tables: Numbers) -> Numbers:
    """Return for each statistic the power of two near its largest value; 1 if all are 0.

    In these units, numbers of any scale are judged alike: none is too large to be squared, or so
    small that its spread looks like rounding.
    """
    rows = np.abs(np.vstack(tables))
    largest = np.where(np.isfinite(rows), rows, 0.0).max(axis=0)
    return np.where(largest > 0, np.ldexp(1.0, np.frexp(largest)[1] - 1), 1.0)


def predicted_interval(
    past: Sequence[float], n_past: Sequence[float], within: float, n: float, alpha: float
) -> tuple[float, float]:
    """Return the interval that `predict` accepts, with coverage of about 1 - alpha.

    Each end is the wider one of both ways of prediction. Autocorrelation cannot be estimated from a
    single statistic, so it is assumed to be 0.

    Parameters
    ----------
    past
        Values of at least two buckets, in order of time.
    n_past
        Number of values behind each, at least 1.
    within
        Variance for one value; 0 if unknown.
    n
        Number of values of the judged bucket, at least 1.
    alpha
        Between 0 and 1.
    """
    values, sizes = (np.array(side, dtype=np.float64)[:, None] for side in (past, n_past))
    k, centre, variance, skewness, *_ = _next(values, sizes, np.array([within]), np.array([n]))
    t = _core.student_quantile(alpha, int(k[0]) - 1)
    far = [t + _excess(side * skewness, k) * (t * t - 1) for side in (-1.0, 1.0)]
    low, high = (each * np.sqrt(variance) for each in far)
    return float((centre - low).min()), float((centre + high).max())


def _independent_share(standardised: Numbers) -> float:
    """Return the share of k buckets that counts, if buckets resemble those before them."""
    squares = (standardised**2).sum(axis=0)
    ratios = ((standardised[1:] * standardised[:-1]).sum(axis=0) / squares)[squares > 0]
    r = max(0.0, float(ratios.sum()) / max(1, len(ratios)))
    return (1 - r * r) / (1 + r * r)


def _from_the_others(off: Numbers, share: Numbers, k: Numbers) -> Numbers:
    """Return Student's |t| of each past bucket, judged by the others.

    It follows from the residual and the weight of the bucket without another fit (Cook and Weisberg
    1982). Skewness is not corrected, because it may stem from the bucket itself.
    """
    squares = np.fmin(off**2 / (1 - share), (k - 1) * (1 - _ROUNDING))
    return np.sqrt(squares * (k - 2) / (k - 1 - squares))


def _with_heavy_tails(p_values: Numbers, past: Numbers) -> Numbers:
    """Return p-values enlarged as far as those of past buckets require.

    If p-values are valid, U, the least of a bucket times their number, is uniform, and -log U has
    the mean 1. If the mean is m > 1, U^(1/m) has the mean 1. All statistics share m, because 28
    buckets are too few to estimate the tails of one.

    Parameters
    ----------
    p_values
        p-values of the judged bucket.
    past
        p-values of each past bucket, judged by the others.
    """
    least = np.minimum(1.0, len(p_values) * past.min(axis=1))
    m = max(1.0, float(-np.log(np.maximum(least, 1e-300)).mean()))
    shared = np.minimum(1.0, len(p_values) * p_values) ** (1 / m) / len(p_values)
    return np.fmax(p_values, shared)


def _straightened(t: Numbers, skewness: Numbers, k: Numbers) -> Numbers:
    """Return |t|, reduced where skewness alone would have made it as large."""
    excess = _excess(np.sign(t) * skewness, k)
    size = np.minimum(np.abs(t), _FARTHEST)
    root = (np.sqrt(1 + 4 * excess * (size + excess)) - 1) / (2 * np.where(excess > 0, excess, 1.0))
    return np.where((excess > 0) & (size > 1), root, size)


def _excess(skewness: Numbers, k: Numbers) -> Numbers:
    """Return a third of the skewness that counts on a side."""
    return np.maximum(0.0, skewness - np.sqrt(6 / k)) / 3
