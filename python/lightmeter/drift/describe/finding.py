"""What is said of one feature, or of several at once."""

from collections.abc import Sequence

from lightmeter.drift.describe.amounts import shares_from_to
from lightmeter.drift.describe.categories import category_change, new_values
from lightmeter.drift.describe.exif import missing_together, of_exif
from lightmeter.drift.describe.grid import of_grid
from lightmeter.drift.describe.hue import hue_change
from lightmeter.drift.describe.numbers import number_change
from lightmeter.drift.describe.told import Finding, capitalised
from lightmeter.drift.row import FeatureDrift
from lightmeter.drift.vectors import spreads_apart
from lightmeter.drift.verdict import DEFAULT_THRESHOLDS, Thresholds
from lightmeter.text import number


def findings(features: Sequence[FeatureDrift]) -> list[Finding]:
    """What to say of features that changed: each by itself, but some together.

    These are cells of a grid, and Exif tags that went missing alike.
    """
    together: dict[tuple[str, str], object] = {}
    for group in missing_together(features):
        together |= {(line.feature, line.kind): group[0].prefix for line in group}
    groups: dict[object, list[FeatureDrift]] = {}
    for feature in features:
        # A rate of a cell, such as its missing values, is no place.
        key: object = (feature.feature, feature.kind)
        if feature.cell is not None and feature.kind == "number":
            key = feature.prefix, feature.cell.number, "grid"
        elif key in together:
            key = together[feature.feature, feature.kind], "Exif"
        groups.setdefault(key, []).append(feature)
    return [_of_several(lines) for lines in groups.values()]


def _of_several(lines: Sequence[FeatureDrift]) -> Finding:
    if len(lines) == 1:
        return Finding(finding(lines[0]), tuple(lines))
    return of_grid(lines) if lines[0].cell is not None else of_exif(lines)


def sentence(feature: FeatureDrift) -> str:
    """The finding as a sentence of its own."""
    return capitalised(finding(feature), feature.feature)


def finding(feature: FeatureDrift, by: Thresholds = DEFAULT_THRESHOLDS) -> str:
    """How a feature changed, such as ``entropy rose by 9 %``.

    Lines of `compare_views` know both of their sides, of which more can be said. Those that changed
    have their words already.

    Args:
        feature: the line.
        by: what judged it.
    """
    if feature.words:
        return feature.words
    name = feature.name
    if feature.kind == "failure":
        if name.endswith(" Error"):
            return f"errors of {name.removesuffix(' Error')} went {_rates(feature)}"
        prefix = name.removesuffix("Failure")
        return f"{prefix}files that cannot be measured went {_rates(feature)}"
    if feature.kind == "missing":
        return f"missing {name} went {_rates(feature)}"
    if feature.kind == "not a number":
        named = ", ".join((_rates(feature), *new_values(feature)))
        return f"text or infinite values in {name} went {named}"
    if feature.kind == "category":
        return category_change(feature)
    if feature.kind == "vector":
        return _moved(feature)
    target, reference = feature.level_target, feature.level_reference
    if target is None or reference is None:
        on_no_side = feature.n_target == feature.n_reference == 0
        return f"{name} has no values to compare" if on_no_side else f"{name} is on one side only"
    if feature.kind == "hue":
        return hue_change(feature)
    return number_change(feature, target, reference, by)


def _moved(feature: FeatureDrift) -> str:
    """How far the mean of vectors moved: of the numbers of images all at once."""
    if feature.effect is None:
        return f"{feature.name} {'have' if feature.family == 'image' else 'has'} no test"
    together = " together" if feature.family == "image" else ""
    if feature.effect >= 1:  # as near to it as a float comes
        return f"{feature.name} moved{together} by more than 16 standard deviations"
    spreads = number(spreads_apart(feature.effect), 2)
    unit = "standard deviation" if spreads == "1" else "standard deviations"
    return f"{feature.name} moved{together} by {spreads} {unit}"


def _rates(feature: FeatureDrift) -> str:
    return shares_from_to(feature.level_reference or 0.0, feature.level_target or 0.0)
