"""Comparing two profiles feature by feature."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from lightmeter import _core
from lightmeter.drift.comparison import Comparison
from lightmeter.drift.describe.sentences import finding, strings_of
from lightmeter.drift.groups import tested_by_group
from lightmeter.drift.names import said
from lightmeter.drift.readings import Unlike
from lightmeter.drift.row import EffectName, FeatureDrift, Rate, changed
from lightmeter.drift.vectors import compare_joint, compare_vectors
from lightmeter.drift.verdict import DEFAULT_THRESHOLDS, Thresholds, carrying, judge
from lightmeter.profile import FrequentItem, ProfileView
from lightmeter.profile.features import Meaning, Origin, Role

Cores = tuple[_core.Profile, _core.Profile]  # of the target and of the reference
_ONE_VALUE = {"verdict": "none", "reason": "one value only, the same on both sides"}
_NO_NUMBER = {"verdict": "none", "reason": "no number on either side"}

# An inconclusive line gets its words where they are asked for: of sampled columns most lines are.
_WORDED = ("drift", "possible")


def compare_views(
    *,
    target: ProfileView,
    reference: ProfileView,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    tested: bool = True,
) -> Comparison:
    """Return what changed from `reference` to `target`; see `lightmeter.compare`.

    Without being `tested`, features have sizes and distances only, which is fast: no p-value, and
    no verdict but ``not enough data`` and, where nothing can have changed, ``none``.
    Features of hashes are passed over: two pictures have different ones even where nothing changed.
    """
    cores = target._core, reference._core
    tallies = [{name: Tally(*each) for name, each in core.tallies().items()} for core in cores]
    prefixes = frozenset(prefix for core in cores for prefix in core.image_prefixes)
    by_group = tested and all(core.has_groups for core in cores)
    unlike = Unlike(target.readings, reference.readings)
    features: list[FeatureDrift] = []
    for name in sorted(tallies[0].keys() | tallies[1].keys()):
        known = [Meaning(*side[name][:2]) for side in tallies if name in side]
        meaning = known[0].join(known[-1])
        if meaning.role == "hash":
            continue
        counts = [
            side.get(name) or _tally_without(core, name, meaning)
            for side, core in zip(tallies, cores, strict=True)
        ]
        about = changed(_about(name, meaning, prefixes), sides=(target, reference))
        reason = unlike.reason(name)
        sides = _Sides(cores, thresholds, tested and not reason)
        lines = sides.lines(about, meaning, counts)
        if reason:
            lines = (changed(line, verdict=None, reason=reason) for line in lines)
        features += tested_by_group(lines, name, meaning, cores) if by_group else lines
    for prefix in filter(unlike.is_judged, sorted(prefixes) if tested else ()):
        name = f"all numbers of {'an image' if len(prefixes) == 1 else prefix}"
        features += compare_joint(prefix, name, cores)
    lines = (
        changed(line, words=finding(line, thresholds)) if line.verdict in _WORDED else line
        for line in judge(features, thresholds, tested=tested)
    )
    return Comparison(target, reference, lines, thresholds)


@lru_cache(maxsize=4096)  # all comparisons ask of the same features
def _about(feature: str, meaning: Meaning, prefixes: frozenset[str]) -> FeatureDrift:
    """A line that says what the feature is, and nothing of its values."""
    return FeatureDrift(
        feature=feature,
        kind=meaning.kind(),
        n_target=0,
        n_reference=0,
        role=meaning.role,
        family=meaning.family,
        **said(feature, meaning.origin, prefixes)._asdict(),
    )


class Tally(NamedTuple):
    """What a profile counts of one feature.

    Attributes:
        role: what a value is.
        origin: where the values come from.
        unset: observations without a value.
        missing: the same and NaN, which is none.
        texts: strings.
        finite: finite numbers.
        values: strings and numbers, infinite ones too.
    """

    role: Role
    origin: Origin
    unset: int
    missing: int
    texts: int
    finite: int
    values: int


def _tally_without(core: _core.Profile, name: str, meaning: Meaning) -> Tally:
    """That of a profile that lacks the feature: images without an Exif tag count even there."""
    is_exif = meaning.family == "Exif"
    unset = core.exif_read(name, meaning.origin == "personal exif") if is_exif else 0
    return Tally(meaning.role, meaning.origin, unset, unset, 0, 0, 0)


class _Sides(NamedTuple):
    """Two profiles, and how they are compared: a p-value is wanted where it is `tested`."""

    cores: Cores
    by: Thresholds
    tested: bool

    def lines(
        self, about: FeatureDrift, meaning: Meaning, tallies: Sequence[Tally]
    ) -> Iterator[FeatureDrift]:
        """The line of a feature, and those of its rates; a side that lacks it has no values."""
        (_, _, *target), (_, _, *reference) = tallies
        unset, missing, texts, finite, values = zip(target, reference, strict=True)
        if meaning.role == "failure":
            none = {} if any(texts) else {"verdict": "none", "reason": "no failures"}
            yield self._rate(about, "failure", texts, unset, self._listed(about) | none)
        elif meaning.role == "vector":
            line, unlike = compare_vectors(about, self.cores, tested=self.tested)
            yield line
            unusable = unset[0] + unlike[0], unset[1] + unlike[1]
            if any(unusable):
                yield self._rate(about, "missing", unusable, (line.n_target, line.n_reference))
        else:
            if meaning.kind(mostly_text=sum(texts) > sum(finite)) == "category":
                yield self._categories(about, (values[0] - texts[0], values[1] - texts[1]))
            else:
                line = self._numbers(about, meaning, finite)
                if not any(finite) and all(map(sum, zip(missing, values, strict=True))):
                    line = changed(line, _NO_NUMBER)
                yield line
                odd = values[0] - finite[0], values[1] - finite[1]
                if any(odd) and any(finite):
                    yield self._rate(about, "not a number", odd, finite, self._listed(about))
            if any(missing) and any(values):
                yield self._rate(about, "missing", missing, values)

    def _numbers(self, about: FeatureDrift, meaning: Meaning, n: Sequence[int]) -> FeatureDrift:
        """By a test of scores of ranks; of hue by Kuiper's. Pixels have distances only."""
        line = changed(about, n_target=n[0], n_reference=n[1], reason=meaning.untested)
        if 0 in n:
            return line
        tested = self.tested and about.kind != "pixels"
        fields, sizes, p_value, one_value = _core.compare_numbers(
            *self.cores, about.feature, meaning.is_circular, tested, self.by.delta
        )
        name = self._carrying(sizes)
        fields |= _test(name, sizes[name], p_value if tested else None)
        if one_value and about.kind != "pixels" and not line.reason:
            fields |= _ONE_VALUE
        return changed(line, fields)

    def _carrying(self, sizes: Mapping[EffectName, Sequence[float]]) -> EffectName:
        """The size that surely is large enough; else the one that may be."""
        least = {name: low for name, (_, low, _) in sizes.items()}
        name = carrying(least, self.by)
        if least[name] >= self.by.least(name):
            return name
        return carrying({name: high for name, (_, _, high) in sizes.items()}, self.by)

    def _categories(self, about: FeatureDrift, others: tuple[int, int]) -> FeatureDrift:
        """By a permuted chi-square test; the `others`, which are no strings, make one category."""
        strings = self._strings(about)
        n = [each.n + other for each, other in zip(strings, others, strict=True)]
        fields = self._listed(about) | {"n_target": n[0], "n_reference": n[1]}
        line = changed(about, fields, kind="category")
        if 0 in n:
            return line
        result = _core.compare_categories(strings[0], others[0], strings[1], others[1], self.tested)
        size, p = result.pop("statistic"), result.pop("p_value")
        result |= _test("total variation", size, p if self.tested else None)
        values = {value for each in strings for value, _, _ in each.items()}
        return changed(line, result | (_ONE_VALUE if len(values) + any(others) == 1 else {}))

    def _rate(
        self,
        about: FeatureDrift,
        kind: Rate,
        hits: Sequence[int],
        others: Sequence[int],
        fields: Mapping[str, Any] | None = None,
    ) -> FeatureDrift:
        """By Fisher's exact test; hits and others are all observations."""
        n = hits[0] + others[0], hits[1] + others[1]
        feature = about.feature if kind == "failure" else f"{about.feature}:{kind}"
        own = {"feature": feature, "kind": kind, "n_target": n[0], "n_reference": n[1]}
        line = changed(about, own | dict(fields or {}))
        if 0 in n:
            return line
        rates = hits[0] / n[0], hits[1] / n[1]
        p = [_core.fisher_exact(hits[0], n[0], hits[1], n[1])] * 3 if self.tested else None
        test = _test("difference of rates", [abs(rates[0] - rates[1])] * 3, p)
        return changed(line, test, level_target=rates[0], level_reference=rates[1])

    def _listed(self, about: FeatureDrift) -> dict[str, Any]:
        """What only the target lists, and what only the reference lists."""
        target, reference = (
            {value: FrequentItem(value, high, high, low) for value, low, high in each.items()}
            for each in self._strings(about)
        )
        return {
            "new_values": tuple(target[value] for value in target if value not in reference),
            "vanished_values": tuple(reference[v] for v in reference if v not in target),
        }

    def _strings(self, about: FeatureDrift) -> list[_core.FrequentStrings]:
        return [strings_of(core, about.feature) for core in self.cores]


def _test(name: EffectName, size: Sequence[float], p: Sequence[float] | None) -> dict[str, Any]:
    """The fields of the size that carries the verdict and of the p-value: value, low, high."""
    names = "effect", "effect_low", "effect_high", "p_value", "p_low", "p_high"
    values = *size, *(p or (None, None, None))
    return {"effect_name": name, **dict(zip(names, values, strict=True))}
