"""Uploads as a pipeline with whylogs 1.6.4 does. It runs where whylogs is installed.

    python whylogs_client.py KIND DAY SHIFT

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


def rows(shift, count=100):
    numbers = np.random.default_rng(int(shift * 1000) + 1).normal(shift, 1, count)
    return pd.DataFrame({"score": numbers, "camera": ["left", "right"] * (count // 2)})


def images(shift):
    draw = np.random.default_rng(1).integers
    return [
        Image.fromarray(draw(0, 100 + shift, (8, 8, 3)).astype(np.uint8)) for shift in [shift] * 5
    ]


def main(kind, day, shift):
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    writer = WhyLabsWriter()
    if kind.startswith("reference"):
        writer.option(reference_profile_name="golden")
    if kind == "images":
        result = None
        for image in images(int(shift)):
            logged = log_image(image).view()
            result = logged if result is None else result.merge(logged)
        result.dataset_timestamp = at
        print(writer.write(result))
        return
    segments = segment_on_column("camera") if "segments" in kind else None
    result = why.log(rows(shift), schema=why.core.DatasetSchema(segments=segments))
    result.set_dataset_timestamp(at)
    print(writer.write(result, **({"zip": True} if kind.endswith("zip") else {})))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
