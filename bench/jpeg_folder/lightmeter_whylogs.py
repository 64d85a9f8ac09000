import lightmeter as lm
import views


def prepare(case, data):
    return data / "folder"


def items(folder):
    return len(list(folder.iterdir()))


def run(folder):
    return lm.profile_images(folder, metrics="whylogs", workers=1)


def answer(folder, view):
    return views.of_lightmeter(view)
