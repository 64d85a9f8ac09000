import compare_sides
import numpy as np
from scipy import stats


def prepare(case, data):
    """For each feature two samples without ties that have its D."""
    samples = {}
    for name, (n, d, _) in compare_sides.untied(*compare_sides.sides(case, data)).items():
        first = np.arange(float(n))
        samples[name] = first, first + round(d * n) - 0.5 * (d > 0)
    return samples


def run(samples):
    return {name: stats.ks_2samp(*both, method="exact") for name, both in samples.items()}


def answer(samples, tests):
    return {name: float(test.pvalue) for name, test in tests.items()}
