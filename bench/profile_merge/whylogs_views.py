import bites
import views
from whylogs.extras.image_metric import log_image

VIEWS = 200


def prepare(case, data):
    return [log_image(picture).profile().view() for picture in bites.cut(data, VIEWS)]


def items(views_of_pictures):
    return len(views_of_pictures)


def run(views_of_pictures):
    merged = views_of_pictures[0]
    for view in views_of_pictures[1:]:
        merged = merged.merge(view)
    return merged


def answer(views_of_pictures, merged):
    return views.of_whylogs(merged)
