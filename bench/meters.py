"""lightmeter's meter on the 12-megapixel picture, by set of metrics."""

import lightmeter as lm
import numpy as np
from PIL import Image


def prepare(case, data):
    return np.array(Image.open(data / "large.jpg"))


def run(array, metrics):
    height, width, _ = array.shape
    meter = lm.ImageMeter(metrics=metrics, size=(width, height), threads=1)
    meter.update(array)
    return meter.measurement()


def numbers(measurement):
    return {name: value for name, value in measurement.items() if not isinstance(value, str)}
