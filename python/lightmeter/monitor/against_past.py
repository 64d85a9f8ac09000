"""The p-values of the features of a bucket, from how past buckets varied."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lightmeter.drift.prediction import (
    ENOUGH,
    Centre,
    Numbers,
    combined,
    predict,
    rare_event_p,
    units_of,
)
from lightmeter.drift.verdict import Thresholds
from lightmeter.monitor.summaries import (
    COSINE,
    MEAN,
    MEDIAN,
    MISSING,
    ODD,
    OTHERS,
    SINE,
    STDDEV,
    VALUES,
    N,
    Summary,
    Vectors,
)
from lightmeter.profile.features import Family, Kind
from lightmeter.text import counted

# A feature of which at least so many values are the same one is judged by how many are not.
_MOST_OTHERS = 0.1
_MOST_VALUES = 20  # of a category; rarer ones are not judged


class Expected(NamedTuple):
    """What a bucket is compared with that is not its own past.

    Attributes:
        merged: all of it.
        buckets: how many these are; a file counts as one.
    """

    merged: Summary
    buckets: int


class Tested(NamedTuple):
    """What was measured of a feature, before it is decided what that means.

    Attributes:
        feature: such as ``image.Make:missing``.
        is_rate: whether it is a rate of missing values, failures and the like.
        family: what it is judged together with.
        p_value: None where there is not enough data.
        words: why there is none, or what it assumes.
    """

    feature: str
    is_rate: bool
    family: str
    p_value: float | None
    words: str = ""


def against_past(
    target: Summary,
    past: Sequence[Summary],
    expected: Expected | None = None,
    *,
    exif_read: Callable[[str, bool], int] = lambda name, personal: 0,
) -> list[Tested]:
    """The tests of all features of a bucket; of none that has no value on any side.

    Args:
        target: of the bucket that is judged.
        past: of the buckets whose spread it is judged by, in order of time.
        expected: None where it is also compared with these.
        exif_read: how many images of the target have no tag of that name, which no image has; by
            its name, and whether only some policies track it.
    """
    return _Comparison(target, past, expected, exif_read).tests()


class _Comparison:
    def __init__(
        self,
        target: Summary,
        past: Sequence[Summary],
        expected: Expected | None,
        exif_read: Callable[[str, bool], int],
    ) -> None:
        sides = [target, *past] + ([expected.merged] if expected else [])
        names = target.names
        if any(side.names != names for side in sides):
            names = tuple(sorted({name for side in sides for name in side.names}))
        self._names, self._target, self._past, self._baseline = names, target, past, expected
        self._exif_read = exif_read
        self._kinds: dict[str, Kind] = {}
        for side in reversed(sides):
            self._kinds.update(side.kinds)
        tables = [side.aligned(names) for side in sides]
        for index, name in enumerate(names):
            kinds = {side.kinds[name] for side in sides if name in side.kinds}
            if not kinds <= {"number", "category"}:
                self._kinds[name] = next(iter(kinds)) if len(kinds) == 1 else "hash"
            elif len(kinds) > 1:
                odd, n = (sum(table[row, index] for table in tables) for row in (ODD, N))
                self._kinds[name] = "category" if odd > n else "number"
        self._now = tables[0]
        self._before = np.stack(tables[1 : 1 + len(past)])
        self._expected = tables[-1] if expected else None
        with np.errstate(over="ignore"):  # of the rows that are no counts
            self._ever = np.sum(tables, axis=0)[[N, VALUES]].any(axis=0)
        self._absent = self._images_without_exif(sides) if names != target.names else {}
        self._design = 1.0

    def tests(self) -> list[Tested]:
        tests = self._numbers()
        for index, name in enumerate(self._names):
            kind = self._kinds[name] if self._ever[index] else None
            if kind == "category":
                tests.append(self._category(index, name))
            elif kind == "hue":
                tests.append(self._hue(index, name))
            elif kind == "vector" and name in self._target.vectors:
                tests.append(self._vector(index, name))
        return tests + self._rates()

    def _numbers(self) -> list[Tested]:
        """Those of numbers, by mean and logarithm of the standard deviation."""
        kinds = [self._kinds[name] for name in self._names]
        at = [i for i, kind in enumerate(kinds) if kind == "number" and self._ever[i]]
        now, before = self._now[:, at], self._before[:, :, at]
        units = units_of(before[:, MEAN], before[:, STDDEV], now[[MEAN, STDDEV]])
        n, spreads = before[:, N], before[:, STDDEV] / units
        freedom = np.maximum(n - 1, 0)
        with np.errstate(all="ignore"):
            within = np.where(n > 1, freedom * spreads**2, 0).sum(axis=0) / freedom.sum(axis=0)
            logs = np.where(spreads > 0, np.log(spreads), 0)
            log_now = np.where(now[STDDEV] > 0, np.log(now[STDDEV] / units), 0)
        within = np.nan_to_num(within)
        centre = self._centre(at, MEAN, units)
        levels = predict(before[:, MEAN] / units, n, within, now[MEAN] / units, now[N], centre)
        # A spread of 0 has no logarithm: of a constant the values themselves are judged.
        varies = ~((n > 1) & (spreads <= 0)).any(axis=0) & (now[STDDEV] > 0)
        n_spread = np.where(varies & (n > 1), n, 0)
        half = np.full(len(at), 0.5)  # the variance of the logarithm for one value, if normal
        centre = self._centre(at, STDDEV, units)
        if centre is not None:
            with np.errstate(all="ignore"):
                log = np.where(centre.values > 0, np.log(centre.values), np.nan)
            centre = centre._replace(values=log)
        spread = predict(logs, n_spread, half, log_now, np.where(varies, now[N], 0), centre)
        p_values = combined(levels.p_values, spread.p_values)
        p_values = np.where(np.isnan(levels.p_values), np.nan, p_values)
        others = self._others(at, levels.design)
        tests = []
        for column, index in enumerate(at):
            p, inner = float(p_values[column]), others[column]
            if inner is not None:
                p = max(float(levels.p_values[column]), inner)
            tests.append(self._test(index, now[N, column], levels.buckets[column], p))
        return tests

    def _centre(self, at: Sequence[int], row: int, units: Numbers) -> Centre | None:
        if self._expected is None or self._baseline is None:
            return None
        values = self._expected[row, at] / units
        return Centre(values, self._expected[N, at], self._baseline.buckets)

    def _others(self, at: Sequence[int], designs: Numbers) -> list[float | None]:
        """Of features of which nearly all values were one and the same: p of how many are not."""
        tables = (self._before if self._expected is None else self._expected[None])[:, :, at]
        n, medians = tables[:, N], tables[:, MEDIAN]
        buckets = (n > 0).sum(axis=0)
        ordered = np.sort(np.where(n > 0, medians, np.inf), axis=0)
        value = ordered[np.maximum(buckets - 1, 0) // 2, np.arange(len(at))]
        past_hits = np.where(medians == value, tables[:, OTHERS], n).sum(axis=0)
        past_n = n.sum(axis=0)
        n_now, median, hits = (self._now[row, at] for row in (N, MEDIAN, OTHERS))
        # If another value is the median, at least half of the values are not the common one.
        hits = np.where(median == value, hits, n_now - n_now // 2)
        rare = (past_hits <= _MOST_OTHERS * past_n) & (past_n > 0) & (n_now > 0)
        ordinary = designs[~rare & np.isfinite(designs)]
        self._design = max(1.0, float(np.median(ordinary))) if len(ordinary) else 1.0
        return [
            rare_event_p(hits[i], n_now[i], past_hits[i], past_n[i], self._design)
            if rare[i]
            else None
            for i in range(len(at))
        ]

    def _base(self, index: int) -> Numbers:
        """What a feature is compared with: a row for each bucket, or one for all of them."""
        if self._expected is not None:
            return self._expected[None, :, index]
        return self._before[:, :, index]

    def _hue(self, index: int, name: str) -> Tested:
        """By the mean direction, and by how far it is from the middle of the circle."""
        now, before = self._now[:, index], self._before[:, :, index]
        n = before[:, N]
        base = self._base(index)
        x, y = ((base[:, N] * base[:, row]).sum() for row in (COSINE, SINE))
        length = np.hypot(x, y) or 1.0
        turn = np.array([[x, y], [-y, x]]) / length  # along the expected direction, and across

        def turned(table: Numbers) -> Numbers:
            return np.asarray(table[..., (COSINE, SINE)] @ turn.T)

        both = np.repeat(n[:, None], 2, axis=1)
        past = turned(before)
        with np.errstate(all="ignore"):
            length2 = (n * (before[:, COSINE] ** 2 + before[:, SINE] ** 2)).sum() / n.sum()
        within = np.full(2, max(0.0, 1 - float(np.nan_to_num(length2))) / 2)
        centre = None
        if self._expected is not None and self._baseline is not None:
            values = turned(self._expected[:, index])
            count = np.full(2, self._expected[N, index])
            centre = Centre(values, count, self._baseline.buckets)
        prediction = predict(past, both, within, turned(now), np.full(2, now[N]), centre)
        along, across = prediction.p_values
        p = float(combined(np.array(across), np.array(along))) if now[N] else np.nan
        return self._test(index, now[N], prediction.buckets[0], p)

    def _vector(self, index: int, name: str) -> Tested:
        """By each of the numbers or projections; Bonferroni's correction over them."""
        now = self._target.vectors[name]
        size = len(now.means)
        none = Vectors(0, now.length, np.zeros(size), np.ones(size))
        past = [_of_length(summary, name, none) for summary in self._past]
        n = np.repeat(np.array([[each.n] for each in past], dtype=float), size, axis=1)
        means = np.array([each.means for each in past])
        spreads = np.array([each.stddevs for each in past])
        units = units_of(means, np.where(n > 0, spreads, 0), now.means, now.stddevs)
        centre = log_centre = None
        with np.errstate(all="ignore"):
            within = np.nan_to_num((n * (spreads / units) ** 2).sum(axis=0) / n.sum(axis=0))
            varies = np.where((spreads > 0) & (now.stddevs > 0), n, 0)
            logs, log_now = (np.log(np.maximum(each, 1e-300)) for each in (spreads, now.stddevs))
            if self._baseline is not None:
                base = _of_length(self._baseline.merged, name, none)
                of = np.full(size, float(base.n))
                centre = Centre(base.means / units, of, self._baseline.buckets)
                log_centre = centre._replace(values=np.log(np.maximum(base.stddevs, 1e-300)))
        count = np.full(size, float(now.n))
        levels = predict(means / units, n, within, now.means / units, count, centre)
        spread = predict(logs, varies, np.full(size, 0.5), log_now, count, log_centre)
        p_values = combined(levels.p_values, spread.p_values)
        known = not np.isnan(levels.p_values).any()
        p = min(1.0, size * float(p_values.min())) if known else math.nan
        return self._test(index, now.n, int((n[:, 0] > 0).sum()), p)

    def _category(self, index: int, name: str) -> Tested:
        """By the share of each value; Bonferroni's correction over the values."""
        n, n_past = self._now[VALUES, index], self._before[:, VALUES, index]
        now = self._target.categories.get(name, {})
        pasts = [summary.categories.get(name, {}) for summary in self._past]
        base = [self._baseline.merged.categories.get(name, {})] if self._baseline else pasts
        totals: dict[str, int] = {}
        for counts in base:
            for value, count in counts.items():
                totals[value] = totals.get(value, 0) + count
        values = [value for value in {**totals, **now} if totals.get(value, 0) + now.get(value, 0)]
        values.sort(key=lambda value: -totals.get(value, 0) - now.get(value, 0))
        buckets = int((n_past > 0).sum())
        if not n or buckets < 2 or not totals:
            return self._test(index, n, buckets, math.nan)
        if len(values) < 2:
            return self._test(index, n, buckets, 1.0)
        values = values[:_MOST_VALUES]
        hits = np.array([now.get(value, 0) for value in values], dtype=float)
        past_hits = np.array([[counts.get(value, 0) for value in values] for counts in pasts])
        expected = np.array([totals.get(value, 0) for value in values], dtype=float)
        total = float(sum(totals.values()))
        p_values = self._shares(hits, n, past_hits, n_past, (expected, total), self._design)
        tests = len(values) - (len(values) == 2)
        return self._test(index, n, buckets, min(1.0, tests * float(np.min(p_values))))

    def _rates(self) -> list[Tested]:
        """Those of failures, and of missing values and text among numbers where there are any."""
        base = self._before if self._expected is None else self._expected[None]
        with np.errstate(over="ignore"):  # of the rows that are no counts
            counts = self._now + base.sum(axis=0)
        tests = []
        for index, name in enumerate(self._names):
            if self._kinds[name] == "failure":
                tests.append(self._rate(index, name, VALUES, MISSING))
                continue
            absent = sum(self._absent.get(name, ()))
            if counts[MISSING, index] + absent and counts[VALUES, index]:
                tests.append(self._rate(index, f"{name}:missing", MISSING, VALUES))
            if counts[ODD, index] and counts[N, index] and self._kinds[name] != "category":
                tests.append(self._rate(index, f"{name}:not a number", ODD, N))
        return tests

    def _rate(self, index: int, name: str, hit: int, rest: int) -> Tested:
        now, before, base = self._now[:, index], self._before[:, :, index], self._base(index)
        absent = self._absent.get(self._names[index], ()) if hit == MISSING else ()
        added = np.array(absent or [0] * (len(before) + 2), dtype=float)
        hits, past_hits = now[hit] + added[0], before[:, hit] + added[1:-1]
        n, n_past = hits + now[rest], past_hits + before[:, rest]
        expected = base[:, hit].sum() + (added[-1] if self._baseline else added[1:-1].sum())
        total = float(expected + base[:, rest].sum())
        p = 1.0 if n and total and not hits + expected else math.nan
        if hits + expected and n and total and n_past.any():
            totals = np.array([expected]), total
            p = float(self._shares(np.array([hits]), n, past_hits[:, None], n_past, totals, 1.0)[0])
        test = self._test(index, n, int((n_past > 0).sum()), p)
        return test._replace(feature=name, is_rate=True)

    def _shares(
        self,
        hits: Numbers,
        n: float,
        past_hits: Numbers,
        n_past: Numbers,
        totals: tuple[Numbers, float],
        design: float,
    ) -> Numbers:
        """p-values of shares: by their spread, with Fisher's test as the inner bound.

        Args:
            hits: of the target, by value.
            n: of the target.
            past_hits: by bucket and value.
            n_past: by bucket.
            totals: the hits of all that the target is compared with, and its n.
            design: of rare values at least, see `rare_event_p`.
        """
        counts = np.repeat(n_past[:, None], len(hits), axis=1)
        with np.errstate(all="ignore"):
            shares = np.where(counts > 0, past_hits / counts, 0)
            overall = past_hits.sum(axis=0) / n_past.sum()
        within = np.nan_to_num(overall * (1 - overall))
        expected, total = totals
        centre = None
        if self._baseline is not None:
            centre = Centre(expected / total, np.full(len(hits), total), self._baseline.buckets)
        prediction = predict(shares, counts, within, hits / n, np.full(len(hits), n), centre)
        p_values = prediction.p_values
        known = prediction.design[np.isfinite(prediction.design)]
        if len(hits) > 1 and len(known):  # a new value comes in bursts as the others do
            design = max(design, float(np.median(known)))
        for at, share in enumerate(expected / total):
            if np.isnan(p_values[at]):
                continue
            is_rare = not _MOST_OTHERS < share < 1 - _MOST_OTHERS
            more, before = (hits[at], expected[at])
            if hits[at] / n < share:
                more, before = n - more, total - before
            inner = rare_event_p(more, n, before, total, design if is_rare else 1.0)
            p_values[at] = max(p_values[at], min(1.0, 2 * inner))
        return p_values

    def _test(self, index: int, n: float, buckets: float, p: float) -> Tested:
        name, words = self._names[index], ""
        if n < Thresholds.min_values:
            words = f"{counted(int(n), 'value')} in the bucket; {Thresholds.min_values} are needed"
        elif buckets < ENOUGH:
            have = "past bucket has" if buckets == 1 else "past buckets have"
            words = f"{buckets:.0f} {have} values, of {ENOUGH} needed"
        elif math.isnan(p):
            words = "no values in the baseline"
        return Tested(name, False, self._family(name), None if words else p, words)

    def _family(self, name: str) -> Family:
        sides = [self._target, *self._past, *([self._baseline.merged] if self._baseline else [])]
        return next(side.meanings[name] for side in sides if name in side.meanings).family

    def _images_without_exif(self, sides: Sequence[Summary]) -> Mapping[str, Sequence[int]]:
        """Of tags of Exif that some side lacks: how many images there have none.

        Of the target, each past bucket, and the baseline.
        """
        absent = {}
        for name in self._names:
            holders = [side for side in sides if name in side.meanings]
            meaning = holders[0].meanings[name]
            if len(holders) < len(sides) and meaning.family == "Exif":
                personal = meaning.origin == "personal exif"
                counts = [0 if name in side.meanings else side.exif_read for side in sides]
                if name not in self._target.meanings:
                    counts[0] = self._exif_read(name, personal)
                absent[name] = counts if self._baseline else [*counts, 0]
        return absent


def _of_length(summary: Summary, name: str, none: Vectors) -> Vectors:
    vectors = summary.vectors.get(name, none)
    return vectors if vectors.length == none.length else none
