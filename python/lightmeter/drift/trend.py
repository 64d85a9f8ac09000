"""Whether a series of buckets has changed for good: slowly, or by a step that lasts.

The test is an e-detector (Shin, Ramdas and Rinaldo 2024, NEJSDS 2): each seventh day c is a
possible start of the change, its e-value e_c says how much better "another level since c" explains
the series than "one level", and the detector is ``M = 7 sum e_c``. The mean time until M exceeds a
threshold is at least that threshold where nothing changes, however often one looks.

- An e-value is the Bayes factor of a shift that is normal with the standard deviation of the values
  within a bucket, with the right Haar prior on level and scale (Perez-Ortiz, Lardy, de Heide and
  Gruenwald 2024, Annals of Statistics 52): for independent normal buckets a martingale whatever
  level and scale are. Other columns are projected out of the same formula.
- A bucket weighs ``1 / (tau^2 + 1 / n)``, tau^2 by DerSimonian and Laird (1986) from the buckets
  before it; or ``n`` (Laney 2002). The smaller e-value counts, so that neither buckets that shrink
  nor days that differ raise alarms by themselves.
- A value counts as at most 3 standard deviations off those before it: one wild day is no trend.
- Where buckets resemble those before them there are fewer: exponents are divided by the long-run
  factor, the sum of autocorrelations up to the first that is not positive (Geyer 1992). All
  statistics share it as far as they agree.

Weights, bounds and the factor are estimated, so the promise under dependence is measured, see
``bench/drift_calibration/trend.py``, and not proved.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter.drift.change import Change, change_of
from lightmeter.drift.prediction import units_of

Numbers = NDArray[np.float64]

FIRST = 28  # buckets before the first possible start
KINDS = 7  # of days
STEP = 7  # buckets between two possible starts, and from the last one to now
_LAGS = 14
_LAST = 14  # buckets that show whether a change is over
_CLIP = 3.0
_MAD = 1.4826  # the standard deviation of a normal variable over its median absolute deviation
_RIDGE = 1e-9
_FARTHEST = 1e9  # standard deviations
_BIAS = 2.5  # of a sum of autocorrelations, by lag and bucket; 2 at least (Marriott, Pope 1954)
_LEAST = 0.125  # of the correction for it


class Statistic(NamedTuple):
    """One statistic of each feature over time.

    Attributes:
        values: of shape (buckets, features), in standard deviations of one value within the first
            buckets.
        n: of how many values each is; 0 where there is none.
        columns: of shape (buckets, features, columns): what else moves the values and is no change.
        kinds: by bucket, such as the day of the week from 0 on, whose differences are no change.
        centre: what a value of 0 is, by feature.
        unit: what a value of 1 is more than that.
        hits: of a rate, how many of the values are counted.
    """

    values: Numbers
    n: Numbers
    columns: Numbers
    kinds: NDArray[np.int64]
    centre: Numbers
    unit: Numbers
    hits: Numbers | None = None

    @property
    def all_columns(self) -> Numbers:
        """The level, the columns, and one for each kind but the first."""
        kinds = np.arange(1, KINDS if self.kinds.any() else 1)
        dummies = (self.kinds[:, None] == kinds).astype(np.float64)
        wide = np.broadcast_to(dummies[:, None, :], (*self.n.shape, dummies.shape[1]))
        return np.concatenate([np.ones((*self.n.shape, 1)), self.columns, wide], axis=2)

    def of(self, feature: int) -> "Statistic":
        """Return that of one feature."""
        at = slice(feature, feature + 1)
        hits = None if self.hits is None else self.hits[:, at]
        parts = self.values[:, at], self.n[:, at], self.columns[:, at]
        return Statistic(*parts, self.kinds, self.centre[at], self.unit[at], hits)


class Series(NamedTuple):
    """A statistic whose wild days are clipped, with what follows from the buckets before each.

    Attributes:
        values: as those of `Statistic`.
        weights: of shape (2, buckets, features): with random effects, and Laney's.
        residuals: what each bucket is off those before it, standardised; 0 where it has no values.
    """

    values: Numbers
    weights: Numbers
    residuals: Numbers


def level_of(means: Numbers, stddevs: Numbers, n: Numbers) -> Statistic:
    """Return the means of buckets, each argument of shape (buckets, features)."""
    scale = units_of(means[:FIRST], stddevs[:FIRST]) if len(n) else np.ones(n.shape[1])
    means, stddevs = means / scale, stddevs[:FIRST] / scale
    freedom = np.maximum(n - 1, 0.0)[:FIRST]
    within = (freedom * stddevs**2).sum(axis=0) / np.maximum(freedom.sum(axis=0), 1.0)
    # Buckets of one value say nothing of the spread within: that between them takes its place.
    between = means[:FIRST].std(axis=0) if len(means) else within
    found = _statistic(means, n, np.where(within > 0, np.sqrt(within), between))
    return found._replace(centre=found.centre * scale, unit=found.unit * scale)


def spread_of(stddevs: Numbers, n: Numbers) -> Statistic:
    """Return the logarithms of standard deviations; a bucket of one value or of equals has none.

    Where values come in bursts the spread within a small bucket is too small, so ``1 / (n - 1)`` is
    taken out: else buckets that grow for good would be a change of the spread.
    """
    n = np.where((n > 1) & (stddevs > 0), n, 0.0)
    small = np.where(n > 0, 1 / np.maximum(n - 1, 1.0), 0.0)
    # The variance of the logarithm for one value is 1/2, if values are normal.
    unit = np.full(n.shape[1], math.sqrt(0.5))
    logs = _statistic(np.log(np.where(n > 0, stddevs, 1.0)), n, unit)
    return logs._replace(columns=small[..., None])


def hues_of(cosines: Numbers, sines: Numbers, n: Numbers) -> tuple[Statistic, Statistic]:
    """Return the mean directions of hues, and how concentrated they are within a bucket.

    Directions are angles from that of the first buckets. Concentrations are squared lengths of mean
    unit vectors, without the bias of small buckets; those of bursts stay too long, as in
    `spread_of`.
    """
    total = np.maximum(n[:FIRST].sum(axis=0), 1.0)
    cosine, sine = ((n * part)[:FIRST].sum(axis=0) / total for part in (cosines, sines))
    across, along = cosine * sines - sine * cosines, cosine * cosines + sine * sines
    length2 = np.clip((n * (cosines**2 + sines**2))[:FIRST].sum(axis=0) / total, 1e-9, 1.0)
    turned = _statistic(np.arctan2(across, along), n, np.sqrt((1 - length2) / (2 * length2)))
    n = np.where(n > 1, n, 0.0)
    freedom = np.maximum(n - 1, 1.0)
    squares = (n * (cosines**2 + sines**2) - 1) / freedom
    # The standard deviation for one value of a wrapped normal variable.
    lengths = _statistic(squares, n, (1 - length2) * np.sqrt(2 * length2))
    return turned, lengths._replace(columns=np.where(n > 0, 1 / freedom, 0.0)[..., None])


def rate_of(hits: Numbers, n: Numbers) -> Statistic:
    """Return the shares of values that are counted, each argument of shape (buckets, features)."""
    total = np.maximum(n[:FIRST].sum(axis=0), 1.0)
    rate = (hits[:FIRST].sum(axis=0) + 0.5) / (total + 1)  # of none yet, half of one
    unit = np.sqrt(rate * (1 - rate))
    return _statistic(hits / np.maximum(n, 1.0), n, unit)._replace(hits=hits)


def _statistic(values: Numbers, n: Numbers, unit: Numbers) -> Statistic:
    unit = np.where(unit > 0, unit, 1.0)
    total = np.maximum(n[:FIRST].sum(axis=0), 1.0)
    centre = (n[:FIRST] * values[:FIRST]).sum(axis=0) / total
    columns, kinds = np.zeros((*n.shape, 0)), np.zeros(len(n), np.int64)
    values = np.clip((values - centre) / unit, -_FARTHEST, _FARTHEST)
    return Statistic(values, n, columns, kinds, centre, unit)


def in_season(statistic: Statistic, years: Numbers) -> Statistic:
    """Return the statistic with a wave of a year taken out, which needs a year to be known.

    Args:
        statistic: of some buckets.
        years: when each of them was.
    """
    turns = 2 * math.pi * years
    wave = np.stack([np.cos(turns), np.sin(turns)], axis=1)[:, None, :]
    wide = np.broadcast_to(wave, (*statistic.n.shape, 2))
    return statistic._replace(columns=np.concatenate([statistic.columns, wide], axis=2))


def threshold(a_year: float) -> float:
    """Return the logarithm that M must reach for at most `a_year` false alarms of one statistic."""
    return math.log(365.25 / a_year)


def clipped(statistic: Statistic) -> Series:
    """Return the statistic with its wild days clipped, its weights and recursive residuals."""
    n, columns = statistic.n, statistic.all_columns
    values = np.where(n > 0, statistic.values, 0.0)
    effects, residuals = np.zeros_like(values), np.zeros_like(values)
    first = min(FIRST, len(values))
    early, there = values[:first].copy(), n[:first] > 0
    middle = np.zeros_like(early)
    for kind in np.unique(statistic.kinds[:first]):
        of_kind = statistic.kinds[:first] == kind
        middle[of_kind] = _median(early[of_kind], there[of_kind])
    # Of the first buckets tau^2 is of all of them, clipped by their median.
    tau2 = np.zeros(values.shape[1])
    for _ in range(2):
        effects[:first] = _weights(tau2, n[:first])
        scaled = (early - middle) * np.sqrt(effects[:first])
        bound = _CLIP * np.maximum(1.0, _MAD * _median(np.abs(scaled), there))
        off = np.clip(scaled, -bound, bound) / np.sqrt(np.where(there, effects[:first], 1.0))
        early = np.where(there, middle + off, 0.0)
        tau2 = _tau2(*_sums(early, n[:first]))
    values[:first] = early
    sums = np.array(_sums(early[:0], n[:0]))
    fit = _Fit(columns.shape[1], columns.shape[2])
    for at in range(len(values)):
        w = _weights(tau2 if at < first else _tau2(*sums), n[at])
        effects[at] = w
        expected, variance = fit.expected(columns[at], w)
        spread = np.sqrt(variance)
        residual = np.where(w > 0, (values[at] - expected) / spread, 0.0)
        if at >= first:
            scale = fit.scale()  # where all were alike so far, any change is as wild as it is
            bound = np.where(scale > 0, _CLIP * scale, np.inf)
            residual = np.clip(residual, -bound, bound)
            values[at] = np.where(w > 0, expected + residual * spread, 0.0)
        residuals[at] = residual if at else 0.0
        y, m = values[at], n[at]
        sums += m, m * y, m * y * y, m * m, m > 0
        fit.add(columns[at], w, y)
    return Series(values, np.stack([effects, n]), residuals)


class _Fit:
    """A weighted regression of each feature, which grows by a bucket at a time."""

    def __init__(self, features: int, columns: int) -> None:
        self._gram = np.zeros((features, columns, columns))
        self._b = np.zeros((features, columns))
        self._squares, self._k = np.zeros(features), np.zeros(features)
        self._inverse = self._gram

    def expected(self, z: Numbers, w: Numbers) -> tuple[Numbers, Numbers]:
        """The value that is expected of the next bucket, and the variance of its residual."""
        self._inverse = _inverse(self._gram)
        weight = np.where(w > 0, w, 1.0)
        projected = np.einsum("fij,fj->fi", self._inverse, z)
        return (projected * self._b).sum(axis=1), 1 / weight + (projected * z).sum(axis=1)

    def scale(self) -> Numbers:
        """The standard deviation of values of weight 1 around the fit."""
        fitted = (np.einsum("fij,fj->fi", self._inverse, self._b) * self._b).sum(axis=1)
        freedom = np.maximum(self._k - self._b.shape[1], 1.0)
        return np.asarray(np.sqrt(np.maximum(self._squares - fitted, 0.0) / freedom))

    def add(self, z: Numbers, w: Numbers, y: Numbers) -> None:
        """Add a bucket."""
        wz = w[:, None] * z
        self._gram += wz[:, :, None] * z[:, None, :]
        self._b += wz * y[:, None]
        self._squares += w * y * y
        self._k += w > 0


def _inverse(gram: Numbers) -> Numbers:
    """Inverses of matrices of products; a column that has not moved yet counts as level alone."""
    ridge = _RIDGE * np.maximum(np.diagonal(gram, axis1=-2, axis2=-1), gram[..., :1, 0])
    solved = gram + np.where(ridge > 0, ridge, 1.0)[..., None] * np.eye(gram.shape[-1])
    return np.asarray(1 / solved if gram.shape[-1] == 1 else np.linalg.inv(solved), np.float64)


def _median(values: Numbers, there: NDArray[np.bool_]) -> Numbers:
    """Of each column, and 0 of one that has no values."""
    if not len(values):
        return np.zeros(values.shape[1])
    gaps = np.where(there.any(axis=0), np.nan, 0.0)
    return np.asarray(np.nanmedian(np.where(there, values, gaps), axis=0), np.float64)


def _weights(tau2: Numbers, n: Numbers) -> Numbers:
    return np.where(n > 0, 1 / (tau2 + 1 / np.maximum(n, 1.0)), 0.0)


def _sums(values: Numbers, n: Numbers) -> list[Numbers]:
    return [each.sum(axis=0) for each in (n, n * values, n * values**2, n * n, n > 0)]


def _tau2(n: Numbers, ny: Numbers, nyy: Numbers, nn: Numbers, k: Numbers) -> Numbers:
    total = np.maximum(n, 1.0)
    excess = nyy - ny * ny / total - (k - 1)
    return np.maximum(0.0, excess) / np.maximum(n - nn / total, 1.0)


def long_run_factors(residuals: Numbers, starts: NDArray[np.int64]) -> Numbers:
    """Return how many buckets count as one, by start and feature, from the buckets before it.

    Args:
        residuals: as those of `Series`.
        starts: in increasing order, each at least FIRST.
    """
    squares = np.cumsum(residuals**2, axis=0)
    products = [
        np.cumsum(residuals[lag:] * residuals[:-lag], axis=0) for lag in range(1, _LAGS + 1)
    ]
    features = residuals.shape[1]
    factors = np.ones((len(starts), features))
    for row, start in enumerate(starts):
        power = squares[start - 1]
        varies = power > 0
        if not varies.any():
            continue
        rho = np.stack([each[start - 2 - lag] for lag, each in enumerate(products)])
        rho = np.where(varies, rho / np.where(varies, power, 1.0), 0.0)
        mean = rho[:, varies].mean(axis=1)
        lags = int(np.argmax(mean <= 0)) if (mean <= 0).any() else _LAGS
        shared = 1 + 2 * float(mean[:lags].sum())
        own = 1 + 2 * rho[:lags].sum(axis=0)
        error = 2 * math.sqrt(max(lags, 1) / start)  # of the own sum, by Bartlett
        between = max(0.0, float(own[varies].var()) - error**2) if varies.sum() > 1 else 0.0
        shrunk = shared + (own - shared) * between / (between + error**2)
        found = np.maximum(shrunk, own - 2 * error)
        factors[row] = np.maximum(1.0, found) / max(1 - _BIAS * lags / start, _LEAST)
    return factors


def starts_of(buckets: int) -> NDArray[np.int64]:
    """Return the possible starts of a change in a series of so many buckets."""
    return np.arange(FIRST, max(buckets - STEP + 1, FIRST), STEP, dtype=np.int64)


def _last_age(start: int) -> float:
    """How many buckets a start counts for: old ones are thinned out, to every 28th and 84th."""
    place = start - FIRST
    return 91 if place % (4 * STEP) else 365 if place % (12 * STEP) else math.inf


class EValues:
    """The e-values of all buckets, of one start at a time; the smaller of those by both weights."""

    def __init__(self, series: Series, columns: Numbers) -> None:
        """Add up the series.

        Args:
            series: of all buckets.
            columns: of shape (buckets, features, columns); the first one is the level.
        """
        self._laws = [_Sums(series.values, weights, columns) for weights in series.weights]

    def log_of(self, start: int, end: int, factor: Numbers) -> Numbers:
        """Return logarithms, of shape (buckets, features), from the last of STEP buckets to `end`.

        Args:
            start: the bucket at which the level may have changed, from 1 on.
            end: the bucket behind the last one.
            factor: how many buckets count as one, by feature.
        """
        first, second = (law.log_of(start, end, factor) for law in self._laws)
        return np.minimum(first, second)


class _Sums:
    """Running sums of a regression of each feature on its columns, by one kind of weights."""

    def __init__(self, values: Numbers, weights: Numbers, columns: Numbers) -> None:
        wz = weights[..., None] * columns
        self._gram = np.cumsum(wz[..., None] * columns[..., None, :], axis=0)
        self._b = np.cumsum(wz * values[..., None], axis=0)
        self._inverse = _inverse(self._gram)
        fit = np.einsum("tfij,tfj->tfi", self._inverse, self._b)
        squares = np.cumsum(weights * values**2, axis=0)
        self._rss = np.maximum(squares - (fit * self._b).sum(axis=2), 1e-300)
        self._freedom = np.maximum(np.cumsum(weights > 0, axis=0) - columns.shape[2], 0)
        # The shift that is expected is as large as the spread of the first buckets.
        self._unit = min(len(values), FIRST) / np.maximum(weights[:FIRST].sum(axis=0), 1e-300)

    def log_of(self, start: int, end: int, factor: Numbers) -> Numbers:
        part = slice(start + STEP - 1, end)
        u = self._gram[part, :, 0] - self._gram[start - 1, :, 0]
        projected = np.einsum("tfij,tfj->tfi", self._inverse[part], u)
        b = self._b[part]
        xx = np.maximum(u[..., 0] - (projected * u).sum(axis=2), 0.0)
        xy = b[..., 0] - self._b[start - 1, :, 0] - (projected * b).sum(axis=2)
        s = xx * self._unit / factor
        share = np.minimum(xy**2 / np.maximum(xx * self._rss[part], 1e-300), 1.0)
        gain = np.log1p(-s / (1 + s) * share * (1 - 1e-12))
        log_e = -0.5 * np.log1p(s) - self._freedom[part] / (2 * factor) * gain
        return np.where(xx > _RIDGE * u[..., 0], log_e, -np.inf)  # there is no value


def log_evidence(
    statistic: Statistic,
    *,
    series: Series | None = None,
    factors: Numbers | None = None,
    since: int = 0,
) -> Numbers:
    """Return the logarithm of M by bucket and feature; its mean is at most the number of buckets.

    Args:
        statistic: of all buckets since the start or since somebody accepted a change.
        series: as `clipped` gives it; None finds it.
        factors: as `long_run_factors` gives them, likewise.
        since: changes begin at this bucket or later.
    """
    buckets = len(statistic.values)
    starts = starts_of(buckets)
    series = series or clipped(statistic)
    if factors is None:
        factors = long_run_factors(series.residuals, starts)
    e_values = EValues(series, statistic.all_columns)
    counts = None if statistic.hits is None else _Counts(statistic.hits, statistic.n)
    result = np.full(statistic.n.shape, -np.inf)
    for start, factor in zip(starts.tolist(), factors, strict=True):
        end = int(min(buckets, start + _last_age(start) + 1))
        part = slice(start + STEP - 1, end)
        if start < since or part.start >= end:
            continue
        log_e = e_values.log_of(start, end, factor)
        if counts is not None:
            log_e = np.minimum(log_e, counts.log_of(start, end, factor))
        result[part] = np.logaddexp(result[part], log_e)
    return result + math.log(STEP)


class Watched(NamedTuple):
    """What is known at each bucket of each feature, from the buckets up to it.

    Attributes:
        log_m: the logarithm of M, of shape (buckets, features).
        is_open: whether M reached its limit and the series has not gone back since.
        changes: of the features of open changes, by bucket and feature.
    """

    log_m: Numbers
    is_open: NDArray[np.bool_]
    changes: dict[tuple[int, int], Change]


def watch(statistic: Statistic, limits: Numbers) -> Watched:
    """Return what is known at each bucket.

    A change is over once the last 14 buckets are nearer to the level before it than to that since.
    What it covered is passed over then, so that another change can be found.

    Args:
        statistic: see `log_evidence`.
        limits: the logarithm that M must reach, by feature.
    """
    buckets, series = len(statistic.values), clipped(statistic)
    starts, residuals = starts_of(buckets), series.residuals
    factors = long_run_factors(residuals, starts)
    log_m = log_evidence(statistic, series=series, factors=factors)
    is_open = np.zeros(log_m.shape, bool)
    changes: dict[tuple[int, int], Change] = {}
    for feature in np.flatnonzero((log_m >= limits).any(axis=0)).tolist():
        own = whole = statistic.of(feature)
        own_residuals, own_factors, level = residuals.copy(), factors, np.zeros(buckets)
        begin, column = 0, log_m[:, feature].copy()
        while len(hits := np.flatnonzero(column[begin:] >= limits[feature])):
            opened = begin + int(hits[0])
            found = clipped(own)
            weights = found.weights[0, :, 0]
            row = max(0, int(np.searchsorted(starts, opened - STEP + 2)) - 1)
            factor = float(own_factors[row, feature])

            # A clipped step would look like a creep.
            def until(
                at: int, own: Statistic = own, weights: Numbers = weights, factor: float = factor
            ) -> Change:
                return change_of(own.values[: at + 1, 0], weights[: at + 1], factor)

            change = until(opened)
            closed = _end_of(found.values[:, 0], weights, opened, change)
            is_open[opened:closed, feature] = True
            changes |= {(at, feature): until(at) for at in range(opened, closed)}
            if closed == buckets:
                break
            n, passed = own.n.copy(), slice(change.first, closed)
            n[passed] = 0
            own, begin = own._replace(n=n), closed
            # What resembles the day before in an episode does so without the step, too.
            moved = until(closed - 1)
            back = _back(own.values[passed, 0], moved)
            level[change.first : change.first + back] += moved.now - moved.before
            flat = whole._replace(values=whole.values - level[:, None])
            own_residuals[:, feature] = clipped(flat).residuals[:, 0]
            own_factors = long_run_factors(own_residuals, starts)
            part = own_factors[:, feature : feature + 1]
            column = log_evidence(own, factors=part, since=closed)[:, 0]
            log_m[closed:, feature] = column[closed:]
    return Watched(log_m, is_open, changes)


def _back(values: Numbers, change: Change) -> int:
    """After how many values of an episode the series is at the level before again."""
    is_new = (values - change.now) ** 2 - (values - change.before) ** 2
    return int(np.argmin(np.cumsum(np.append(0.0, is_new))))


def _end_of(values: Numbers, weights: Numbers, opened: int, change: Change) -> int:
    """Return the bucket at which a change is over; the number of buckets if it is not."""
    total, sums = np.cumsum(weights), np.cumsum(weights * values)
    for at in range(opened + 1, len(values)):
        first, last = change.first - 1, max(at - _LAST, opened - STEP)
        if total[at] <= total[last]:
            continue  # without values nothing is known
        since = (sums[at] - sums[first]) / (total[at] - total[first])
        late = (sums[at] - sums[last]) / (total[at] - total[last])
        if abs(late - change.before) < abs(late - since):
            return at
    return len(values)


class _Counts:
    """E-values of two Poisson rates given their total, likewise.

    Each is the mean of four, of rates that changed by 1/4, 1/2, 2 and 4. Hits that come together
    are fewer: the dispersion (Pearson's, the larger one before and after the start) divides too.
    """

    def __init__(self, hits: Numbers, n: Numbers) -> None:
        past, past_n = (np.cumsum(each, axis=0) - each for each in (hits, n))
        expected = n * past / np.maximum(past_n, 1.0)
        most = expected + 4 * np.sqrt(np.maximum(expected, 1.0))
        hits = np.where(past_n > 0, np.minimum(hits, most), hits)
        squares = hits**2 / np.maximum(n, 1.0)
        self._sums = np.cumsum([hits, n, squares, n > 0], axis=1)

    def log_of(self, start: int, end: int, factor: Numbers) -> Numbers:
        before = self._sums[:, start - 1 : start]
        since = self._sums[:, start + STEP - 1 : end] - before
        design = np.maximum(_dispersion(before), _dispersion(since))
        (x1, m1), (x2, m2) = before[:2], since[:2]
        share = m2 / np.maximum(m1 + m2, 1.0)
        parts = []
        for ratio in (0.25, 0.5, 2.0, 4.0):
            total = ratio * share + 1 - share
            log_ratio = x2 * math.log(ratio) - (x1 + x2) * np.log(np.where(total > 0, total, 1.0))
            parts.append(log_ratio / (design * factor))
        return np.asarray(np.logaddexp.reduce(parts) - math.log(len(parts)))


def _dispersion(sums: Numbers) -> Numbers:
    """At least 1: how much more counts vary than those of independent events."""
    hits, n, squares, k = sums
    rate = np.maximum(hits, 1.0) / np.maximum(n, 1.0)
    return np.asarray(np.maximum(1.0, (squares / rate - hits) / np.maximum(k - 1, 1.0)))
