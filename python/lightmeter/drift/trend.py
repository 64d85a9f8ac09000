"""Detecting lasting changes in a series of buckets: slow ones, and steps.

The test is an e-detector (Shin, Ramdas and Rinaldo 2024, NEJSDS 2). Each seventh day c is a
possible start of the change; its e-value e_c measures how much better "another level since c"
explains the series than "one level"; and the detector is ``M = 7 sum e_c``. Without a change, the
mean time until M exceeds a threshold is at least that threshold, however often one tests.

- An e-value is the Bayes factor of a normal shift, whose standard deviation is that of the values
  within a bucket, with the right Haar prior on level and scale (Perez-Ortiz, Lardy, de Heide and
  Gruenwald 2024, Annals of Statistics 52). For independent normal buckets it is a martingale for
  any level and scale. The same formula projects out other columns.
- A bucket has the weight ``1 / (tau^2 + 1 / n)``, with tau^2 by DerSimonian and Laird (1986) from
  the buckets before it, or ``n`` (Laney 2002). The smaller e-value counts, so that neither
  shrinking buckets nor days that differ raise alarms by themselves.
- A value counts as at most 3 standard deviations from those before it, because one outlier is not a
  trend.
- Buckets that resemble those before them count less: exponents are divided by the long-run factor,
  the sum of autocorrelations up to the first that is not positive (Geyer 1992).
- Rates are also judged by their arc sines (Anscombe 1948), because few hits are not normal.

Weights, bounds and the factor are estimated, so the rate of false alarms under dependence is not
proved but measured; see ``bench/drift_calibration/trend.py``.
"""

import math
from collections.abc import Iterable
from itertools import combinations_with_replacement, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter.drift.prediction import Numbers, units_of

Places = NDArray[np.int64]

FIRST = 28  # buckets before the first possible start
STEP = 7  # buckets between two possible starts, and from the last one to now
_LAGS = 14
_TOGETHER = 32  # buckets whose M is computed at a time
_LAST = 14  # buckets that show whether a change is over
_CLIP = 3.0
_RIDGE = 1e-9
_FARTHEST = 1e9  # standard deviations
_BIAS = 2.0  # of a sum of autocorrelations, by lag and bucket (Marriott and Pope 1954)
_LEAST = 0.125  # of the correction for it
_EARLIEST = 14  # buckets before a change, which define the level
_NEAR, _CLEAR = 6.0, 9.0  # residual variances: of starts that fit as well, of a better shape


class Statistic(NamedTuple):
    """Hold a statistic of each feature over time.

    Attributes
    ----------
    values
        Array of shape (buckets, features), in standard deviations of a value within the first
        buckets.
    n
        Number of values behind each; 0 if there are none.
    columns
        Array of shape (buckets, features, columns): known influences that are not changes; the
        first is the level.
    centre
        Meaning of the value 0 in the original unit, of shape (1, features).
    unit
        Meaning of a difference of 1 in the original unit.
    roots
        For rates, twice the arc sine of their square root, which is closer to normal.
    """

    values: Numbers
    n: Numbers
    columns: Numbers
    centre: Numbers
    unit: Numbers
    roots: Numbers | None = None

    def beside(self, columns: Numbers) -> "Statistic":
        """Return the statistic with more columns, of shape (buckets, features or 1, columns)."""
        wide = np.broadcast_to(columns, (*self.n.shape, columns.shape[2]))
        return self._replace(columns=np.concatenate([self.columns, wide], axis=2))

    def of(self, *features: int) -> "Statistic":
        """Return the statistic of some features."""
        parts: Any = (None if part is None else part.take(features, axis=1) for part in self)
        return Statistic(*parts)


