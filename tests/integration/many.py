"""Pictures, and what is done with them, for the tests of engines that run on many machines."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightmeter import SegmentedViews
from PIL import Image

COUNT = 1500  # beyond 1024 values estimates depend on the order of merges


def write_pictures(folder: Path, count: int = COUNT) -> Path:
    """Small pictures, of which two are damaged."""
    folder.mkdir()
    rng = np.random.default_rng(7)
    for number in range(count):
        samples = rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)
        picture = Image.fromarray(samples).resize((12, 10))
        picture.save(folder / f"{number:05}-{number % 3}.jpg", quality=int(rng.integers(60, 95)))
    (folder / "00070-1.jpg").write_bytes(b"no picture at all, only text")
    whole = (folder / "00071-2.jpg").read_bytes()
    (folder / "00071-2.jpg").write_bytes(whole[:300])
    return folder


def assert_equal_numbers(first: Any, second: Any) -> None:
    """Of views, or those of all segments; estimates within their bounds."""
    if isinstance(first, SegmentedViews):
        assert list(first) == list(second)
        for segment in first:
            assert_equal_numbers(first[segment], second[segment])
        first, second = first.whole, second.whole
    assert list(first) == list(second)
    for name in first:
        column, other = first[name], second[name]
        assert (column.n, column.missing) == (other.n, other.missing)
        if column.kind == "number" and column.mean is not None:
            assert column.mean == pytest.approx(other.mean, rel=1e-12)
            assert column.stddev == pytest.approx(other.stddev, rel=1e-9)
            exact = 1e-12 if column.n <= 1024 else 0.1
            assert column.quantile(0.5) == pytest.approx(other.quantile(0.5), rel=exact)
    assert sorted(map(str, first.failures)) == sorted(map(str, second.failures))
