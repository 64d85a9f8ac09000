"""Pillow: whylogs' pixel features, which add the entropy of the colour channels."""

import numpy as np
from PIL import Image, ImageStat


def prepare(case, data):
    return Image.fromarray(np.array(Image.open(data / "large.jpg")))


def run(image):
    stat = ImageStat.Stat(image.convert("HSV"))
    return stat.mean, stat.stddev, image.entropy()


def answer(image, result):
    means, _, entropy = result
    return {"Brightness.mean": means[2], "entropy": entropy}
