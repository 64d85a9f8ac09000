"""As the examples on images and on drift of whylogs' own repository have it."""

import os
import tempfile
from pathlib import Path

import pandas as pd
import whylogs as why
from peer_tasks import Task, answer, arrays, files, items, page, run, sides  # noqa: F401 (worker.py)
from PIL import Image
from whylogs.core import DatasetProfileView
from whylogs.extras.image_metric import log_image

FOLDER = tempfile.TemporaryDirectory()
PAGE = Path(FOLDER.name) / "whylogs.html"


def prepare(case, data):
    match case:
        case "64x64 arrays":
            return Task(log_arrays, arrays(case, data), of_pictures)
        case "merging":
            pictures = map(Image.fromarray, arrays(case, data))
            return Task(
                merge, [log_image(each).view().serialize() for each in pictures], of_pictures
            )
        case "drift":
            return Task(
                scores, [views_of_sides()], lambda columns: {"features": float(len(columns))}
            )
        case "report":
            return Task(report, [views_of_sides()], lambda _: page(PAGE))
    return Task(log_files, files(case, data), clipped if "16" in case else of_pictures)


def folded(images):
    merged = None
    for image in images:
        view = log_image(image).view()
        merged = view if merged is None else merged.merge(view)
    return merged


def log_files(given):
    return folded(map(Image.open, given))


def log_arrays(given):
    return folded(map(Image.fromarray, given))


def merge(given):
    merged = DatasetProfileView.deserialize(given[0])
    for each in given[1:]:
        merged = merged.merge(DatasetProfileView.deserialize(each))
    return merged


def views_of_sides():
    return [why.log(pandas=pd.DataFrame(side)).view().serialize() for side in sides()]


def scores(given):
    from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

    target, reference = map(DatasetProfileView.deserialize, given[0])
    return calculate_drift_scores(target, reference, with_thresholds=True)


def report(given):
    from whylogs.viz import NotebookProfileVisualizer

    target, reference = map(DatasetProfileView.deserialize, given[0])
    shown = NotebookProfileVisualizer()
    shown.set_profiles(target_profile_view=target, reference_profile_view=reference)
    shown.write(shown.summary_drift_report(), html_file_name=os.fspath(PAGE.with_suffix("")))


def of_pictures(view):
    column = view.get_column("image").to_summary_dict()
    of_value = "Brightness.mean:distribution/"
    return {
        "pictures": float(column[f"image/{of_value}n"]),
        "value": column[f"image/{of_value}mean"],
    }


def clipped(view):
    """Pixels of 16 bits are clipped at 255: only the pictures are counted."""
    return {"pictures": of_pictures(view)["pictures"]}
