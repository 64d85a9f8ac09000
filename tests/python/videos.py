"""Videos that tests draw: their truth is known, and no camera has seen them."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

SIDES = 96, 160


def write_video(
    file: Any,
    frames: Iterable[Any],
    *,
    codec: str = "mpeg4",
    kind: str | None = None,
    rate: int = 1,
    times: Iterable[int] = (),
    begins: str = "",
    **options: str,
) -> None:
    """Write gray frames; `times` are in frames, and `begins` is a time of ISO 8601."""
    import av

    file = str(file) if isinstance(file, Path) else file
    with av.open(file, "w", format=kind) as container:
        if begins:
            container.metadata["creation_time"] = begins
        stream: Any = container.add_stream(codec, rate=rate, options=options)
        stream.time_base = stream.codec_context.time_base = Fraction(1, rate)
        stream.height, stream.width = SIDES
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for frame, time in zip(frames, chain(times, count(len([*times]))), strict=False):
            picture = av.VideoFrame.from_ndarray(frame, "gray")
            picture.pts = time
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def yard(frames: int, seed: int = 0) -> Iterator[Any]:
    """A wall and a tree in the wind, in light that changes, as a camera with noise sees them."""
    rng, still = np.random.default_rng(seed), np.random.default_rng(7)
    wall = still.normal(0, 1, (12, 20)).repeat(8, 0).repeat(8, 1) * 40 + 110
    wall += still.normal(0, 12, SIDES)
    leaves = still.normal(0, 50, (40, 50))
    light = 1.0
    for _ in range(frames):
        light = float(np.clip(light + rng.normal(0, 0.02), 0.7, 1.2))
        frame = wall.copy()
        frame[10:50, 100:150] += np.roll(leaves, rng.integers(-2, 3, 2), (0, 1))
        frame = frame * light + rng.normal(0, 3, SIDES)
        yield np.clip(frame, 0, 255).astype(np.uint8)
