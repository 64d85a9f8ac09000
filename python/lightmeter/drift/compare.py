"""Comparing two profiles feature by feature."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from lightmeter import _core
from lightmeter.drift.categories import compare_categories, new_and_vanished
from lightmeter.drift.comparison import Comparison
from lightmeter.drift.describe import finding
from lightmeter.drift.groups import tested_by_group
from lightmeter.drift.names import said
from lightmeter.drift.numbers import compare_numbers
from lightmeter.drift.rates import compare_rates
from lightmeter.drift.readings import Unlike
from lightmeter.drift.row import FeatureDrift, changed
from lightmeter.drift.tally import Tally, meaning_of, tallies_of, tally_without
from lightmeter.drift.vectors import compare_joint, compare_vectors
from lightmeter.drift.verdict import DEFAULT_THRESHOLDS, Thresholds, judge
from lightmeter.profile import ProfileView
from lightmeter.profile.features import Meaning


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
        own, other = tallies[0].get(name), tallies[1].get(name)
        meaning = meaning_of(own or tallies[1][name], other or tallies[0][name])
        if meaning.role == "hash":
            continue
        counts = (
            own or tally_without(cores[0], name, meaning),
            other or tally_without(cores[1], name, meaning),
        )
        about = _about(name, meaning, prefixes)
        reason = unlike.reason(name)
        lines = _lines(about, meaning, counts, cores, thresholds, tested and not reason)
        if reason:
            lines = (changed(line, verdict=None, reason=reason) for line in lines)
        features += tested_by_group(lines, name, meaning, cores) if by_group else lines
    for prefix in filter(unlike.is_judged, sorted(prefixes) if tested else ()):
        name = f"all numbers of {'an image' if len(prefixes) == 1 else prefix}"
        together = compare_joint(prefix, name, cores)
        if together is not None:
            features.append(together)
    judged = judge(features, thresholds, (target, reference), tested=tested)
    return [
        changed(line, words=finding(line, thresholds)) if line.verdict in _WORDED else line
        for line in judged
    ]


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
    cores: tuple[_core.Profile, _core.Profile],
    by: Thresholds,
    tested: bool,
) -> Iterator[FeatureDrift]:
    """The line of a feature, and those of its rates; one that a side lacks has no values there."""
    target, reference = tallies
    texts = target.texts, reference.texts
    if meaning.role == "failure":
        fields = new_and_vanished(_strings(about, cores))
        none = {} if sum(texts) else {"verdict": "none", "reason": "no failures"}
        others = target.unset, reference.unset
        yield compare_rates(about, "failure", texts, others, tested=tested, **fields, **none)
        return
    if meaning.role == "vector":
        line, unlike = compare_vectors(about, cores, tested=tested)
        yield line
        unusable = target.unset + unlike[0], reference.unset + unlike[1]
        if sum(unusable):
            sizes = line.n_target, line.n_reference
            yield compare_rates(about, "missing", unusable, sizes, tested=tested)
        return
    missing = target.missing, reference.missing
    values = target.values, reference.values
    finite = target.finite, reference.finite
    if meaning.kind(mostly_text=sum(texts) > sum(finite)) == "category":
        others = values[0] - texts[0], values[1] - texts[1]
        yield compare_categories(about, _strings(about, cores), others, tested=tested)
    else:
        line = compare_numbers(about, meaning, finite, cores, by, tested=tested)
        if not any(finite) and all(a + b for a, b in zip(missing, values, strict=True)):
            line = changed(line, verdict="none", reason="no number on either side")
        yield line
        odd = values[0] - finite[0], values[1] - finite[1]
        if sum(odd) and sum(finite):
            both = new_and_vanished(_strings(about, cores))
            yield compare_rates(about, "not a number", odd, finite, tested=tested, **both)
    if sum(missing) and sum(values):
        yield compare_rates(about, "missing", missing, values, tested=tested)


def _strings(about: FeatureDrift, cores: Sequence[_core.Profile]) -> list[_core.FrequentStrings]:
    name = about.feature
    return [core.strings(name) if name in core else _core.FrequentStrings() for core in cores]
