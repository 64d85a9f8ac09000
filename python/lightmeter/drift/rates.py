"""Comparing the rates of two profiles, such as that of missing values, by Fisher's exact test."""

from collections.abc import Sequence
from typing import Any

from lightmeter import _core
from lightmeter.drift.feature import FeatureDrift, Rate, changed
from lightmeter.drift.statistics import statistics

__all__ = ["compare_rates"]


def compare_rates(
    name: str,
    kind: Rate,
    hits: Sequence[int],
    others: Sequence[int],
    *,
    tested: bool,
    **fields: Any,
) -> FeatureDrift:
    """The line of a rate.

    Args:
        name: such as ``image.Make:missing``.
        kind: one of `RATES`.
        hits: on the target's side and on the reference's.
        others: the same; they make up the rest.
        tested: whether a p-value is wanted.
        fields: further ones of the line.
    """
    n_target, n_reference = (hit + other for hit, other in zip(hits, others, strict=True))
    line = FeatureDrift(
        feature=name, kind=kind, n_target=n_target, n_reference=n_reference, **fields
    )
    if min(n_target, n_reference) == 0:
        return line
    target, reference = hits[0] / n_target, hits[1] / n_reference
    p = [_core.fisher_exact(hits[0], n_target, hits[1], n_reference)] * 3 if tested else None
    test = statistics("difference of rates", [abs(target - reference)] * 3, p, {})
    return changed(line, level_target=target, level_reference=reference, **test)
