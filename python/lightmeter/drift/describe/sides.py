"""Both sides of a line, for sentences that need more than its numbers."""

from lightmeter import _core
from lightmeter.drift.row import FeatureDrift, column_of
from lightmeter.drift.shape import Numbers
from lightmeter.drift.shares import ShareChange, changes_of_strings


def numbers_of_both(line: FeatureDrift) -> tuple[Numbers, Numbers] | None:
    """The numbers of the target and of the reference; None where that is not known."""
    if line.sides is None or not line.n_target or not line.n_reference:
        return None
    target, reference = (Numbers(_core.numbers_of(view._core, line.feature)) for view in line.sides)
    return target, reference


def string_changes(line: FeatureDrift) -> list[ShareChange]:
    """The changes of the shares of texts, the largest first; empty where they are not known."""
    if line.sides is None or not line.n_target or not line.n_reference:
        return []
    name = column_of(line.feature)
    strings = [
        view._core.strings(name) if name in view._core else _core.FrequentStrings()
        for view in line.sides
    ]
    values = line.n_target, line.n_reference
    others = [n - each.n for n, each in zip(values, strings, strict=True)]
    return changes_of_strings(strings[0], strings[1], others)


def all_listed(line: FeatureDrift) -> tuple[bool, bool]:
    """Whether the target, and the reference, list all of their texts, and count them."""
    if line.sides is None:
        return True, True
    name = column_of(line.feature)
    cores = [view._core for view in line.sides]
    target, reference = (name not in core or core.strings(name).is_exact for core in cores)
    return target, reference
