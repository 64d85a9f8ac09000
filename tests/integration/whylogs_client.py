"""Uploads as a pipeline with whylogs 1.6.4 does. It runs where whylogs is installed.

    python whylogs_client.py KIND DAY

The address, the key and the dataset come from the environment, as whylogs takes them. Printed is
what the writer gives back.
"""

import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import whylogs as why
from PIL import Image
from whylogs.api.writer.whylabs import WhyLabsWriter
from whylogs.core.segmentation_partition import segment_on_column
from whylogs.extras.image_metric import log_image


def rows():
    numbers = np.random.default_rng(0).normal(0, 1, 100)
    return pd.DataFrame({"score": numbers, "camera": ["left", "right"] * 50})


def images():
    draw = np.random.default_rng(1).integers
    view = None
    for _ in range(5):
        logged = log_image(Image.fromarray(draw(0, 256, (8, 8, 3)).astype(np.uint8))).view()
        view = logged if view is None else view.merge(logged)
    return view


def write(kind, at):
    writer = WhyLabsWriter()
    if kind.startswith("reference"):
        writer.option(reference_profile_name="golden")
    if kind == "images":
        view = images()
        view.dataset_timestamp = at
        return writer.write(view)
    segments = segment_on_column("camera") if "segments" in kind else None
    result = why.log(rows(), schema=why.core.DatasetSchema(segments=segments))
    result.set_dataset_timestamp(at)
    return writer.write(result, **({"zip": True} if kind.endswith("zip") else {}))


if __name__ == "__main__":
    print(write(sys.argv[1], datetime.fromisoformat(sys.argv[2]).replace(tzinfo=UTC)))
