"""A script of one's own: the numbers of lightmeter's default set, and no profile of them."""

import cv2
import numpy as np
from opencv_numbers import histogram, numbers_of
from peer_tasks import Task, answer, arrays, files, items, run  # noqa: F401 (worker.py)


def prepare(case, data):
    cv2.setNumThreads(1)
    if case == "64x64 arrays":
        return Task(
            lambda given: [numbers_of(array) for array in given], arrays(case, data), of_pictures
        )
    if case == "16-bit TIFF":
        return Task(lambda given: [of_deep(path) for path in given], files(case, data), of_grays)
    return Task(lambda given: [of_file(path) for path in given], files(case, data), of_pictures)


def of_file(path):
    return numbers_of(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB))


def of_deep(path):
    """Of 16 bits OpenCV has the moments and the Laplacian; the shares are of the upper 8."""
    deep = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    mean, stddev = cv2.meanStdDev(deep)
    shares = histogram(cv2.convertScaleAbs(deep, alpha=1 / 256)) / deep.size
    some = shares[shares > 0]
    _, edges = cv2.meanStdDev(cv2.Laplacian(deep, cv2.CV_32F, ksize=1))
    return {
        "Luma.mean": mean.item() / 257,
        "Luma.stddev": stddev.item() / 257,
        "entropy": -(some * np.log2(some)).sum(),
        "dark_percent": 100 * shares[:6].sum(),
        "bright_percent": 100 * shares[250:].sum(),
        "Sharpness": (edges.item() / 257) ** 2,
    }


def of_pictures(numbers):
    channels = [each[f"{name}.mean"] for each in numbers for name in ("Red", "Green", "Blue")]
    return {
        "pictures": float(len(numbers)),
        "sample": float(np.mean(channels)),
        "value": float(np.mean([each["Brightness.mean"] for each in numbers])),
    }


def of_grays(numbers):
    return {
        "pictures": float(len(numbers)),
        "sample": float(np.mean([each["Luma.mean"] for each in numbers])),
    }
