"""lightmeter's meter on the 12-megapixel picture, by set of metrics."""

from collections.abc import Callable
from typing import Any

import lightmeter as lm
import numpy as np
from PIL import Image


def prepare(case, data):
    return np.array(Image.open(data / "large.jpg"))


def answer(array, measurement):
    return {name: value for name, value in measurement.items() if not isinstance(value, str)}


def run_of(metrics: str) -> Callable[[Any], dict[str, float | str]]:
    """What is timed: one thread, the array whole."""

    def run(array):
        height, width, _ = array.shape
        meter = lm.ImageMeter(metrics=metrics, size=(width, height), threads=1)
        meter.update(array)
        return meter.measurement()

    return run
