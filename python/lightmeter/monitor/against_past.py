"""The p-values of the features of a bucket, from the variation of past buckets.

Counts of rare events are far from normal, unlike what `lightmeter.drift.prediction` assumes. They
must also pass Fisher's exact test against all past buckets together; see `rare_event_p`.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lightmeter import _core
from lightmeter.drift.prediction import ENOUGH, Centre, Numbers, Prediction, predict, units_of
from lightmeter.drift.row import Thresholds
from lightmeter.monitor.shelf import (
    COSINE,
    MEAN,
    MEDIAN,
    MISSING,
    MOST_OTHERS,
    MOST_VALUES,
    ODD,
    OTHERS,
    SINE,
    STDDEV,
    VALUES,
    N,
    Summary,
    common_value,
)
from lightmeter.profile.features import Kind, Meaning
from lightmeter.text import counted

_AS_USUAL = 0.05  # p-value of a mean above which only its spread may be the reason of an anomaly


@dataclass
class Tested:
    """The test of a feature, before the decision.

    Attributes
    ----------
    feature
        The name, such as ``image.Make:missing``.
    is_rate
        Whether it is a rate, such as that of missing values or failures.
    family
        The family of features that are judged together.
    p_value
        The p-value; None without enough data.
    words
        The reason why there is no p-value, or an assumption of the test.
    q
        The q-value, after all features of the bucket were tested.
    ratio
        The standard deviation divided by that of the baseline, or that within past buckets, if the
        mean is as usual and the spread has a smaller p-value; 0 otherwise.
    """

    feature: str
    is_rate: bool
    family: str
    p_value: float | None
    words: str = ""
    q: float = 1.0
    ratio: float = 0.0


@dataclass
class AgainstPast:
    """A bucket beside past ones.

    Attributes
    ----------
    target
        The bucket to judge.
    past
        The buckets that show how much buckets vary, in order of time.
    expected
        The merged baseline; None if `past` is the baseline.
    buckets
        The number of buckets in `expected`; a file counts as one.
    """

    target: Summary
    past: Sequence[Summary]
    expected: Summary | None = None
    buckets: int = 0

    def __post_init__(self) -> None:
        """Align the tables of the buckets."""
        target, merged = self.target, [self.expected] if self.expected else []
        sides, self._compared = [target, *self.past, *merged], merged or self.past
        names = tuple(sorted({name for side in sides for name in side.names}))
        self._names, self._design = names, 1.0
        self._kinds = {}
        self._meanings = dict[str, Meaning]()
        for side in reversed(sides):
            self._meanings |= side.meanings
        tables = np.stack([side.aligned(names) for side in sides])
        for index, name in enumerate(names):
            kinds = {side.kinds[name] for side in sides if name in side.kinds}
            if kinds == {"number", "category"}:
                odd, n = tables[:, [ODD, N], index].sum(axis=0)
                kinds.remove("number" if odd > n else "category")
            self._kinds[name] = kinds.pop() if len(kinds) == 1 else "hash"
            # A tag that no image of a side has is missing in all images whose Exif was read.
            if self._meanings[name].family == "Exif":
                for side, table in zip(sides, tables, strict=True):
                    if name not in side.meanings:
                        table[MISSING, index] = side.exif_read(name, self._meanings[name])
        self._now, self._before = tables[0], tables[1 : 1 + len(self.past)]
        self._base = tables[-1:] if merged else self._before
        with np.errstate(over="ignore"):  # in the rows that are not counts
            self._ever = tables.sum(axis=0)[[N, VALUES]].any(axis=0)
            self._counts = self._now + self._base.sum(axis=0)

    def tests(self) -> list[Tested]:
        """Return the tests of all features that have a value on any side."""
        tests = self._numbers(self._of("number"))
        tests += [*map(self._category, self._of("category")), *map(self._hue, self._of("hue"))]
        vectors = self.target.vectors
        tests += [self._vector(*key) for key in vectors if self._kinds.get(key[0]) == "vector"]
        for index, name in enumerate(self._names):
            missing, values, odd, n = self._counts[[MISSING, VALUES, ODD, N], index]
            if self._kinds[name] == "failure":
                tests.append(self._rate(index, name, VALUES, MISSING))
                continue
            if missing and values:
                tests.append(self._rate(index, f"{name}:missing", MISSING, VALUES))
            if odd and n and self._kinds[name] != "category":
                tests.append(self._rate(index, f"{name}:not a number", ODD, N))
        return tests

    def _of(self, kind: Kind) -> list[int]:
        """Return the columns of the features of a kind that have a value on any side."""
        return [
            i for i, name in enumerate(self._names) if self._ever[i] and self._kinds[name] == kind
        ]

    def _centre(self, values: Numbers, n: Numbers) -> Centre | None:
        return Centre(values, n, self.buckets) if self.buckets else None

    def _moments(
        self, now: Numbers, past: Numbers, base: Numbers, weights: Numbers
    ) -> tuple[Prediction, Numbers, Numbers]:
        """Return the prediction of means, the p-values of means and spreads, and `Tested.ratio`.

        Parameters
        ----------
        now
            Rows with the numbers of values, means and standard deviations.
        past
            Such a table for each past bucket.
        base
            Such a table of the baseline, if that is not the past.
        weights
            The weights of past buckets in the variance within buckets.
        """
        n, means, stddevs = (past[:, row] for row in range(3))
        units = units_of(means, np.where(n > 0, stddevs, 0), now[1:])
        spreads = stddevs / units
        # A spread of 0 has no logarithm; a constant feature is judged by its values alone.
        varies = ~((n > 1) & (spreads <= 0)).any(axis=0) & (now[2] > 0)
        with np.errstate(all="ignore"):
            within = np.where(n > 1, weights * spreads**2, 0).sum(axis=0) / weights.sum(axis=0)
            logs = np.where(spreads > 0, np.log(spreads), 0)
            log_now = np.where(now[2] > 0, np.log(now[2] / units), 0)
            log_base = np.where(base[2] > 0, np.log(base[2] / units), np.nan)
        within, centre = np.nan_to_num(within), self._centre(base[1] / units, base[0])
        levels = predict(means / units, n, within, now[1] / units, now[0], centre)
        half = np.full(len(within), 0.5)  # the variance of the logarithm for one value, if normal
        n_spread, n_now = np.where(varies & (n > 1), n, 0), np.where(varies, now[0], 0)
        spread = predict(logs, n_spread, half, log_now, n_now, self._centre(log_base, base[0]))
        p_values = _combined(levels.p_values, spread.p_values)
        is_spread = (levels.p_values > _AS_USUAL) & (spread.p_values < levels.p_values)
        with np.errstate(all="ignore"):
            usual = base[2] / units if self.buckets else np.sqrt(within)
            ratios = np.where(is_spread, now[2] / units / usual, 0)
        return levels, np.where(np.isnan(levels.p_values), np.nan, p_values), ratios

    def _numbers(self, at: list[int]) -> list[Tested]:
        """Test numbers by mean and log standard deviation, or by the share off the median."""
        now, before, base = (
            table[..., [N, MEAN, STDDEV], :][..., at]
            for table in (self._now, self._before, self._base)
        )
        freedom = np.maximum(before[:, 0] - 1, 0)
        levels, p_values, ratios = self._moments(now, before, base[-1], freedom)
        # The number of values that differ from the common one.
        n, medians, others = (self._base[:, row, at] for row in (N, MEDIAN, OTHERS))
        value = common_value(n, medians)
        past_hits, past_n = np.where(medians == value, others, n).sum(axis=0), n.sum(axis=0)
        n_now, median, others_now = (self._now[row, at] for row in (N, MEDIAN, OTHERS))
        # If another value is the median, at least half of the values are not the common one.
        hits = np.where(median == value, others_now, n_now - n_now // 2)
        rare = (past_hits <= MOST_OTHERS * past_n) & (past_n > 0) & (n_now > 0)
        ordinary = levels.design[~rare & np.isfinite(levels.design)]
        self._design = max(1.0, float(np.median(ordinary))) if len(ordinary) else 1.0
        for i in np.flatnonzero(rare):
            p = rare_event_p(hits[i], n_now[i], past_hits[i], past_n[i], self._design)
            p_values[i], ratios[i] = np.maximum(levels.p_values[i], p), 0
        columns = (each.tolist() for each in (n_now, levels.buckets, p_values, ratios))
        return list(map(self._test, at, *columns))

    def _hue(self, index: int) -> Tested:
        """Test a hue by its mean direction and its concentration."""
        now, before, base = (t[..., index] for t in (self._now, self._before, self._base))
        n = before[:, N]
        x, y = ((base[:, N] * base[:, row]).sum() for row in (COSINE, SINE))
        length = np.hypot(x, y) or 1.0
        turn = np.array([[x, y], [-y, x]]) / length  # along the expected direction, and across
        past, target, centre = (t[..., (COSINE, SINE)] @ turn.T for t in (before, now, base[-1]))
        with np.errstate(all="ignore"):
            length2 = (n * (before[:, COSINE] ** 2 + before[:, SINE] ** 2)).sum() / n.sum()
        within = np.full(2, max(0.0, 1 - float(np.nan_to_num(length2))) / 2)
        both, expected = np.repeat(n[:, None], 2, axis=1), self._centre(centre, base[-1, [N]])
        prediction = predict(past, both, within, target, now[[N]], expected)
        along, across = prediction.p_values
        p = float(_combined(across, along)) if now[N] else np.nan
        return self._test(index, now[N], prediction.buckets[0], p)

    def _vector(self, name: str, length: int) -> Tested:
        """Test a vector by each of its numbers, with Bonferroni's correction."""
        sides = self.target, *self.past, self._compared[-1]
        none, index = np.zeros_like(self.target.vectors[name, length]), self._names.index(name)
        now, *befores, base = (side.vectors.get((name, length), none) for side in sides)
        past = np.stack(befores)
        _, p_values, _ = self._moments(now, past, base, past[:, 0])
        p = float(np.minimum(1.0, len(p_values) * p_values.min()))  # NaN if any is
        return self._test(index, now[0, 0], int((past[:, 0, 0] > 0).sum()), p)

    def _category(self, index: int) -> Tested:
        """Test a category by the share of each value, with Bonferroni's correction."""
        n, n_past = self._now[VALUES, index], self._before[:, VALUES, index]
        totals, name = Counter[str](), self._names[index]
        now, *pasts = (Counter(each.categories.get(name)) for each in (self.target, *self.past))
        for summary in self._compared:
            totals.update(summary.categories.get(name, {}))
        values = [value for value, _ in (totals + now).most_common()]
        tests, buckets = len(values[:MOST_VALUES]) - (len(values) == 2), int((n_past > 0).sum())
        if not n or buckets < 2 or not totals:
            return self._test(index, n, buckets, math.nan)
        if len(values) < 2:
            return self._test(index, n, buckets, 1.0)
        hits, *past_hits, expected = (
            np.array([float(counts[value]) for value in values[:MOST_VALUES]])
            for counts in (now, *pasts, totals)
        )
        compared = expected, float(totals.total())
        p_values = self._shares(hits, n, np.stack(past_hits), n_past, *compared, self._design)
        return self._test(index, n, buckets, min(1.0, tests * float(np.min(p_values))))

    def _rate(self, index: int, name: str, hit: int, rest: int) -> Tested:
        now, before, base = (
            table[..., [hit, rest], index]
            for table in (self._now, self._before, self._base.sum(axis=0))
        )
        n, n_past, total, p = now.sum(), before.sum(axis=1), float(base.sum()), math.nan
        if n and total and not now[0] + base[0]:
            p = 1.0
        elif n and total and n_past.any():
            counts = now[:1], n, before[:, :1], n_past, base[:1], total
            p = float(self._shares(*counts, 1.0)[0])
        return self._test(index, n, int((n_past > 0).sum()), p, rate=name)

    def _shares(
        self,
        hits: Numbers,
        n: float,
        past_hits: Numbers,
        n_past: Numbers,
        expected: Numbers,
        total: float,
        design: float,
    ) -> Numbers:
        """Return p-values of shares from their spread, with Fisher's test as a lower bound.

        Parameters
        ----------
        hits
            The hits of the target, by value.
        n
            The number of values in the target.
        past_hits
            The hits of past buckets, by bucket and value.
        n_past
            The numbers of values in past buckets.
        expected
            The hits of the baseline, by value.
        total
            The number of values in the baseline.
        design
            The least design effect of rare values; see `rare_event_p`.
        """
        counts = np.repeat(n_past[:, None], len(hits), axis=1)
        with np.errstate(all="ignore"):
            shares = np.where(counts > 0, past_hits / counts, 0)
            overall = past_hits.sum(axis=0) / n_past.sum()
        within = np.nan_to_num(overall * (1 - overall))
        centre = self._centre(expected / total, np.full(len(hits), total))
        prediction = predict(shares, counts, within, hits / n, np.full(len(hits), n), centre)
        p_values = prediction.p_values
        known = prediction.design[np.isfinite(prediction.design)]
        if len(hits) > 1 and len(known):  # a new value is as bursty as the others
            design = max(design, float(np.median(known)))
        for at, share in enumerate(expected / total):
            if np.isnan(p_values[at]):
                continue
            is_rare = not MOST_OTHERS < share < 1 - MOST_OTHERS
            more, before = hits[at], expected[at]
            if hits[at] / n < share:
                more, before = n - more, total - before
            inner = rare_event_p(more, n, before, total, design if is_rare else 1.0)
            p_values[at] = max(p_values[at], min(1.0, 2 * inner))
        return p_values

    def _test(
        self, index: int, n: float, buckets: float, p: float, ratio: float = 0.0, rate: str = ""
    ) -> Tested:
        name, words = self._names[index], ""
        if n < Thresholds.min_values:
            words = f"{counted(int(n), 'value')} in the bucket; {Thresholds.min_values} are needed"
        elif buckets < ENOUGH:
            have = "past bucket has" if buckets == 1 else "past buckets have"
            words = f"{buckets:.0f} {have} values; {ENOUGH} are needed"
        elif math.isnan(p):
            words = "no values in the baseline"
        family, known = self._meanings[name].family, None if words else p
        return Tested(rate or name, bool(rate), family, known, words, ratio=ratio)


def _combined(level: Numbers, spread: Numbers) -> Numbers:
    """Combine two p-values of a feature by Bonferroni's method with weights 4 and 1.

    A changed spread is detected reliably only from 28 buckets on, so the level gets most of the
    weight. NaN counts as untested.
    """
    return np.fmin(1.0, np.fmin(level / 0.8, spread / 0.2))


def rare_event_p(hits: float, n: float, past_hits: float, past_n: float, design: float) -> float:
    """Return Fisher's one-sided p-value of at least `hits` hits, corrected for bursts.

    Hits in bursts are fewer independent events, so all counts are divided by `design`; the hits of
    the bucket are rounded down, those of the past up.
    """
    design = max(1.0, design)
    events, before = math.floor(hits / design + 1e-9), math.ceil(past_hits / design - 1e-9)
    draws = max(events, round(n / design), 1)
    return _core.fisher_more(events, draws, before, max(before, round(past_n / design), 1))
