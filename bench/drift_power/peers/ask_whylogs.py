"""Decisions of whylogs for the draws in a file: K-S and Hellinger."""

import json
import os
import sys

os.environ["WHYLOGS_NO_ANALYTICS"] = "True"

import numpy as np
from PIL import Image
from whylogs.extras.image_metric import log_image
from whylogs.viz.drift.column_drift_algorithms import KS, Hellinger, calculate_drift_scores


def view(images):
    views = [log_image(Image.fromarray(image.squeeze())).profile().view() for image in images]
    merged = views[0]
    for other in views[1:]:
        merged = merged.merge(other)
    return merged


answers = {"whylogs K-S": [], "whylogs Hellinger": []}
for pair in np.load(sys.argv[1]).values():
    target, reference = map(view, pair)
    columns = calculate_drift_scores(target, reference)  # names of parts of the compound column
    for name, algorithm in (("whylogs K-S", KS()), ("whylogs Hellinger", Hellinger())):
        chosen = dict.fromkeys(columns, algorithm)
        scores = calculate_drift_scores(target, reference, chosen, with_thresholds=True)
        categories = [score["drift_category"] for score in scores.values() if score]
        answers[name].append("DRIFT" in categories)
print(json.dumps(answers))
