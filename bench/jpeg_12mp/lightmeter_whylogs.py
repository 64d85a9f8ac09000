"""lightmeter: decoded, measured with the set that whylogs has, and logged."""

import lightmeter as lm
import views


def prepare(case, data):
    return str(data / "large.jpg")


def items(path):
    return 1


def run(path):
    return lm.log_image(path, metrics="whylogs").profile().view()


def answer(path, view):
    return views.of_lightmeter(view)
