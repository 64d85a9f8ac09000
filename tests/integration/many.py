"""Pictures, and what is done with them, for the tests of engines that run on many machines."""

from pathlib import Path
from typing import Any

import numpy as np
from lightmeter import SegmentedViews
from PIL import Image

COUNT = 5000  # beyond 1024 values estimates depend on the order of merges


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


def same(first: Any, second: Any) -> bool:
    """Whether views, or those of all segments, have the same bytes."""
    if not isinstance(first, SegmentedViews):
        return bool(first.to_bytes() == second.to_bytes())
    return (
        same(first.whole, second.whole)
        and list(first) == list(second)
        and all(same(first[segment], second[segment]) for segment in first)
    )
