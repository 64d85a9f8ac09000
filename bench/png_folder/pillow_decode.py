"""Pillow: opening and decoding alone."""

import os

from folders import png_folder
from PIL import Image


def prepare(case, data):
    return png_folder(data)


def items(folder):
    return len(list(folder.iterdir()))


def run(folder):
    width = 0
    for name in os.listdir(folder):
        with Image.open(os.path.join(folder, name)) as image:
            image.load()
            width += image.width
    return width


def answer(folder, width):
    return {"image.ImagePixelWidth:mean": width / items(folder)}
