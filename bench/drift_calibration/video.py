"""A video of a folder of pictures, a crop that pans, flickers and is noisy; days of its frames."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lightmeter as lm
import numpy as np
from lightmeter.batch.sources.folder import find_images
from PIL import Image

SCENE = 70  # frames of each picture
HEIGHT, WIDTH = 120, 160
_LINEAR_HUE = ("image.Hue.mean", "image.Hue.stddev")  # which have no verdict


class Frames(NamedTuple):
    """The numbers of all frames in order, and where each is not its most frequent value."""

    values: Any
    others: Any
    modes: Any


def frames_of(pictures: Path) -> Frames:
    rng = np.random.default_rng(0)
    flicker, index = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for path in find_images(pictures):
            with Image.open(path) as picture:
                samples = np.asarray(picture.convert("RGB"), dtype=np.float32)
            room = np.array([samples.shape[0] - HEIGHT, samples.shape[1] - WIDTH])
            if room.min() < 0:
                continue
            place, speed = rng.uniform(0, room), rng.normal(0, 2, 2)
            for _ in range(SCENE):
                speed = 0.97 * speed + 0.5 * rng.normal(0, 1, 2)
                speed = np.where((place + speed < 0) | (place + speed > room), -speed, speed)
                place = np.clip(place + speed, 0, room)
                flicker = 0.9 * flicker + 0.01 * rng.normal()
                y, x = place.astype(int)
                frame = samples[y : y + HEIGHT, x : x + WIDTH]
                frame = frame * np.exp(flicker + 0.005 * rng.normal())
                frame = frame + rng.normal(0, 3, frame.shape)
                Image.fromarray(frame.clip(0, 255).astype(np.uint8)).save(
                    Path(folder) / f"{index:06}.bmp"
                )
                index += 1
        rows = list(lm.measure(folder, workers=1))
    names = [
        name
        for name, value in rows[0].items()
        if isinstance(value, float) and name.startswith("image.") and name not in _LINEAR_HUE
    ]
    values = np.array([[row.get(name, np.nan) for name in names] for row in rows])
    hue = names.index("image.Hue.circular_mean")  # to a line, cut where there is none
    values[:, hue] = (values[:, hue] + 127.5 - np.median(values[:, hue])) % 255
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
