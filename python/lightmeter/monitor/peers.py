"""Peers: one segment judged beside the others of its bucket; a common change is no anomaly.

Segments may always differ from each other, and some vary more than others. A direct comparison with
the others would flag segments with a distant level in every bucket, and strongly varying segments
in too many. Therefore the common change of the others is subtracted:

- The level of a segment is its mean over its own window of past buckets.
- The common change in a bucket is the median, over the other segments, of the difference from their
  own level. Because it is a median, single segments that changed do not matter.
- A segment minus the common change is judged against the same values of its own past buckets, by
  the rule that judges any bucket against its past. Each segment is thus judged by its own
  variation.

This applies to means and to logarithms of standard deviations. Only numbers are judged.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from lightmeter.drift.prediction import Numbers
from lightmeter.drift.row import EffectName
from lightmeter.monitor.results import BySegment, Result
from lightmeter.monitor.shelf import MEAN, MISSING, ODD, STDDEV, VALUES, N, Side, Summary
from lightmeter.profile.segments import parse_segment
from lightmeter.text import counted, number

_LEAST = 3  # other segments


def without_common(sides: Mapping[str, Side]) -> tuple[dict[str, Side], BySegment]:
    """Return the segments of a bucket without their common change, and results for the others.

    Segments with the same keys are peers. A segment with too few peers gets a result at once.
    Segments that cannot be read are returned unchanged.
    """
    by_keys = defaultdict[object, dict[str, Side]](dict)
    for segment, side in sides.items():
        if not side.contents.damage:
            by_keys[tuple(sorted(parse_segment(segment)))][segment] = side
    judged, alone = dict(sides), BySegment()
    for peers in by_keys.values():
        if len(peers) > _LEAST:
            judged |= zip(peers, _beside([*peers.values()]), strict=True)
            continue
        for segment in peers:
            others = counted(len(peers) - 1, "other segment")
            words = f"{others} with the same keys; {_LEAST} are needed"
            alone[segment] = [Result("", "not enough data", words=words)]
            del judged[segment]
    return judged, alone


def _beside(peers: Sequence[Side]) -> Iterator[Side]:
    """Yield the peers, with the medians of the others subtracted from means and spreads."""
    now = peers[0].bucket.start
    starts = sorted({now}.union(*(side.past.starts for side in peers)))
    kinds = (each for side in peers for each in side.summary.kinds.items())
    names = tuple(sorted({name for name, kind in kinds if kind == "number"}))
    histories = [[side.shelf.in_short(*side.where, start) for start in starts] for side in peers]
    tables = np.array([[s.aligned(names) for s in each] for each in histories])
    is_past = np.array([[start in side.past.starts for start in starts] for side in peers])
    n = tables[:, :, N]
    with np.errstate(all="ignore"):
        values = np.stack([tables[:, :, MEAN], np.log(tables[:, :, STDDEV])])
        values = np.where((n > 0) & np.isfinite(values), values, np.nan)
        weights = np.where(is_past[..., None] & ~np.isnan(values), n, 0.0)
        levels = (weights * np.nan_to_num(values)).sum(axis=2) / weights.sum(axis=2)
        common = _medians_of_others(values - levels[:, :, None])
    tables = np.where(np.isnan(common[0])[:, :, None], 0.0, tables)
    tables[:, :, MEAN] -= np.nan_to_num(common[0])
    tables[:, :, STDDEV] /= np.exp(np.nan_to_num(common[1]))
    tables[:, :, [MISSING, VALUES, ODD]] = 0.0
    for side, history, table in zip(peers, histories, tables, strict=True):
        changed = (s.with_table(names, each) for s, each in zip(history, table, strict=True))
        without = dict(zip(starts, changed, strict=True))
        before = [without[start] for start in side.past.starts if without[start].is_readable]
        yield replace(side, beside=(without[now], before))


def _medians_of_others(values: Numbers) -> Numbers:
    """Return, for each value, the median of the others along the second axis.

    NaN means no value, or fewer than `_LEAST` others.
    """
    order = np.argsort(values, axis=1)  # NaN comes last
    ranked = np.take_along_axis(values, order, axis=1)
    ranks = np.argsort(order, axis=1)
    there = ~np.isnan(values)
    others = there.sum(axis=1, keepdims=True) - there
    medians = np.zeros_like(values)
    for middle in ((others - 1) // 2, others // 2):
        # Without the value itself, later ranks move up by one.
        at = np.clip(middle + (there & (ranks <= middle)), 0, values.shape[1] - 1)
        medians += np.take_along_axis(ranked, at, axis=1) / 2
    return np.where(others >= _LEAST, medians, np.nan)


def change_beside(
    target: Summary, past: Sequence[Summary], feature: str
) -> tuple[str, EffectName, float]:
    """Return a description of the change of a feature beside its peers, and its effect size.

    The effect size assumes normal values.
    """
    now, *befores = (each.aligned((feature,))[:, 0] for each in (target, *past))
    before = np.array(befores)
    weights = before[:, N] / before[:, N].sum()
    spread = math.sqrt(float(weights @ before[:, STDDEV] ** 2))
    moved, distance, ratio = float(now[MEAN] - weights @ before[:, MEAN]), 1.0, math.inf
    if spread:
        distance = 2 * NormalDist().cdf(abs(moved) / spread / 2) - 1
        ratio = abs(math.log(now[STDDEV] / spread)) if now[STDDEV] > 0 else ratio
    if spread and ratio > 2 * distance:  # in units of the least sizes
        verb = "rose" if now[STDDEV] > spread else "fell"
        words = f"spread of {feature} {verb} to {number(float(now[STDDEV]))} beside the others"
        return words, "spread", ratio
    verb = "rose" if moved > 0 else "fell"
    return f"{feature} {verb} by {number(abs(moved))} beside the others", "shift", distance
