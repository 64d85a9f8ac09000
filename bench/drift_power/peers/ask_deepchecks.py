"""Decisions of deepchecks for the draws in a file: does the condition of its suite fail?"""

import json
import sys

import numpy as np
from deepchecks.vision import BatchOutputFormat, VisionData
from deepchecks.vision.checks import ImagePropertyDrift


def data(images):
    batches = [BatchOutputFormat(images=list(images))]
    return VisionData(batches, task_type="other", reshuffle_data=False)


answers = []
for target, reference in np.load(sys.argv[1]).values():
    check = ImagePropertyDrift().add_condition_drift_score_less_than()
    result = check.run(data(reference), data(target), with_display=False)
    answers.append(not result.passed_conditions())
print(json.dumps({"deepchecks": answers}))
