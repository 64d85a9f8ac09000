"""Pillow: histogram, mean and stddev of H, S and V; the array is wrapped before the clock runs."""

import numpy as np
from PIL import Image, ImageStat

NAMES = ("Hue", "Saturation", "Brightness")


def prepare(case, data):
    image = Image.open(data / "large.jpg")
    return Image.fromarray(np.array(image))


def run(image):
    stat = ImageStat.Stat(image.convert("HSV"))
    return stat.mean, stat.stddev


def answer(image, result):
    means, deviations = result
    numbers = {f"{name}.mean": mean for name, mean in zip(NAMES, means, strict=True)}
    numbers |= {f"{name}.stddev": each for name, each in zip(NAMES, deviations, strict=True)}
    return numbers
