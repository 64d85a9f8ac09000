"""OpenCV, one thread: the conversion, means and stddevs, and three histograms."""

import cv2
import numpy as np
from PIL import Image

NAMES = ("Hue", "Saturation", "Brightness")


def prepare(case, data):
    cv2.setNumThreads(1)
    return np.array(Image.open(data / "large.jpg"))


def run(array):
    hsv = cv2.cvtColor(array, cv2.COLOR_RGB2HSV_FULL)
    means, deviations = cv2.meanStdDev(hsv)
    histograms = [cv2.calcHist([hsv], [band], None, [256], [0, 256]) for band in range(3)]
    return means.ravel(), deviations.ravel(), histograms


def answer(array, result):
    means, deviations, _ = result
    numbers = {f"{name}.mean": float(mean) for name, mean in zip(NAMES, means, strict=True)}
    numbers |= {f"{name}.stddev": float(each) for name, each in zip(NAMES, deviations, strict=True)}
    return numbers
