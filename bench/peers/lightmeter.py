import tempfile
from pathlib import Path

import lightmeter as lm
from peer_tasks import Task, answer, arrays, files, items, page, run, sides  # noqa: F401 (worker.py)

FOLDER = tempfile.TemporaryDirectory()
PAGE = Path(FOLDER.name) / "lightmeter.html"


def prepare(case, data):
    match case:
        case "64x64 arrays":
            return Task(lambda given: lm.log_image(given).view(), arrays(case, data), of_pictures)
        case "merging":
            views = [lm.log_image(array).view().to_bytes() for array in arrays(case, data)]
            return Task(merge, views, of_pictures)
        case "drift":
            return Task(compare, [views_of_sides()], of_comparison)
        case "report":
            return Task(report, [views_of_sides()], lambda _: page(PAGE))
    folder = data / "peers" / case
    return Task(lambda _: lm.profile_images(folder, workers=1), files(case, data), of_pictures)


def merge(given):
    return lm.ProfileView.merge_many(lm.ProfileView.from_bytes(each) for each in given)


def views_of_sides():
    return [lm.log(columns=side).view().to_bytes() for side in sides()]


def compare(given):
    target, reference = (lm.ProfileView.from_bytes(side) for side in given[0])
    return lm.compare(target=target, reference=reference)


def report(given):
    compare(given).write_html(PAGE)


def of_pictures(view):
    channels = [view[f"image.{name}.mean"].mean for name in ("Red", "Green", "Blue")]
    return {
        "pictures": float(view.images),
        "sample": sum(channels) / 3,
        "value": view["image.Brightness.mean"].mean,
    }


def of_comparison(comparison):
    p_values = {f"p of {line.feature}": line.ks_p_value for line in comparison.features}
    return {"features": float(len(comparison.features))} | p_values
