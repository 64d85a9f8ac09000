"""Comparing two profiles feature by feature."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from lightmeter import _core
from lightmeter.drift.comparison import Comparison
from lightmeter.drift.describe import finding
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


def compare_views(
    *,
    target: ProfileView,
    reference: ProfileView,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    tested: bool = True,
) -> Comparison:
    """What changed from `reference` to `target`; see `lightmeter.compare`.

    Without being `tested`, features have sizes and distances only, which is fast: no p-value, and
    no verdict but ``not enough data`` and, where nothing can have changed, ``none``.
    Features of hashes are passed over: two pictures have different ones even where nothing changed.
    """
    return Comparison(
        target, reference, judged_lines(target, reference, thresholds, tested), thresholds
    )


# An inconclusive line gets its words where they are asked for: of sampled columns most lines are.
_WORDED = ("drift", "possible")


def judged_lines(
    target: ProfileView, reference: ProfileView, thresholds: Thresholds, tested: bool = True
) -> list[FeatureDrift]:
    """The lines of a comparison with their verdicts, by feature."""
    cores = (target._core, reference._core)
    tallies = tallies_of(cores[0]), tallies_of(cores[1])
    prefixes = frozenset(prefix for core in cores for prefix in core.image_prefixes)
    by_group = tested and all(core.has_groups for core in cores)
    unlike = Unlike(target.readings, reference.readings)
    features: list[FeatureDrift] = []
    for name in sorted(tallies[0].keys() | tallies[1].keys()):
        own, other = (side.get(name) for side in tallies)
        meaning = meaning_of(own or tallies[1][name], other or tallies[0][name])
        if meaning.role == "hash":
            continue
        counts = (
            own or _tally_without(cores[0], name, meaning),
            other or _tally_without(cores[1], name, meaning),
        )
        about = _about(name, meaning, prefixes)
        reason = unlike.reason(name)
        lines = _lines(about, meaning, counts, cores, thresholds, tested and not reason)
        if reason:
            lines = (changed(line, verdict=None, reason=reason) for line in lines)
        features += tested_by_group(lines, name, meaning, cores) if by_group else lines
    for prefix in filter(unlike.is_judged, sorted(prefixes) if tested else ()):
        name = f"all numbers of {'an image' if len(prefixes) == 1 else prefix}"
        features += compare_joint(prefix, name, cores)
    judged = judge(features, thresholds, (target, reference), tested=tested)
    return [
        changed(line, words=finding(line, thresholds)) if line.verdict in _WORDED else line
        for line in judged
    ]


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


def tallies_of(core: _core.Profile) -> dict[str, Tally]:
    """Those of all features."""
    return {name: Tally._make(counts) for name, counts in core.tallies().items()}


def meaning_of(own: Tally, other: Tally) -> Meaning:
    """What a feature means by its tallies of both sides."""
    return Meaning(own.role, own.origin).join(Meaning(other.role, other.origin))


def _tally_without(core: _core.Profile, name: str, meaning: Meaning) -> Tally:
    """That of a profile that lacks the feature: images without an Exif tag count even there."""
    is_exif = meaning.family == "Exif"
    unset = core.exif_read(name, meaning.origin == "personal exif") if is_exif else 0
    return Tally(meaning.role, meaning.origin, unset, unset, 0, 0, 0)


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


def _lines(
    about: FeatureDrift,
    meaning: Meaning,
    tallies: Sequence[Tally],
    cores: Cores,
    by: Thresholds,
    tested: bool,
) -> Iterator[FeatureDrift]:
    """The line of a feature, and those of its rates; one that a side lacks has no values there."""
    target, reference = tallies
    texts = target.texts, reference.texts
    if meaning.role == "failure":
        fields = _new_and_vanished(_strings(about, cores))
        none = {} if sum(texts) else {"verdict": "none", "reason": "no failures"}
        others = target.unset, reference.unset
        yield _rate(about, "failure", texts, others, tested, fields | none)
        return
    if meaning.role == "vector":
        line, unlike = compare_vectors(about, cores, tested=tested)
        yield line
        unusable = target.unset + unlike[0], reference.unset + unlike[1]
        if sum(unusable):
            sizes = line.n_target, line.n_reference
            yield _rate(about, "missing", unusable, sizes, tested)
        return
    missing = target.missing, reference.missing
    values = target.values, reference.values
    finite = target.finite, reference.finite
    if meaning.kind(mostly_text=sum(texts) > sum(finite)) == "category":
        others = values[0] - texts[0], values[1] - texts[1]
        yield _categories(about, _strings(about, cores), others, tested)
    else:
        line = _numbers(about, meaning, finite, cores, by, tested)
        if not any(finite) and all(a + b for a, b in zip(missing, values, strict=True)):
            line = changed(line, _NO_NUMBER)
        yield line
        odd = values[0] - finite[0], values[1] - finite[1]
        if sum(odd) and sum(finite):
            both = _new_and_vanished(_strings(about, cores))
            yield _rate(about, "not a number", odd, finite, tested, both)
    if sum(missing) and sum(values):
        yield _rate(about, "missing", missing, values, tested)


def _numbers(
    about: FeatureDrift,
    meaning: Meaning,
    n: tuple[int, int],
    cores: Cores,
    by: Thresholds,
    tested: bool,
) -> FeatureDrift:
    """The line of a feature of numbers, by a test of scores of ranks; of hue by Kuiper's.

    Pixels have distances only.
    """
    line = changed(about, n_target=n[0], n_reference=n[1], reason=meaning.untested)
    if 0 in n:
        return line
    pixels = about.kind == "pixels"
    tested = tested and not pixels
    fields, sizes, p_value, one_value = _core.compare_numbers(
        *cores, about.feature, meaning.is_circular, tested, by.delta
    )
    name = _carrying(sizes, by)
    fields |= _test(name, sizes[name], p_value if tested else None)
    if one_value and not pixels and not line.reason:
        fields |= _ONE_VALUE
    return changed(line, fields)


def _carrying(sizes: Mapping[EffectName, Sequence[float]], by: Thresholds) -> EffectName:
    """The size that surely is large enough; else the one that may be."""
    least = {name: low for name, (_, low, _) in sizes.items()}
    name = carrying(least, by)
    if least[name] >= by.least(name):
        return name
    most = {name: high for name, (_, _, high) in sizes.items()}
    return name if most == least else carrying(most, by)


def _categories(
    about: FeatureDrift,
    strings: Sequence[_core.FrequentStrings],
    others: tuple[int, int],
    tested: bool,
) -> FeatureDrift:
    """The line of a feature of categories, by a permuted chi-square test.

    Values that are no strings, `others`, make one category.
    """
    n = [each.n + other for each, other in zip(strings, others, strict=True)]
    fields = _new_and_vanished(strings)
    line = changed(about, fields, kind="category", n_target=n[0], n_reference=n[1])
    if 0 in n:
        return line
    result = _core.compare_categories(strings[0], others[0], strings[1], others[1], tested)
    size, p = result.pop("statistic"), result.pop("p_value")
    result |= _test("total variation", size, p if tested else None)
    values = {value for each in strings for value, _, _ in each.items()}
    return changed(line, result | (_ONE_VALUE if len(values) + any(others) == 1 else {}))


def _rate(
    about: FeatureDrift,
    kind: Rate,
    hits: tuple[int, int],
    others: tuple[int, int],
    tested: bool,
    fields: Mapping[str, Any] | None = None,
) -> FeatureDrift:
    """The line of a rate, such as that of missing values, by Fisher's exact test.

    Args:
        about: the line of the column, without anything of its values.
        kind: a part of the name of all but failures.
        hits: on the target's side and on the reference's.
        others: the same; they make up the rest.
        tested: whether a p-value is wanted.
        fields: further ones of the line.
    """
    n = hits[0] + others[0], hits[1] + others[1]
    feature = about.feature if kind == "failure" else f"{about.feature}:{kind}"
    own = {"feature": feature, "kind": kind, "n_target": n[0], "n_reference": n[1]}
    line = changed(about, own | dict(fields or {}))
    if 0 in n:
        return line
    target, reference = hits[0] / n[0], hits[1] / n[1]
    p = [_core.fisher_exact(hits[0], n[0], hits[1], n[1])] * 3 if tested else None
    test = _test("difference of rates", [abs(target - reference)] * 3, p)
    return changed(line, test, level_target=target, level_reference=reference)


def _test(name: EffectName, size: Sequence[float], p: Sequence[float] | None) -> dict[str, Any]:
    """The fields of the size that carries the verdict and of the p-value: value, low, high."""
    names = "effect", "effect_low", "effect_high", "p_value", "p_low", "p_high"
    values = *size, *(p or (None, None, None))
    return {"effect_name": name, **dict(zip(names, values, strict=True))}


def _new_and_vanished(strings: Sequence[_core.FrequentStrings]) -> dict[str, Any]:
    """What only the target lists, and what only the reference lists."""
    target, reference = (
        {value: FrequentItem(value, high, high, low) for value, low, high in each.items()}
        for each in strings
    )
    return {
        "new_values": tuple(item for value, item in target.items() if value not in reference),
        "vanished_values": tuple(item for value, item in reference.items() if value not in target),
    }


def _strings(about: FeatureDrift, cores: Cores) -> list[_core.FrequentStrings]:
    name = about.feature
    return [core.strings(name) if name in core else _core.FrequentStrings() for core in cores]