def level_of(means: Numbers, stddevs: Numbers, n: Numbers) -> Statistic:
    """Return the statistic of means; arguments have the shape (buckets, features)."""
    scale = units_of(means[:FIRST], stddevs[:FIRST])
    means, stddevs = means / scale, stddevs[:FIRST] / scale
    freedom = np.maximum(n - 1, 0.0)[:FIRST]
    within = (freedom * stddevs**2).sum(axis=0) / np.maximum(freedom.sum(axis=0), 1.0)
    # Buckets of one value have no spread within; the spread between buckets replaces it.
    between = means[:FIRST].std(axis=0)
    return _statistic(means, n, np.where(within > 0, np.sqrt(within), between), scale)


def spread_of(stddevs: Numbers, n: Numbers) -> Statistic:
    """Return the statistic of the logarithms of standard deviations, if they are above 0.

    If values come in bursts, the spread within a small bucket is too small, so ``1 / (n - 1)`` is
    projected out; otherwise a lasting growth of buckets would look like a change of the spread.
    """
    n = np.where((n > 1) & (stddevs > 0), n, 0.0)
    # For normal values, the variance of the logarithm for one value is 1/2.
    logs = _statistic(np.log(np.where(n > 0, stddevs, 1.0)), n, np.full(n.shape[1], math.sqrt(0.5)))
    return logs.beside((1 / np.maximum(n - 1, 1.0))[..., None])


def direction_of(cosines: Numbers, sines: Numbers, n: Numbers) -> Statistic:
    """Return the statistic of mean directions of hues: angles from that of the first buckets."""
    cosine, sine = ((n * part)[:FIRST].sum(axis=0) for part in (cosines, sines))
    across, along = cosine * sines - sine * cosines, cosine * cosines + sine * sines
    length2 = _length2(cosines, sines, n)
    return _statistic(np.arctan2(across, along), n, np.sqrt((1 - length2) / (2 * length2)))


def concentration_of(cosines: Numbers, sines: Numbers, n: Numbers) -> Statistic:
    """Return the statistic of the concentration of hues: squared lengths of mean unit vectors.

    The bias of small buckets is removed; with bursts, lengths remain too large, as in `spread_of`.
    """
    length2 = _length2(cosines, sines, n)
    n = np.where(n > 1, n, 0.0)
    freedom = np.maximum(n - 1, 1.0)
    squares = (n * (cosines**2 + sines**2) - 1) / freedom
    # Standard deviation for one value of a wrapped normal variable.
    lengths = _statistic(squares, n, (1 - length2) * np.sqrt(2 * length2))
    return lengths.beside((1 / freedom)[..., None])


def _length2(cosines: Numbers, sines: Numbers, n: Numbers) -> Numbers:
    squares = (n * (cosines**2 + sines**2))[:FIRST].sum(axis=0)
    return np.asarray(np.clip(squares / np.maximum(n[:FIRST].sum(axis=0), 1.0), 1e-9, 1.0))


def rate_of(hits: Numbers, n: Numbers) -> Statistic:
    """Return the statistic of rates of hits; arguments have the shape (buckets, features)."""
    # Without hits so far, count half a hit.
    rate = (hits[:FIRST].sum(axis=0) + 0.5) / (n[:FIRST].sum(axis=0) + 1)
    found = _statistic(hits / np.maximum(n, 1.0), n, np.sqrt(rate * (1 - rate)))
    return found._replace(roots=2 * np.arcsin(np.sqrt((hits + 0.375) / (n + 0.75))))


def _statistic(values: Numbers, n: Numbers, unit: Numbers, scale: Numbers | float = 1) -> Statistic:
    unit = np.where(unit > 0, unit, 1.0)
    centre = (n[:FIRST] * values[:FIRST]).sum(axis=0) / np.maximum(n[:FIRST].sum(axis=0), 1.0)
    values = np.where(n > 0, np.clip((values - centre) / unit, -_FARTHEST, _FARTHEST), 0.0)
    return Statistic(values, n, np.ones((*n.shape, 1)), centre[None] * scale, unit[None] * scale)


def threshold(a_year: float) -> float:
    """Return the threshold of log M for at most `a_year` false alarms of a statistic per year."""
    return math.log(365.25 / a_year)


