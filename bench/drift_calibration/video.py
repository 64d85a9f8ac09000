"""The numbers of all frames of a video, and days of bursts of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lightmeter as lm
import numpy as np
from lightmeter.batch.sources.folder import find_images
from PIL import Image

SCENE = 70  # frames that bursts are taken within
HEIGHT, WIDTH = 120, 160
_LEFT_OUT = ("Hue.mean", "Hue.stddev", "Shift", "StillSeconds")  # no verdict, or none of a frame


class Frames(NamedTuple):
    """The numbers of all frames in order, and where each is not its most frequent value."""

    values: Any
    others: Any
    modes: Any


def drawn(folder: Path) -> Iterator[Any]:
    """Yield frames that pan over each photograph; they flicker and have noise."""
    rng = np.random.default_rng(0)
    flicker = 0.0
    for path in find_images(folder):
        with Image.open(path) as image:
            samples = np.asarray(image.convert("RGB"), dtype=np.float32)
        room = np.array([samples.shape[0] - HEIGHT, samples.shape[1] - WIDTH])
        place, speed = rng.uniform(0, room), rng.normal(0, 2, 2)
        for _ in range(SCENE):
            speed = 0.97 * speed + 0.5 * rng.normal(0, 1, 2)
            speed = np.where((place + speed < 0) | (place + speed > room), -speed, speed)
            place = np.clip(place + speed, 0, room)
            flicker = 0.9 * flicker + 0.01 * rng.normal()
            y, x = place.astype(int)
            frame = samples[y : y + HEIGHT, x : x + WIDTH]
            frame = frame * np.exp(flicker + 0.005 * rng.normal())
            yield (frame + rng.normal(0, 3, frame.shape)).clip(0, 255).astype(np.uint8)


def frames_of(video: Path) -> Frames:
    """Measure the frames of a video, or of one that is drawn of a folder of photographs."""
    source = drawn(video) if video.is_dir() else video
    rows = list(lm.measure(source, frames="all", limits=lm.Limits(frames=None)))
    names = [
        name
        for name, value in rows[1].items()
        if isinstance(value, float) and name.removeprefix("image.") not in (*_LEFT_OUT, "seconds")
    ]
    values = np.array([[row.get(name, np.nan) for name in names] for row in rows])
    hue = [name == "image.Hue.circular_mean" for name in names]  # to a line, cut where none is
    values[:, hue] = (values[:, hue] + 127.5 - np.median(values[:, hue], axis=0)) % 255
    values = values[:, np.isfinite(values).all(axis=0) & (values.std(axis=0) > 0)]
    modes = np.array([_mode(column) for column in values.T])
    return Frames(values, values != modes, modes)


def _mode(column: Any) -> float:
    values, counts = np.unique(column, return_counts=True)
    return float(values[counts.argmax()])


def year_of_frames(frames: Frames, n: int, burst: int, seed: int) -> Iterator[tuple[Any, ...]]:
    """Each day as many bursts of frames in a row as make n, from anywhere in the video."""
    rng = np.random.default_rng([seed, n, burst])
    scenes = len(frames.values) // SCENE
    for _ in range(365):
        starts = rng.integers(scenes, size=-(-n // burst)) * SCENE
        starts = starts + rng.integers(SCENE - burst + 1, size=len(starts))
        chosen = (starts[:, None] + np.arange(burst)).ravel()[:n]
        values = frames.values[chosen]
        yield n, values.mean(axis=0), values.std(axis=0, ddof=1), frames.others[chosen].sum(axis=0)
