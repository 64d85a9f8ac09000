import lightmeter as lm
import views
from folders import folder_of


def prepare(case, data):
    return folder_of(case, data)


def items(folder):
    return len(list(folder.iterdir()))


def run(folder):
    return lm.profile_images(folder, workers=1)


def answer(folder, view):
    return views.of_lightmeter(view)