def _running(*parts: NDArray[Any]) -> Numbers:
    """Return the sums of each part up to each bucket, of shape (parts, buckets, features).

    ``np.cumsum`` is slower, because it adds one number at a time.
    """
    sums = np.stack(parts, axis=1, dtype=np.float64)
    for before, now in pairwise(sums):
        now += before
    return np.moveaxis(sums, 0, 1)


class _Fit:
    """Fit a weighted regression of each feature on its columns, up to each bucket.

    Parameters
    ----------
    values, weights
        Arrays of shape (buckets, features); the weight is 0 without a value.
    columns
        Array of shape (columns, buckets, features).
    freedom
        Numbers of values less columns, up to each bucket.
    """

    def __init__(
        self, values: Numbers, weights: Numbers, columns: Numbers, freedom: Numbers
    ) -> None:
        pairs = combinations_with_replacement([*columns, values], 2)
        self.sums = _running(*(weights * left * right for left, right in pairs))
        self.freedom, self.columns = freedom, len(columns)
        # The expected shift is as large as the spread of the first buckets.
        self.unit = 1 / np.maximum(weights[:FIRST].mean(axis=0), 1e-300)

    def at(self, buckets: Places, known: Iterable[Numbers]) -> tuple[Numbers, Numbers, Numbers]:
        """Return the fits up to some buckets, of shape (buckets, features).

        Parameters
        ----------
        buckets
            Last bucket of each fit.
        known
            Values v of the columns, each of the same shape.

        Returns
        -------
        tuple[Numbers, Numbers, Numbers]
            The fitted value for v; ``v' G^-1 v``, where G is the Gram matrix of the columns; and
            the residual sum of squares. They follow from elimination.
        """
        vector, ends = list(known), np.cumsum(np.arange(self.columns + 1, 1, -1))
        *rows, (rss,) = np.split(self.sums[:, buckets], ends)
        for row in rows[::-1]:  # the level, which the others are compared with, comes last
            # A column that has not changed yet is indistinguishable from the level.
            row[0] += _RIDGE * np.maximum(row[0], rows[0][0]) + (rows[0][0] == 0)
        value, leverage = np.zeros((2, *rss.shape))
        for i, (pivot, *_, b) in enumerate(rows):
            scaled, v = rows[i] / pivot, vector[i]
            value += v * scaled[-1]
            leverage += v * v / pivot
            rss -= b * scaled[-1]
            for j in range(i + 1, self.columns):
                vector[j] = vector[j] - v * scaled[j - i]
                rows[j] -= scaled[j - i] * rows[i][j - i :]
        return value, leverage, np.maximum(rss, 0.0)

    def log_e(self, at: Places, start: Places, factor: Numbers) -> Numbers:
        """Return the logarithms of e-values, of shape (pairs, features).

        Parameters
        ----------
        at
            Last bucket, by pair.
        start
            Bucket at which the level may have changed, from 1 on, by pair.
        factor
            Number of buckets that count as one, by pair and feature.
        """
        first = self.sums[: self.columns + 1]
        *u, xy = first[:, at] - first[:, start - 1]
        fit, leverage, rss = self.at(at, u)
        xx, xy = np.maximum(u[0] - leverage, 0.0), xy - fit
        s = xx * self.unit / factor
        share = np.minimum(xy**2 / np.maximum(xx * rss, 1e-300), 1 - 1e-12)
        gain = np.log1p(-s / (1 + s) * share)
        log_e = -0.5 * np.log1p(s) - self.freedom[at] / (2 * factor) * gain
        return np.where(xx > _RIDGE * u[0], log_e, -np.inf)  # there is no value


class Series(NamedTuple):
    """Hold a statistic whose outliers are clipped.

    Attributes
    ----------
    values
        Clipped values; see `Statistic`.
    weights
        Weights with random effects.
    fits
        Fits with these weights and with Laney's; for rates, also of their roots.
    residuals
        Standardised differences of each bucket from the fit of the buckets before it.
    """

    values: Numbers
    weights: Numbers
    fits: list[_Fit]
    residuals: Numbers


