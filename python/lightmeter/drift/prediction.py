"""Whether the next bucket is one of those before it: tests against the spread of past buckets.

Images of one bucket are seldom independent: they come in bursts, from one slide, on one day. How
much a mean varies from bucket to bucket is then not to be seen within a bucket. It is to be seen in
the past buckets, so each statistic of a bucket is judged by its spread there:

- Every statistic y of a bucket of n values is predicted twice. Laney's way (2002, Quality
  Engineering 14) the variance of y is ``phi / n``, ``phi = sum n (y - m)^2 / (k - 1)`` around the
  mean ``m`` weighted by n of the k buckets: so it is with bursts and slides. With random effects it
  is ``tau^2 + s^2 / n``, s^2 being the variance within buckets and tau^2 by DerSimonian and Laird
  (1986): so it is where days differ. The larger p-value counts. Both know how many values each
  bucket has, so that their sizes may differ by a hundred.
- The statistic of the test is ``|y - m| / sqrt(Var y + Var m)``, Student's with k - 1 degrees of
  freedom. Where buckets resemble those before them there are fewer: of a series with the
  autocorrelation r, k counts as ``k (1 - r^2) / (1 + r^2)`` (Bayley and Hammersley 1946). r is the
  mean over all statistics, as one of them alone would be estimated badly.
- Of a skewed statistic the t on the side of the skewness g is taken back to that of a symmetric
  one: the x with ``x + g' (x^2 - 1) / 6 = t``, the first term of Cornish and Fisher. g is estimated
  of few buckets, so that only what exceeds its standard error sqrt(6 / k) counts, and that twice.
- Buckets may be few bursts each, of scenes that may be of any kind, and days may differ by any law:
  no normal ones. How far each past bucket is from the others tells how heavy the tails are, see
  `_with_heavy_tails`.
- Counts of rare events are not normal at all. Their inner bound is Fisher's exact test against all
  past buckets together, see `rare_event_p`.

It assumes that past buckets and the judged one would be exchangeable but for a slow drift, and that
means of a bucket are not much farther from normal than the skewness and the past buckets tell.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core

Numbers = NDArray[np.float64]

# With 14 buckets a shift of half a standard deviation in one of 20 features is found in four of ten
# cases; with fewer hardly ever, and the spread of bursts is not known well enough.
ENOUGH = 14
_ROUNDING = 1e-9  # of a constant
_FARTHEST = 1e100  # a t that is surely too large


class Centre(NamedTuple):
    """What is expected, where that is not the mean of the past buckets.

    Attributes
    ----------
    values
        Of each statistic.
    n
        How many values it is of.
    buckets
        In how many buckets they were; a file counts as one.
    """

    values: Numbers
    n: Numbers
    buckets: int


def variance_between(
    squares: Numbers, left: Numbers, n: Numbers, within: Numbers | float, share: Numbers | float = 1
) -> Numbers:
    """DerSimonian and Laird's variance between groups, with which squares are as expected.

    Parameters
    ----------
    squares
        Sum of squares of the groups' means around that of all, each by its weight w.
    left
        W (1 - w / all weights) of each group.
    n
        Values of each; a group without any does not count.
    within
        Variance of one value within a group.
    share
        Of the variance between groups that the mean of each has.
    """
    left = np.where(n > 0, left, 0.0)
    of_within = (left / np.maximum(n, 1e-300)).sum(axis=0)
    return np.asarray(np.fmax((squares - of_within * within) / (left * share).sum(axis=0), 0.0))


def _next(
    past: Numbers, n_past: Numbers, within: Numbers, n: Numbers, centre: Centre | None = None
) -> tuple[Numbers, ...]:
    """Return what is known of the next bucket, by Laney's way first, then by random effects.

    Returns
    -------
    tuple[Numbers, ...]
        How many past buckets have each statistic; by way and statistic what is expected of the next
        bucket, its variance around that, and the skewness of past buckets; by way, past bucket and
        statistic how far it is from the mean, in standard deviations, and its share in the mean;
        Laney's variance for one value; and a variance that is rounding.
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
        expected = np.stack((centre.values, centre.values))
        error = phi / centre.n, tau2 / centre.buckets + within / centre.n
    variance = np.stack((phi / n, tau2 + within / n)) + np.stack(error)
    rounding = (_ROUNDING * np.maximum(1.0, np.abs(mean))) ** 2
    off = np.where(there, off / np.sqrt(each + rounding), 0.0)
    skewness = (off**3).sum(axis=1) / k
    return k, expected, variance, skewness, off, weights / every[:, None], phi, rounding


class Prediction(NamedTuple):
    """What `predict` returns, by statistic.

    Attributes
    ----------
    p_values
        NaN with fewer than two buckets.
    design
        How many times larger the variance between buckets is than that of independent values
        (Laney's phi over s^2); NaN where the latter is 0.
    buckets
        How many past buckets have the statistic.
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
    """Two-sided p-values of the statistics of one bucket.

    Parameters
    ----------
    past
        Of each past bucket, in order of time, and each statistic.
    n_past
        How many values they are of; 0 where a bucket has none.
    within
        Variance of each statistic for one value, so that it is 1/n of it for n independent ones.
    target
        Of the bucket that is judged.
    n_target
        How many values they are of.
    centre
        None for the mean of the past buckets.
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
        design = np.where(within > 0, phi / within, np.nan)
    return Prediction(p_values, design, k)


