"""Pillow: decoding alone, in memory that it keeps."""

from PIL import Image

Image.core.set_blocks_max(16)


def prepare(case, data):
    return str(data / "large.jpg")


def items(path):
    return 1


def run(path):
    with Image.open(path) as image:
        image.load()
    return image.width


def answer(path, width):
    return {"image.ImagePixelWidth:mean": width}
