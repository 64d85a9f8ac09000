"""Comparing the numbers of two profiles: by a test of scores of ranks, hue by Kuiper's."""

from collections.abc import Mapping

from lightmeter import _core
from lightmeter.drift.row import EffectName, FeatureDrift, changed
from lightmeter.drift.statistics import statistics
from lightmeter.drift.verdict import Thresholds, carrying
from lightmeter.profile.features import Meaning

Size = tuple[float, float, float]  # the value, the least it can be, the most


def compare_numbers(
    about: FeatureDrift,
    meaning: Meaning,
    n: tuple[int, int],
    cores: tuple[_core.Profile, _core.Profile],
    by: Thresholds,
    *,
    tested: bool,
) -> FeatureDrift:
    """The line of a feature of numbers; of pixels the distances only.

    Args:
        about: the line of the feature, without anything of its values.
        meaning: of the values.
        n: how many finite numbers the target and the reference have.
        cores: the target and the reference.
        by: the least sizes, and the chance that an interval misses the truth.
        tested: whether a p-value is wanted.
    """
    reason = meaning.untested
    if 0 in n:
        return changed(about, n_target=n[0], n_reference=n[1], reason=reason)
    pixels = about.kind == "pixels"
    tested = tested and not pixels
    fields, sizes, p_value, one_value = _core.compare_numbers(
        *cores, about.feature, meaning.is_circular, tested, by.delta
    )
    name = _carrying(sizes, by)
    fields |= statistics(name, sizes[name], p_value if tested else None)
    if one_value and not pixels and not reason:
        fields["verdict"] = "none"
        reason = "one value only, the same on both sides"
    fields["reason"] = reason
    fields["n_target"], fields["n_reference"] = n
    return changed(about, fields)


def _carrying(sizes: Mapping[EffectName, Size], by: Thresholds) -> EffectName:
    """The one that surely is large enough; else the one that may be."""
    least = {name: low for name, (_, low, _) in sizes.items()}
    name = carrying(least, by)
    if least[name] >= by.least(name):
        return name
    most = {name: high for name, (_, _, high) in sizes.items()}
    return name if most == least else carrying(most, by)
