"""Sketches of plain values, and what the core says of two."""

import numpy as np
import pytest
from lightmeter import _core
from lightmeter.sketch import QuantileSketch
from numpy.typing import NDArray

stats = pytest.importorskip("scipy.stats")


def sketch_of(values: object, key: int = 0) -> QuantileSketch:
    sketch = QuantileSketch(key)
    sketch.update(np.asarray(values, dtype=np.float64))
    return sketch


def numbers(target: object, reference: object, **options: object) -> dict[str, object]:
    return _core.compare_numbers(sketch_of(target), sketch_of(reference), **options)  # type: ignore[arg-type]


def strings(counts: dict[str, int]) -> _core.FrequentStrings:
    sketch = _core.FrequentStrings()
    for value, count in counts.items():
        sketch.update(value, count)
    return sketch


def normals(seed: int, n: int, shift: float = 0.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(shift, 1, n)
