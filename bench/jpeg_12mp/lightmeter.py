"""lightmeter: decoded, measured with the default set, and logged."""

import lightmeter as lm
import views


def prepare(case, data):
    return str(data / "large.jpg")


def items(path):
    return 1


def run(path):
    return lm.log_image(path).profile().view()


def answer(path, view):
    return views.of_lightmeter(view)