def clipped(statistic: Statistic) -> Series:
    """Return the statistic with its outliers clipped.

    The expected value of a bucket follows from the buckets before it; that of the first buckets
    from all of them. Each pass fits the values that the previous pass clipped. The first pass uses
    only the spread of the first buckets, so that a step is admitted slowly.
    """
    values, n, *_ = statistic
    columns = np.ascontiguousarray(np.moveaxis(statistic.columns, 2, 0))
    there, variance = (n > 0) * 1.0, 1 / np.maximum(n, 1.0)
    sizes, squares, counts = _running(n, n * n, there)
    sizes = np.maximum(sizes, 1.0)
    spread = np.maximum(sizes - squares / sizes, 1.0)
    freedom, places = np.maximum(counts - len(columns), 0.0), np.arange(len(n))
    before = np.maximum(places - 1, min(FIRST, len(n)) - 1)
    for until in (before[:1], before, before):
        # DerSimonian and Laird's variance between buckets.
        end = until[-1] + 1
        sums, squares = _running(n[:end] * values[:end], n[:end] * values[:end] ** 2)
        excess = squares - sums * sums / sizes[:end] - (counts[:end] - 1)
        variances = variance + (np.maximum(excess, 0.0) / spread[:end])[until]
        weights = there / variances
        expected, _, rss = _Fit(values, weights, columns, freedom).at(before, columns)
        square = (rss / np.maximum(freedom[before], 1.0))[: len(until)] * variances
        square[:FIRST] = variances[:FIRST]  # so the weights are chosen
        # If all buckets were equal so far, no bound on a change is known.
        bound = _CLIP * np.sqrt(np.where(square > 0, square, np.inf))
        values = np.asarray(there * np.clip(statistic.values, expected - bound, expected + bound))
    scales = [values] if statistic.roots is None else [values, statistic.roots]
    fits = [_Fit(scale, each, columns, freedom) for scale in scales for each in (weights, n)]
    expected, leverage, _ = fits[0].at(places[:-1], columns[:, 1:])
    residuals, weight = np.zeros_like(values), weights[1:]
    residuals[1:] = (values[1:] - expected) * np.sqrt(weight / (1 + leverage * weight))
    return Series(values, weights, fits, residuals)


