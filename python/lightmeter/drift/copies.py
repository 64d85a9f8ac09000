"""Features that are copies of each other: one test, and not several.

A profile does not keep which values stood in one row, so it cannot prove that two columns are the
same. But the values of copies are the same on both sides, and those of columns that have nothing to
do with each other are very rarely that. How rarely is bounded by the data: whatever the
distribution of a column, the chance that its values come with these counts is largest for the
distribution that has just these shares. Ten different numbers on either side are enough. Two
columns of 0 and 1 with the same counts are not: there are few counts that they could have.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from lightmeter import _core
from lightmeter.drift.feature import RATES, FeatureDrift, changed, column_of

# That unrelated columns are taken for copies somewhere in a comparison: small beside 5 %.
_CHANCE = 1e-3

Cores = Sequence[_core.Profile]
# How often each value occurs in the target and in the reference; empty where a side is a sample.
Counts = Sequence[Mapping[Any, int]]


def with_copies(lines: Sequence[FeatureDrift], cores: Cores) -> list[FeatureDrift]:
    """The lines in their order; a copy says of which line it is one: of the first of its family.

    Args:
        lines: before they are judged.
        cores: the target and the reference.
    """
    tested = [line for line in lines if line.p_high is not None and not line.reason]
    sizes = Counter(line.family for line in tested)
    columns: dict[str, str] = {}
    for same in _alike((line for line in tested if line.kind not in RATES), cores):
        if _is_rare(_counts(same[0], cores), len(same), sizes[same[0].family]):
            columns |= dict.fromkeys((line.feature for line in same[1:]), same[0].feature)
    rates: dict[str, str] = {}
    for same in _alike((line for line in tested if line.kind in RATES), cores):
        if _is_rare(_counts(same[0], cores), len(same), sizes[same[0].family]):
            groups = [same]
        else:  # the rate of a copy is a copy, however few its values are
            of = [columns.get(column_of(line.feature), column_of(line.feature)) for line in same]
            groups = _grouped(zip(of, same, strict=True))
        for first, *copies in groups:
            rates |= dict.fromkeys((line.feature for line in copies), first.feature)
    if not columns and not rates:
        return list(lines)
    marked = []
    for line in lines:
        original = (rates if line.kind in RATES else columns).get(line.feature, "")
        marked.append(changed(line, same_as=original) if original else line)
    return marked


def _alike(lines: Iterable[FeatureDrift], cores: Cores) -> list[list[FeatureDrift]]:
    """Lines of one family and kind with the same values on both sides, where there are several."""
    outlined = _grouped((_outline(line), line) for line in lines)
    return [
        same
        for group in outlined
        if len(group) > 1
        for same in _grouped((_contents(line, cores), line) for line in group)
        if len(same) > 1
    ]


def _grouped(keyed: Iterable[tuple[Hashable, FeatureDrift]]) -> list[list[FeatureDrift]]:
    groups: dict[Hashable, list[FeatureDrift]] = {}
    for key, line in keyed:
        groups.setdefault(key, []).append(line)
    return list(groups.values())


def _outline(line: FeatureDrift) -> Hashable:
    """What copies have in common, and few others: cheap to find."""
    sizes = line.family, line.kind, line.role, line.n_target, line.n_reference
    levels = line.level_target, line.level_reference, line.stddev_target, line.stddev_reference
    return *sizes, *levels, *(() if line.kind == "number" else (line.effect, line.p_value))


def _contents(line: FeatureDrift, cores: Cores) -> Hashable:
    """All that there is of the values, except what depends on the name: a sample's choice."""
    if line.kind in RATES:
        return ()
    if line.kind == "category":
        return tuple(tuple(core.strings(line.feature).items()) for core in cores)
    sketches = [_core.numbers_of(core, line.feature) for core in cores]
    return tuple(
        tuple(each.tobytes() for each in sketch.weights())
        if sketch.is_exact
        else (sketch.min, sketch.max)
        for sketch in sketches
    )


def _counts(line: FeatureDrift, cores: Cores) -> Counts:
    if line.kind in RATES:
        levels = line.level_target or 0.0, line.level_reference or 0.0
        sizes = line.n_target, line.n_reference
        hits = [round(level * n) for level, n in zip(levels, sizes, strict=True)]
        return [{True: hit, False: n - hit} for hit, n in zip(hits, sizes, strict=True)]
    if line.kind == "category":
        return [
            {value: low for value, low, _ in core.strings(line.feature).items()} for core in cores
        ]
    sketches = [_core.numbers_of(core, line.feature) for core in cores]
    if not all(sketch.is_exact for sketch in sketches):
        return []
    return [
        dict(zip(*(each.tolist() for each in sketch.weights()), strict=True)) for sketch in sketches
    ]


def _is_rare(counts: Counts, size: int, tests: int) -> bool:
    """Whether unrelated columns hardly ever make a group of this size among so many tests.

    A sample means more than 1024 values, more than 256 of them distinct. Then the same mean and
    standard deviation to the last bit, on both sides, are enough.
    """
    if not counts:
        return True
    ways = math.log(math.comb(tests, size))
    return ways + (size - 1) * _log_chance(counts) <= math.log(_CHANCE)


def _log_chance(counts: Counts) -> float:
    """The logarithm of the largest chance that a column of any distribution has these counts."""
    sizes = [sum(side.values()) for side in counts]
    chance = sum(math.lgamma(n + 1) for n in sizes)
    for value in set().union(*counts):
        ns = [side.get(value, 0) for side in counts]
        chance -= sum(math.lgamma(n + 1) for n in ns)
        chance += sum(ns) * math.log(sum(ns) / sum(sizes)) if any(ns) else 0.0
    return chance
