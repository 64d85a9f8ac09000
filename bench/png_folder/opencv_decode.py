"""OpenCV: decoding alone, by libpng."""

import os

import cv2
from folders import png_folder


def prepare(case, data):
    cv2.setNumThreads(1)
    return png_folder(data)


def items(folder):
    return len(list(folder.iterdir()))


def run(folder):
    return sum(cv2.imread(os.path.join(folder, name)).shape[1] for name in os.listdir(folder))


def answer(folder, width):
    return {"image.ImagePixelWidth:mean": width / items(folder)}