def long_run_factors(residuals: Numbers) -> Numbers:
    """Return the number of buckets that count as one, by possible start and feature.

    It is estimated from the buckets before the start: from the median autocorrelations of all
    features, which those that have changed do not move; or from a feature's own, less a standard
    error, if that is more.

    Parameters
    ----------
    residuals
        Residuals of `Series`.
    """
    starts = np.arange(FIRST, len(residuals) - STEP + 1, STEP)[:, None]
    weeks = max(len(residuals) // STEP - 1, 0)  # before the last start
    before = np.vstack([np.zeros_like(residuals[:_LAGS]), residuals])
    lagged = [
        before[_LAGS - lag :][: weeks * STEP].reshape(weeks, STEP, before.shape[1])
        for lag in range(_LAGS + 1)
    ]
    sums = [np.einsum("wdf,wdf->wf", lagged[0], each) for each in lagged]
    power, *products = _running(*sums)[:, FIRST // STEP - 1 :]
    rho = np.stack(products) / np.maximum(power, 1e-300)
    ordered, many = np.sort(np.where(power > 0, rho, np.inf)), (power > 0).sum(axis=1)
    middle = np.stack([(many - 1) // 2, many // 2], axis=1)[None]
    median = np.take_along_axis(ordered, middle, axis=2).mean(axis=2, keepdims=True)

    def factors(rho: Numbers, errors: float) -> Numbers:
        kept = np.logical_and.accumulate((rho > 0) & (rho < 2), axis=0)  # infinite without values
        lags, total = kept.sum(axis=0), 1 + 2 * rho.sum(axis=0, where=kept)
        error = 2 * np.sqrt(np.maximum(lags, 1) / starts)  # of the sum, by Bartlett
        found = np.maximum(total - errors * error, 1.0)
        return np.asarray(found / np.maximum(1 - _BIAS * lags / starts, _LEAST))

    return np.maximum(factors(median, 0.0), factors(rho, 1.0))


def log_evidence(
    series: Series, factors: Numbers | None = None, since: int = 0, first: int = 0
) -> Numbers:
    """Return the logarithm of M by bucket and feature.

    Without a change, the mean of M is at most the number of buckets.

    Parameters
    ----------
    series
        Series of all buckets since the start or the last accepted change.
    factors
        Factors from `long_run_factors`; None computes those of the series.
    since
        Earliest bucket at which a change may begin.
    first
        First bucket to compute; the result is -inf for the buckets before it.
    """
    factors = long_run_factors(series.residuals) if factors is None else factors
    result, numbers = np.full(series.values.shape, -np.inf), np.arange(len(factors))
    starts = FIRST + STEP * numbers
    for begin in range(first, len(result), _TOGETHER):
        buckets = np.arange(begin, min(begin + _TOGETHER, len(result)))
        age = buckets[:, None] - starts
        # After 91 buckets, every fourth start is enough.
        is_used = (age >= STEP - 1) & (starts >= since) & ((age < 92) | (numbers % 4 == 0))
        places, at = np.nonzero(is_used)
        pairs = buckets[places], starts[at], factors[at]
        log_e = np.minimum.reduce([fit.log_e(*pairs) for fit in series.fits])
        found, firsts = np.unique(pairs[0], return_index=True)
        result[found] = np.logaddexp.reduceat(log_e, firsts)
    return result + math.log(STEP)


# When a change began, by how much, and whether it was a step or crept


class Change(NamedTuple):
    """Describe a lasting change of one feature.

    Attributes
    ----------
    first
        Earliest bucket at which it may have begun.
    last
        Latest bucket at which it may have begun.
    shape
        ``"step"``, ``"creep"``, or empty until one of them fits clearly better.
    before
        Level before the change, in the original unit.
    now
        Level at the end.
    size
        Difference in standard deviations of a value.
    """

    first: int
    last: int
    shape: str
    before: float
    now: float
    size: float


class Episode(NamedTuple):
    """Hold a change of one feature from its detection to its end.

    Attributes
    ----------
    opened
        First bucket of the episode.
    closed
        Bucket after the last one.
    values
        Values of all buckets, in standard deviations of a value.
    weights
        Weights of the values; variances are multiples of their inverses.
    factor
        Number of buckets that count as one.
    centre
        Meaning of the value 0 in the original unit.
    unit
        Meaning of a difference of 1 in the original unit.
    """

    opened: int
    closed: int
    values: Numbers
    weights: Numbers
    factor: float
    centre: float = 0.0
    unit: float = 1.0

    def change(self, at: int) -> Change:
        """Return the change that fits the buckets up to `at` best, by weighted least squares.

        A step and a creep are fitted for each possible start. The range of starts includes those
        that fit nearly as well; it contains the true start in at least 90 % of the cases of the
        bench.
        """
        buckets = at + 1
        w, y, x = self.weights[:buckets], self.values[:buckets], np.arange(buckets, dtype=float)
        starts = np.arange(_EARLIEST, buckets - 1)
        total = w.sum()
        mean = (w * y).sum() / total
        y = y - mean

        def since(part: Numbers) -> Numbers:
            return np.cumsum(part[::-1])[::-1][starts]

        w0, w1, w2 = since(w), since(w * x), since(w * x * x)
        y0, y1, b = since(w * y), since(w * y * x), starts - 1
        # Sums of a step or creep times the values, of the step or creep, and of its squares.
        creep = y1 - b * y0, w1 - b * w0, w2 - 2 * b * w1 + b * b * w0
        xy, sizes, squares = np.stack(((y0, w0, w0), creep), axis=1)
        around = np.maximum(squares - sizes * sizes / total, 1e-9 * squares + 1e-300)
        loss = (w * y * y).sum() - xy * xy / around
        loss *= [[1.0], [1 + 1e-9]]  # if both fit equally well, it is a step
        shape, best = divmod(loss.argmin(), len(starts))
        variance = self.factor * max(0.0, loss.min()) / max(buckets - 3, 1)
        is_clear = loss[1 - shape].min() >= loss.min() + _CLEAR * variance
        near = starts[loss.min(axis=0) <= loss.min() + _NEAR * variance]
        slope = xy[shape, best] / around[shape, best]
        moved = float(slope) * (buckets - int(starts[best]) if shape else 1)
        before = self.centre + self.unit * float(mean - slope * (sizes[shape, best] / total))
        name = ("step", "creep")[shape] if is_clear else ""
        now = before + self.unit * moved
        return Change(int(near[0]), int(near[-1]), name, before, now, abs(moved))


def watch(
    statistic: Statistic, limits: Numbers, known: int = 0, exceeded: Any = False
) -> tuple[Numbers, dict[int, list[Episode]]]:
    """Return the logarithm of M by bucket and feature, and the detected changes by feature.

    A change is over once the last 14 buckets are closer to the level before it than to the level
    since. Its buckets are then skipped, so that another change can be detected. The result for a
    bucket depends only on the buckets up to it.

    Parameters
    ----------
    statistic
        Statistic of all buckets since the start or the last accepted change.
    limits
        Threshold of log M, by feature.
    known
        Number of buckets whose M need not be returned; in these, it is known which features
        exceeded their threshold.
    exceeded
        Whether a feature exceeded its threshold in the known buckets, by feature.
    """
    buckets, whole = len(statistic.n), clipped(statistic)
    all_factors = long_run_factors(whole.residuals)
    log_m = log_evidence(whole, all_factors, first=known)
    episodes: dict[int, list[Episode]] = {}
    for feature in np.flatnonzero((log_m >= limits).any(axis=0) | exceeded).tolist():
        own, closed, residuals = statistic.of(feature), 0, whole.residuals.copy()
        series, factors = clipped(own), all_factors[:, [feature]]
        log_m[:, feature] = column = log_evidence(series, factors)[:, 0]
        while len(hits := np.flatnonzero(column[closed:] >= limits[feature])):
            opened = closed + int(hits[0])
            factor = float(factors[(opened + 1 - STEP - FIRST) // STEP, 0])
            # The values before clipping, because a clipped step would look like a creep.
            values, weights = own.values[:, 0], series.weights[:, 0]
            scale = own.centre.item(), own.unit.item()
            found = Episode(opened, buckets, values, weights, factor, *scale)
            change = found.change(opened)
            closed = _end_of(scale[0] + scale[1] * series.values[:, 0], found, change)
            # The change itself makes the buckets since its start resemble each other.
            calm = min(factor, float(factors[max(0, change.first - FIRST) // STEP, 0]))
            episodes.setdefault(feature, []).append(found._replace(closed=closed, factor=calm))
            if closed == buckets:
                break
            own.n[change.first : closed] = 0
            series = clipped(own)
            residuals[:, feature] = series.residuals[:, 0]
            # An episode does not reduce the dependence of the buckets before it.
            factors = np.maximum(factor, long_run_factors(residuals)[:, [feature]])
            column = log_evidence(series, factors, closed)[:, 0]
            log_m[closed:, feature] = column[closed:]
    return log_m, episodes


def _end_of(levels: Numbers, found: Episode, change: Change) -> int:
    """Return the bucket at which a change is over, or the number of buckets."""
    total, sums = np.cumsum(found.weights), np.cumsum(found.weights * levels)
    at = np.arange(found.opened + 1, len(levels))

    def mean(start: Numbers | int) -> Numbers:
        weight = total[at] - total[start]
        # Without values, the mean is unknown.
        return np.asarray((sums[at] - sums[start]) / np.where(weight > 0, weight, np.nan))

    since, late = mean(change.first - 1), mean(np.maximum(at - _LAST, found.opened - STEP))
    is_over = np.abs(late - change.before) < np.abs(late - since)
    return int(at[is_over.argmax()]) if is_over.any() else len(levels)
