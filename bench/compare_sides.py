"""The two profiles that `compare` is timed with, and its p-values that SciPy can confirm."""

from pathlib import Path

import bites
import numpy as np
from lightmeter import ProfileView, compare, log, log_image


def sides(case: str, data: Path) -> tuple[ProfileView, ProfileView]:
    """Target and reference, as out of a file."""
    if case.startswith("images"):
        pictures = list(bites.cut(data, 100))
        views = [log_image(pictures[start::2]).view() for start in (0, 1)]
    else:
        views = [_numbers(seed) for seed in (1, 2)]
    target, reference = (ProfileView.from_bytes(view.to_bytes()) for view in views)
    return target, reference


def _numbers(seed: int) -> ProfileView:
    rng = np.random.default_rng(seed)
    columns = {f"f{k:02}": rng.normal(seed * (k % 4) / 20, 1, 5000) for k in range(60)}
    return log(columns=columns).view()


def untied(target: ProfileView, reference: ProfileView) -> dict[str, tuple[int, float, float]]:
    """Of each tested feature of numbers without ties: n of either side, D, and its p-value.

    Of more than 1024 numbers, which are random here, distinct ones are only estimated.
    """
    lines = {line.feature: line for line in compare(target=target, reference=reference).features}
    return {
        name: (line.n_target, line.ks, line.ks_p_value)
        for name, line in lines.items()
        if line.kind == "number"
        and line.n_target == line.n_reference
        and (
            line.n_target > 1024
            or round(target[name].to_summary_dict()["cardinality/est"]) == line.n_target
        )
    }
