"""lightmeter: its set all from the array."""

import lightmeter as lm
import numpy as np
from PIL import Image

METRICS = "all"


def prepare(case, data):
    return np.array(Image.open(data / "large.jpg"))


def run(array):
    meter = lm.ImageMeter(metrics=METRICS, size=(array.shape[1], array.shape[0]), threads=1)
    meter.update(array)
    return meter.measurement()


def answer(array, measurement):
    return {name: value for name, value in measurement.items() if not isinstance(value, str)}
