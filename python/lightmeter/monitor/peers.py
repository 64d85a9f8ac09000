"""One segment against the others of its bucket: what they do together is no anomaly.

Segments may always differ from each other, and some vary more than others. So a segment is not
compared with the others as they are: those whose level is far out would alarm in every bucket, and
those that vary much in too many. What the others have in common is taken away instead:

- The level of a segment is its mean over its own window of past buckets.
- What is common in a bucket is the median, over the other segments, of their difference from their
  own level. It is one of many, so that single segments that changed do not matter.
- A segment less what is common is judged against the same of its own past buckets, by the rule that
  judges any bucket against its past. So each segment is judged by how much it varies itself.

It holds for means and for logarithms of standard deviations alike. Only numbers are judged.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lightmeter.drift.row import EffectName
from lightmeter.monitor.shelf import Side
from lightmeter.monitor.summaries import MEAN, MISSING, ODD, ROWS, STDDEV, VALUES, N
from lightmeter.profile.segments import parse_segment
from lightmeter.text import counted, number

_LEAST = 3  # other segments
_Numbers = NDArray[np.float64]


def without_common(sides: Mapping[str, Side]) -> tuple[dict[str, Side], dict[str, str]]:
    """Return the segments of a bucket without what is common, and why others are not judged.

    Segments with the same keys are peers.
    """
    by_keys: defaultdict[tuple[str, ...], dict[str, Side]] = defaultdict(dict)
    beside: dict[str, Side] = {}
    for segment, side in sides.items():
        if side.contents.damage:  # which whoever judges it finds out
            beside[segment] = side
        else:
            by_keys[tuple(sorted(parse_segment(segment)))][segment] = side
    alone: dict[str, str] = {}
    for peers in by_keys.values():
        if len(peers) > _LEAST:
            beside |= dict(zip(peers, _adjusted(list(peers.values())), strict=True))
        else:
            others = counted(len(peers) - 1, "other segment")
            alone |= dict.fromkeys(peers, f"{others} with the same keys, of {_LEAST} needed")
    return beside, alone


def _adjusted(peers: Sequence[Side]) -> list[Side]:
    """Return the sides with the summaries of bucket and past less the medians of the others."""
    now = peers[0].bucket.start
    starts = sorted({now}.union(*(side.past.starts for side in peers)))
    place = {start: index for index, start in enumerate(starts)}
    numbers = ({n for n, kind in side.summary.kinds.items() if kind == "number"} for side in peers)
    names = tuple(sorted(set[str]().union(*numbers)))
    tables = np.zeros((len(starts), len(peers), ROWS, len(names)))
    is_past = np.zeros((len(starts), len(peers), 1), dtype=bool)
    for peer, side in enumerate(peers):
        for start in starts:
            if (summary := side.summary_at(start)) is not None:
                tables[place[start], peer] = summary.aligned(names)
        is_past[[place[start] for start in side.past.starts], peer] = True
    n = tables[:, :, N]
    with np.errstate(all="ignore"):
        values = np.stack([tables[:, :, MEAN], np.log(tables[:, :, STDDEV])])
        values = np.where((n > 0) & np.isfinite(values), values, np.nan)
        weights = np.where(is_past & ~np.isnan(values), n, 0.0)
        levels = (weights * np.nan_to_num(values)).sum(axis=1) / weights.sum(axis=1)
        common = _medians_of_others(values - levels[:, None])
    tables[np.broadcast_to(np.isnan(common[0])[:, :, None], tables.shape)] = 0.0
    tables[:, :, MEAN] -= np.nan_to_num(common[0])
    tables[:, :, STDDEV] /= np.exp(np.nan_to_num(common[1]))
    tables[:, :, [MISSING, VALUES, ODD]] = 0.0
    adjusted = []
    for peer, side in enumerate(peers):
        beside = copy(side)
        beside.peers = len(peers) - 1
        beside.summary = side.summary.with_table(names, tables[place[now], peer])
        beside.summaries = [
            summary.with_table(names, tables[place[start], peer])
            for start in side.past.starts
            if (summary := side.summary_at(start)) is not None
        ]
        adjusted.append(beside)
    return adjusted


def _medians_of_others(values: _Numbers) -> _Numbers:
    """Return of each value the median of the others along the third axis.

    NaN stands for no value, and for fewer than `_LEAST` others.
    """
    order = np.argsort(values, axis=2)  # NaN comes last
    ranked = np.take_along_axis(values, order, axis=2)
    ranks = np.argsort(order, axis=2)
    there = ~np.isnan(values)
    others = there.sum(axis=2, keepdims=True) - there
    medians = np.zeros_like(values)
    for middle in ((others - 1) // 2, others // 2):
        # Without the value itself those behind it move up by one.
        at = np.clip(middle + (there & (ranks <= middle)), 0, values.shape[2] - 1)
        medians += np.take_along_axis(ranked, at, axis=2) / 2
    return np.where(others >= _LEAST, medians, np.nan)


def change_beside(side: Side, feature: str) -> tuple[str, str, EffectName, float]:
    """Return how a feature of a segment changed, as rules on drift say it: by normal values."""
    now = dict(zip(side.summary.names, side.summary.table.T, strict=True))[feature]
    past = np.array([each.aligned((feature,))[:, 0] for each in side.summaries])
    weights = past[:, N] / past[:, N].sum()
    mean = float(weights @ past[:, MEAN])
    spread = math.sqrt(float(weights @ past[:, STDDEV] ** 2))
    moved, ratio = float(now[MEAN]) - mean, math.inf
    if spread > 0 and now[STDDEV] > 0:
        ratio = abs(math.log(now[STDDEV] / spread))
    distance = 1.0 if not spread else 2 * NormalDist().cdf(abs(moved) / spread / 2) - 1
    beside = f"beside {side.peers} others"
    if spread and ratio > 2 * distance:  # in units of the least sizes
        verb = "rose" if now[STDDEV] > spread else "fell"
        words = f"spread of {feature} {verb} to {number(float(now[STDDEV]))} {beside}"
        return words, "", "spread", ratio
    verb = "rose" if moved > 0 else "fell"
    return f"{feature} {verb} by {number(abs(moved))} {beside}", "", "shift", distance