def units_of(*tables: Numbers) -> Numbers:
    """Of each statistic, the power of two near its largest value; 1 where all are 0.

    Numbers of any unit are judged alike in it: none is too large to be squared, or so small that
    its spread would count as rounding.
    """
    rows = np.abs(np.vstack(tables))
    largest = np.where(np.isfinite(rows), rows, 0.0).max(axis=0)
    return np.where(largest > 0, np.ldexp(1.0, np.frexp(largest)[1] - 1), 1.0)


def predicted_interval(
    past: Sequence[float], n_past: Sequence[float], within: float, n: float, alpha: float
) -> tuple[float, float]:
    """Return what `predict` takes for ordinary: its coverage for one statistic is about 1 - alpha.

    Both ways of prediction at their own centres, the wider end of either. Of one statistic alone
    autocorrelation is not known; it is taken to be none.

    Parameters
    ----------
    past
        Of two buckets or more, in order of time.
    n_past
        How many values each is of, at least 1.
    within
        Variance for one value; 0 where it is not known.
    n
        How many values the judged bucket has, at least 1.
    alpha
        Between 0 and 1.
    """
    values, sizes = (np.array(side, dtype=np.float64)[:, None] for side in (past, n_past))
    k, centre, variance, skewness, *_ = _next(values, sizes, np.array([within]), np.array([n]))
    t = _core.student_quantile(alpha, int(k[0]) - 1)
    far = [t + _excess(side * skewness, k) * (t * t - 1) for side in (-1.0, 1.0)]
    low, high = (each * np.sqrt(variance) for each in far)
    return float((centre - low).min()), float((centre + high).max())


def combined(level: Numbers, spread: Numbers) -> Numbers:
    """Return one p-value of the two of a feature: Bonferroni's with weights of 4 and 1.

    A changed spread is found surely from 28 buckets on, so that most of the weight goes to the
    level. NaN counts as untested.
    """
    level, spread = (np.where(np.isnan(p), np.inf, p) for p in (level, spread))
    return np.minimum(1.0, np.minimum(level / 0.8, spread / 0.2))


def rare_event_p(hits: float, n: float, past_hits: float, past_n: float, design: float) -> float:
    """Fisher's one-sided p-value of so many hits or more, as though of independent images.

    Hits that come in bursts are fewer events: all counts are divided by `design`, the hits of the
    bucket rounded down and those of the past up.
    """
    design = max(1.0, design)
    events, before = math.floor(hits / design + 1e-9), math.ceil(past_hits / design - 1e-9)
    draws = max(events, round(n / design), 1)
    return _core.fisher_more(events, draws, before, max(before, round(past_n / design), 1))


def _independent_share(standardised: Numbers) -> float:
    """Of k buckets that resemble those before them, which share counts."""
    squares = (standardised**2).sum(axis=0)
    products = (standardised[1:] * standardised[:-1]).sum(axis=0)
    varies = squares > 0
    if not varies.any():
        return 1.0
    r = max(0.0, float((products[varies] / squares[varies]).mean()))
    return (1 - r * r) / (1 + r * r)


def _from_the_others(off: Numbers, share: Numbers, k: Numbers) -> Numbers:
    """Student's |t| of each past bucket, as though it were judged by the others.

    Its residual and its share of all weight tell that without another fit (Cook and Weisberg 1982).
    No skewness is taken off, as it is that of the bucket itself where no other is as far.
    """
    squares = np.fmin(off**2 / (1 - share), (k - 1) * (1 - _ROUNDING))
    return np.asarray(np.sqrt(squares * (k - 2) / (k - 1 - squares)))


def _with_heavy_tails(p_values: Numbers, past: Numbers) -> Numbers:
    """p-values as large as those of past buckets show that they have to be.

    If they hold, the least of a bucket times their count, U, is uniform, and -log U is 1 in the
    mean. If it is m > 1, U^(1/m) would be so. All statistics share m, as 28 buckets say too little
    of the tails of one.

    Parameters
    ----------
    p_values
        Of the judged bucket.
    past
        Of each past bucket, judged by the others.
    """
    least = np.minimum(1.0, len(p_values) * past.min(axis=1))
    m = max(1.0, float(-np.log(np.maximum(least, 1e-300)).mean()))
    shared = np.minimum(1.0, len(p_values) * p_values) ** (1 / m) / len(p_values)
    return np.asarray(np.fmax(p_values, shared))


def _straightened(t: Numbers, skewness: Numbers, k: Numbers) -> Numbers:
    """|t|, less where the skewness alone would have made it that large."""
    excess = _excess(np.sign(t) * skewness, k)
    size = np.minimum(np.abs(t), _FARTHEST)
    root = (np.sqrt(1 + 4 * excess * (size + excess)) - 1) / (2 * np.where(excess > 0, excess, 1.0))
    return np.where((excess > 0) & (size > 1), root, size)


def _excess(skewness: Numbers, k: Numbers) -> Numbers:
    """Return what of the skewness on a side counts, a third of it."""
    return np.asarray(np.maximum(0.0, skewness - np.sqrt(6 / k)) / 3)
