"""Comparing the categories of two profiles, by a permuted chi-square test."""

from collections.abc import Sequence
from typing import Any

from lightmeter import _core
from lightmeter.drift.row import FeatureDrift, changed
from lightmeter.drift.statistics import statistics
from lightmeter.profile import FrequentItem


def compare_categories(
    about: FeatureDrift,
    strings: Sequence[_core.FrequentStrings],
    others: Sequence[int],
    *,
    tested: bool,
) -> FeatureDrift:
    """The line of a feature of categories.

    Args:
        about: the line of the feature, without anything of its values.
        strings: of the target and of the reference.
        others: values of each side that are no strings; they make one category.
        tested: whether a p-value is wanted.
    """
    n_target, n_reference = (each.n + other for each, other in zip(strings, others, strict=True))
    line = changed(
        about,
        kind="category",
        n_target=n_target,
        n_reference=n_reference,
        **new_and_vanished(strings),
    )
    if min(n_target, n_reference) == 0:
        return line
    result = _core.compare_categories(strings[0], others[0], strings[1], others[1], tested)
    size, p = result.pop("statistic"), result.pop("p_value")
    test = statistics("total variation", size, p if tested else None)
    line = changed(line, result | test)
    values = {value for each in strings for value, _, _ in each.items()}
    if len(values) + (sum(others) > 0) == 1:
        return changed(line, verdict="none", reason="one value only, the same on both sides")
    return line


def new_and_vanished(
    strings: Sequence[_core.FrequentStrings],
) -> dict[str, Any]:
    """What only the target lists, and what only the reference lists."""
    target, reference = (
        {value: FrequentItem(value, high, high, low) for value, low, high in each.items()}
        for each in strings
    )
    return {
        "new_values": tuple(item for value, item in target.items() if value not in reference),
        "vanished_values": tuple(item for value, item in reference.items() if value not in target),
    }
