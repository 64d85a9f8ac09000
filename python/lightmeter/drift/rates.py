"""Comparing the rates of two profiles, such as that of missing values, by Fisher's exact test."""

from collections.abc import Sequence
from typing import Any

from lightmeter import _core
from lightmeter.drift.row import FeatureDrift, Rate, changed
from lightmeter.drift.statistics import statistics


def compare_rates(
    about: FeatureDrift,
    kind: Rate,
    hits: Sequence[int],
    others: Sequence[int],
    *,
    tested: bool,
    **fields: Any,
) -> FeatureDrift:
    """The line of a rate.

    Args:
        about: the line of the column, without anything of its values.
        kind: one of `RATES`; a part of the name of all but failures.
        hits: on the target's side and on the reference's.
        others: the same; they make up the rest.
        tested: whether a p-value is wanted.
        fields: further ones of the line.
    """
    n_target, n_reference = hits[0] + others[0], hits[1] + others[1]
    feature = about.feature if kind == "failure" else f"{about.feature}:{kind}"
    line = changed(
        about, feature=feature, kind=kind, n_target=n_target, n_reference=n_reference, **fields
    )
    if min(n_target, n_reference) == 0:
        return line
    target, reference = hits[0] / n_target, hits[1] / n_reference
    p = [_core.fisher_exact(hits[0], n_target, hits[1], n_reference)] * 3 if tested else None
    test = statistics("difference of rates", [abs(target - reference)] * 3, p)
    return changed(line, test, level_target=target, level_reference=reference)
