"""Comparing two profiles feature by feature."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from lightmeter import _core
from lightmeter.drift.feature import FeatureDrift, changed
from lightmeter.drift.names import spoken
from lightmeter.drift.report import DriftReport
from lightmeter.drift.verdict import Thresholds, judge
from lightmeter.profile import FrequentItem, ProfileView

__all__ = ["compare"]


def compare(
    *,
    target: ProfileView,
    reference: ProfileView,
    drift: float = 0.05,
    possible: float = 0.15,
    effect: float = 0.1,
    min_values: int = 10,
    delta: float = 0.01,
) -> DriftReport:
    """What changed from `reference` to `target`.

    Numbers are tested with Kolmogorov and Smirnov's test, exact given the ties; circular hue with
    Kuiper's; categories with a permuted chi-square test; rates of missing values, of text among
    numbers and of failures with Fisher's. Results are the same on every run. See `FeatureDrift` for
    what is reported.

    Args:
        target: the profile to judge.
        reference: what it should look like.
        drift: the largest q-value of a ``drift``; see `Thresholds` for why the defaults are so.
        possible: the largest q-value of a ``possible``.
        effect: the least effect of both: D, Kuiper's V, or total variation.
        min_values: values needed on each side for a verdict.
        delta: chance that the intervals of sampled features miss the truth.

    Raises:
        TypeError: a side is no `ProfileView`.
        ValueError: a threshold is out of its range.
    """
    for side in (target, reference):
        if not isinstance(side, ProfileView):
            raise TypeError(f"got {type(side).__name__}; expected a ProfileView")
    thresholds = Thresholds(
        drift=drift, possible=possible, effect=effect, min_values=min_values, delta=delta
    )
    sides = _Sides(target._core, reference._core, delta)
    prefixes = sides.image_prefixes()
    features = [
        changed(line, name=spoken(name, prefixes))
        for name in sides.names()
        for line in sides.compare(name)
    ]
    return DriftReport(target, reference, judge(features, thresholds), thresholds)


class _Sides:
    """Both profiles; a feature that one lacks has no values there."""

    def __init__(self, target: _core.Profile, reference: _core.Profile, delta: float) -> None:
        self._both = (target, reference)
        self._delta = delta

    def names(self) -> list[str]:
        return sorted({name for core in self._both for name in core.names()})

    def image_prefixes(self) -> set[str]:
        return {prefix for core in self._both for prefix in core.image_prefixes}

    def compare(self, name: str) -> Iterator[FeatureDrift]:
        numbers = [_core.numbers_of(core, name) for core in self._both]
        strings = [
            core.strings(name) if name in core else _core.FrequentStrings() for core in self._both
        ]
        null = [self._null(core, name) for core in self._both]
        if self._role(name) == "failure":
            yield _failures(name, strings, null)
            return
        null = [count + each.nan for count, each in zip(null, numbers, strict=True)]
        texts = [each.n for each in strings]
        finite = [each.n for each in numbers]
        infinite = [each.pos_inf + each.neg_inf for each in numbers]
        seen = [sum(counts) for counts in zip(texts, finite, infinite, strict=True)]
        if sum(texts) > sum(finite):
            yield _categories(name, strings, [a - b for a, b in zip(seen, texts, strict=True)])
        else:
            found = self._numbers(name, numbers)
            if not any(finite) and all(a + b for a, b in zip(null, seen, strict=True)):
                found = changed(found, verdict="none", reason="no number on either side")
            yield found
            odd = [a - b for a, b in zip(seen, finite, strict=True)]
            if sum(odd) and sum(finite):
                yield _not_numbers(name, strings, odd, finite)
        if sum(null) and sum(seen):
            yield _rates(f"{name}:missing", "missing", null, seen)

    def _role(self, name: str) -> str:
        return next(core.role(name) for core in self._both if name in core)

    def _null(self, core: _core.Profile, name: str) -> int:
        """Missing values; images without an Exif tag count even if none has it."""
        role = self._role(name)
        if name in core or not role.endswith("exif"):
            return core.missing(name)
        return core.exif_read(name, role == "personal exif")

    def _numbers(self, name: str, sketches: list[_core.QuantileSketch]) -> FeatureDrift:
        target, reference = sketches
        circular = name.endswith((".Hue.circular_mean", ".Hue.pixels"))
        pixels = name.endswith(".pixels")
        kind = "pixels" if pixels else "hue" if circular else "number"
        known: dict[str, Any] = {"feature": name, "kind": kind}
        known |= {"n_target": target.n, "n_reference": reference.n}
        known["linear_hue"] = name.endswith((".Hue.mean", ".Hue.stddev"))
        if pixels:
            known["reason"] = "distances only: pixels of an image are not independent samples"
        elif known["linear_hue"]:
            known["reason"] = "linear mean of an angle: see Hue.circular_mean"
        if target.n == 0 or reference.n == 0:
            return FeatureDrift(**known)
        found = _core.compare_numbers(
            target,
            reference,
            circular=circular,
            tested=not pixels,
            delta=self._delta,
        )
        if circular:
            levels: Sequence[float] = [_core.circular_mean(sketch) for sketch in sketches]
        else:
            levels, spreads = zip(*(_core.level_of(core, name) for core in self._both), strict=True)
            known["stddev_target"], known["stddev_reference"] = spreads
        known |= _distances(found)
        known["ks"], known["effect_low"], known["effect_high"] = found["statistic"]
        known["effect"] = known["ks"]
        known["level_target"], known["level_reference"] = levels
        known["wasserstein"] = found["wasserstein"]
        known["shift"] = _shift(found, levels, 255.0 if circular else None)
        if pixels:
            return FeatureDrift(**known)
        known["p_value"], known["p_low"], known["p_high"] = found["p_value"]
        known["hellinger_null"] = found["hellinger_null"]
        if target.min == target.max == reference.min == reference.max and "reason" not in known:
            known |= {"verdict": "none", "reason": "one value only, the same on both sides"}
        return FeatureDrift(**known)


def _distances(found: dict[str, Any]) -> dict[str, float]:
    return {name: found[name] for name in ("hellinger", "hellinger_debiased", "psi", "js")}


def _shift(found: dict[str, Any], levels: Sequence[float], period: float | None) -> float | None:
    """Wasserstein distance in reference spreads, signed as the mean changed."""
    if found["wasserstein"] == 0:
        return 0.0
    if not 0 < found["reference_spread"] < math.inf:
        return None
    change = levels[0] - levels[1]
    if period is not None:
        change = math.remainder(change, period)
    return math.copysign(found["wasserstein"] / found["reference_spread"], change)


def _categories(name: str, strings: list[_core.FrequentStrings], others: list[int]) -> FeatureDrift:
    target, reference = strings
    n = [each.n + other for each, other in zip(strings, others, strict=True)]
    new, vanished = _listed_once(strings)
    known: dict[str, Any] = {"feature": name, "kind": "category"}
    known |= {"n_target": n[0], "n_reference": n[1], "new_values": new, "vanished_values": vanished}
    if min(n) == 0:
        return FeatureDrift(**known)
    found = _core.compare_categories(target, others[0], reference, others[1])
    known |= _distances(found)
    known["effect"], known["effect_low"], known["effect_high"] = found["statistic"]
    known["p_value"], known["p_low"], known["p_high"] = found["p_value"]
    values = {item[0] for each in strings for item in each.items()}
    if len(values) + (sum(others) > 0) == 1:
        known |= {"verdict": "none", "reason": "one value only, the same on both sides"}
    return FeatureDrift(**known)


def _listed_once(
    strings: list[_core.FrequentStrings],
) -> tuple[tuple[FrequentItem, ...], tuple[FrequentItem, ...]]:
    """What only the target lists, and what only the reference lists."""
    lists = [
        [FrequentItem(value, high, high, low) for value, low, high in each.items()]
        for each in strings
    ]
    known = [{item.value for item in each} for each in lists]
    new = tuple(item for item in lists[0] if item.value not in known[1])
    vanished = tuple(item for item in lists[1] if item.value not in known[0])
    return new, vanished


def _not_numbers(
    name: str, strings: list[_core.FrequentStrings], odd: list[int], finite: list[int]
) -> FeatureDrift:
    new, vanished = _listed_once(strings)
    kind = "not a number"
    return _rates(f"{name}:{kind}", kind, odd, finite, new_values=new, vanished_values=vanished)


def _failures(name: str, strings: list[_core.FrequentStrings], measured: list[int]) -> FeatureDrift:
    new, vanished = _listed_once(strings)
    failed = [each.n for each in strings]
    known: dict[str, Any] = {"new_values": new, "vanished_values": vanished}
    if sum(failed) == 0:
        known |= {"verdict": "none", "reason": "no failures"}
    return _rates(name, "failure", failed, measured, **known)


def _rates(name: str, kind: str, hits: list[int], others: list[int], **known: Any) -> FeatureDrift:
    n = [a + b for a, b in zip(hits, others, strict=True)]
    known |= {"feature": name, "kind": kind, "n_target": n[0], "n_reference": n[1]}
    if min(n) > 0:
        p = _core.fisher_exact(hits[0], n[0], hits[1], n[1])
        rates = [a / b for a, b in zip(hits, n, strict=True)]
        known |= dict.fromkeys(("p_value", "p_low", "p_high"), p)
        known |= dict.fromkeys(("effect", "effect_low", "effect_high"), abs(rates[0] - rates[1]))
        known["level_target"], known["level_reference"] = rates
    return FeatureDrift(**known)
