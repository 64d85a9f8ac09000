"""A script of one's own: what Pillow's `ImageStat` and `entropy` say, and no profile of it."""

from peer_tasks import Task, answer, arrays, files, items, run  # noqa: F401 (worker.py)
from PIL import Image, ImageStat


def prepare(case, data):
    if case == "64x64 arrays":
        return Task(
            lambda given: [of(Image.fromarray(each)) for each in given], arrays(case, data), told
        )
    return Task(lambda given: [of(Image.open(path)) for path in given], files(case, data), told)


def of(image):
    hsv, rgb = ImageStat.Stat(image.convert("HSV")), ImageStat.Stat(image)
    return rgb.mean, rgb.stddev, hsv.mean, hsv.stddev, image.entropy()


def told(statistics):
    samples = [sum(rgb_mean) / 3 for rgb_mean, *_ in statistics]
    values = [hsv_mean[2] for _, _, hsv_mean, _, _ in statistics]
    return {
        "pictures": float(len(statistics)),
        "sample": sum(samples) / len(statistics),
        "value": sum(values) / len(statistics),
    }
