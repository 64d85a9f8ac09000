"""whylogs: the loop of the article that introduced image profiles."""

import os

import views
from PIL import Image
from whylogs.extras.image_metric import log_image


def prepare(case, data):
    return data / "folder"


def items(folder):
    return len(list(folder.iterdir()))


def run(folder):
    merged = None
    for name in os.listdir(folder):
        view = log_image(Image.open(os.path.join(folder, name))).profile().view()
        merged = view if merged is None else merged.merge(view)
    return merged


def answer(folder, view):
    return views.of_whylogs(view)
