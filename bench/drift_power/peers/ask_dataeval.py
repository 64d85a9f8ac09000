"""Decisions of DataEval's detectors for the draws in a file, on pixels."""

import json
import sys

import numpy as np
from dataeval.shift import DriftMMD, DriftUnivariate

answers = {"DataEval K-S": [], "DataEval MMD": []}
for pair in np.load(sys.argv[1]).values():
    target, reference = (side.reshape(len(side), -1).astype(np.float32) / 255 for side in pair)
    for name, detector in (("DataEval K-S", DriftUnivariate()), ("DataEval MMD", DriftMMD())):
        answers[name].append(bool(detector.fit(reference).predict(target).drifted))
print(json.dumps(answers))
