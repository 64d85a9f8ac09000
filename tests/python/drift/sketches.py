"""Sketches of plain values, and what the core says of two."""

import numpy as np
import pytest
from lightmeter import _core
from numpy.typing import NDArray

stats = pytest.importorskip("scipy.stats")


def numbers(target: object, reference: object) -> dict[str, object]:
    profiles = _core.Profile(), _core.Profile()
    for profile, values in zip(profiles, (target, reference), strict=True):
        profile.log_numbers("x", np.asarray(values, dtype=np.float64), "plain", "value")
    fields, _, p_value, _ = _core.compare_numbers(*profiles, "x", False, True, 0.01)
    return fields | {"p_value": p_value}


def strings(counts: dict[str, int]) -> _core.FrequentStrings:
    profile = _core.Profile()
    for value, count in counts.items():
        profile.log_string("x", value, count)
    return profile.strings("x") if counts else _core.FrequentStrings()


def normals(seed: int, n: int, shift: float = 0.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(shift, 1, n)
