"""Uploads as a pipeline with whylogs 1.6.4 does. It runs where whylogs is installed.

    python whylogs_client.py KIND FIRST DAYS SHIFTS

The address, the key and the dataset come from the environment, as whylogs takes them. Numbers are
shifted on the days that SHIFTS names, such as 16:1.0. Printed is what the writer gives back, or
the reason of a refusal; of several days a list.
"""

import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import whylogs as why
from PIL import Image
from whylogs.api.writer.whylabs import WhyLabsWriter
from whylogs.core.segmentation_partition import segment_on_column
from whylogs.extras.image_metric import log_image


def rows(day, shift):
    numbers = np.random.default_rng(day).normal(shift, 1, 100)
    return pd.DataFrame({"score": numbers, "camera": ["left", "right"] * 50})


def images():
    draw = np.random.default_rng(1).integers
    view = None
    for _ in range(5):
        logged = log_image(Image.fromarray(draw(0, 256, (8, 8, 3)).astype(np.uint8))).view()
        view = logged if view is None else view.merge(logged)
    return view


def write(kind, at, day, shift):
    writer = WhyLabsWriter()
    if kind.startswith("reference"):
        writer.option(reference_profile_name="golden")
    if kind == "images":
        view = images()
        view.dataset_timestamp = at
        return writer.write(view)
    segments = segment_on_column("camera") if "segments" in kind else None
    result = why.log(rows(day, shift), schema=why.core.DatasetSchema(segments=segments))
    result.set_dataset_timestamp(at)
    return writer.write(result, **({"zip": True} if kind.endswith("zip") else {}))


def main(kind, first, days, shifts):
    start = datetime.fromisoformat(first).replace(tzinfo=UTC)
    shifted, _, shift = shifts.partition(":")
    results = []
    for day in range(int(days)):
        by = float(shift) if shift and day == int(shifted) else 0.0
        results.append(write(kind, start + timedelta(days=day), day, by))
    print(results if len(results) > 1 else results[0])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:
        if type(error).__module__ != "whylabs_client.exceptions":
            raise
        print(repr(str(error)))
