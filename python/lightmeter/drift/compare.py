"""Comparing two profiles feature by feature."""

from collections.abc import Iterator

from lightmeter import _core
from lightmeter.drift.categories import compare_categories, new_and_vanished
from lightmeter.drift.clusters import tested_by_group
from lightmeter.drift.comparison import Comparison
from lightmeter.drift.copies import with_copies
from lightmeter.drift.feature import FeatureDrift, changed
from lightmeter.drift.numbers import compare_numbers
from lightmeter.drift.rates import compare_rates
from lightmeter.drift.vectors import compare_joint, compare_vectors
from lightmeter.drift.verdict import DEFAULT_THRESHOLDS, Thresholds, judge
from lightmeter.profile import ProfileView
from lightmeter.profile.features import Meaning, meaning_of
from lightmeter.profile.names import said

__all__ = ["compare_views"]


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
    cores = (target._core, reference._core)
    prefixes = {prefix for core in cores for prefix in core.image_prefixes}
    meanings = {
        name: meaning_of(name, cores) for name in sorted({*cores[0].names(), *cores[1].names()})
    }
    features = [
        changed(
            line,
            role=meaning.role,
            family=meaning.family,
            sides=(target, reference),
            **said(name, meaning.origin, prefixes)._asdict(),
        )
        for name, meaning in meanings.items()
        if meaning.role != "hash"
        for line in tested_by_group(
            _lines(name, meaning, cores, thresholds, tested), name, meaning, cores, tested=tested
        )
    ]
    for prefix in sorted(prefixes) if tested else ():
        together = compare_joint(prefix, cores)
        if together is not None:
            name = "the numbers of images" if len(prefixes) == 1 else f"the numbers of {prefix}"
            features.append(
                changed(
                    together,
                    role="vector",
                    family="image",
                    sides=(target, reference),
                    name=name,
                    group="together",
                    prefix=prefix,
                )
            )
    judged = judge(with_copies(features, cores), thresholds, tested=tested)
    return Comparison(target, reference, judged, thresholds)


def _lines(
    name: str,
    meaning: Meaning,
    cores: tuple[_core.Profile, _core.Profile],
    by: Thresholds,
    tested: bool,
) -> Iterator[FeatureDrift]:
    """The line of a feature, and those of its rates; one that a side lacks has no values there."""
    numbers = [_core.numbers_of(core, name) for core in cores]
    strings = [core.strings(name) if name in core else _core.FrequentStrings() for core in cores]
    missing = [_missing(core, name, meaning) for core in cores]
    texts = [each.n for each in strings]
    if meaning.role == "failure":
        fields = new_and_vanished(strings)
        none = {} if sum(texts) else {"verdict": "none", "reason": "no failures"}
        yield compare_rates(name, "failure", texts, missing, tested=tested, **fields, **none)
        return
    if meaning.role == "vector":
        line, unlike = compare_vectors(name, cores, tested=tested)
        yield line
        unusable = [count + other for count, other in zip(missing, unlike, strict=True)]
        if sum(unusable):
            sizes = [line.n_target, line.n_reference]
            yield compare_rates(f"{name}:missing", "missing", unusable, sizes, tested=tested)
        return
    missing = [count + each.nan for count, each in zip(missing, numbers, strict=True)]
    finite = [each.n for each in numbers]
    infinite = [each.pos_inf + each.neg_inf for each in numbers]
    values = [sum(counts) for counts in zip(texts, finite, infinite, strict=True)]
    if meaning.kind(mostly_text=sum(texts) > sum(finite)) == "category":
        others = [count - text for count, text in zip(values, texts, strict=True)]
        yield compare_categories(name, strings, others, tested=tested)
    else:
        line = compare_numbers(name, meaning, cores, by, tested=tested)
        if not any(finite) and all(a + b for a, b in zip(missing, values, strict=True)):
            line = changed(line, verdict="none", reason="no number on either side")
        yield line
        odd = [count - number for count, number in zip(values, finite, strict=True)]
        if sum(odd) and sum(finite):
            both = new_and_vanished(strings)
            yield compare_rates(
                f"{name}:not a number", "not a number", odd, finite, tested=tested, **both
            )
    if sum(missing) and sum(values):
        yield compare_rates(f"{name}:missing", "missing", missing, values, tested=tested)


def _missing(core: _core.Profile, name: str, meaning: Meaning) -> int:
    """Missing values; images without an Exif tag count even if none has it."""
    if name in core or meaning.family != "Exif":
        return core.missing(name)
    return core.exif_read(name, meaning.origin == "personal exif")
