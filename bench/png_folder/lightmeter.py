import lightmeter as lm
from folders import png_folder


def prepare(case, data):
    return png_folder(data)


def items(folder):
    return len(list(folder.iterdir()))


def run(folder):
    return lm.profile_images(folder, workers=1)


def answer(folder, view):
    return {"image.ImagePixelWidth:mean": view["image.ImagePixelWidth"].mean}
