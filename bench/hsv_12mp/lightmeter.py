"""lightmeter: the set that whylogs has, from the array."""

import lightmeter as lm
import numpy as np
from PIL import Image


def prepare(case, data):
    return np.array(Image.open(data / "large.jpg"))


def run(array):
    meter = lm.ImageMeter(metrics="whylogs", threads=1)
    meter.update(array)
    return meter.measurement()


def answer(array, measurement):
    return measurement
