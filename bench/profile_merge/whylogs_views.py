import bites
import views
from whylogs.extras.image_metric import log_image

VIEWS = 200


def prepare(case, data):
    return [log_image(picture).profile().view() for picture in bites.cut(data, VIEWS)]


def items(found):
    return len(found)


def run(found):
    merged = found[0]
    for view in found[1:]:
        merged = merged.merge(view)
    return merged


def answer(found, merged):
    return views.of_whylogs(merged)
