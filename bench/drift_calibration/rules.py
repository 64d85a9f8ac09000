"""The published default rules of peers for numbers, each as a few lines over two arrays.

whylogs     column_drift_algorithms: K-S p by kstwo of round(nm / (n + m)), "drift" below .05; with
            Hellinger chosen, at most 30 equal-width bins of about 4 values, "drift" from .4
evidently   DataDriftPreset: up to 1000 reference values K-S p below .05; above, Wasserstein
            distance of at least .1 standard deviations of the reference
deepchecks  FeatureDrift, ImagePropertyDrift: K-S statistic of at least .2, from 10 samples on
DataEval    1.1.4, shift.DriftUnivariate: exact K-S p below .05 / features, which is Bonferroni's
NannyML     0.13.1, UnivariateDriftCalculator: both sides in ten chunks; in Doane's bins of the
            reference the Jensen-Shannon distance of any chunk of the target above the mean and
            three standard deviations of those of the reference's chunks
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

Sample = NDArray[np.float64]


def ks_statistic(a: Sample, b: Sample) -> float:
    grid = np.concatenate([a, b])
    ranks = [np.searchsorted(np.sort(x), grid, "right") / len(x) for x in (a, b)]
    return float(np.abs(ranks[0] - ranks[1]).max())


@cache  # SciPy takes a millisecond, and few statistics are possible
def kolmogorov_p(statistic: float, n: int) -> float:
    return float(stats.kstwo.sf(statistic, n))


def whylogs_ks(target: Sample, reference: Sample) -> bool:
    n, m = len(target), len(reference)
    return kolmogorov_p(ks_statistic(target, reference), round(n * m / (n + m))) < 0.05


def whylogs_hellinger(target: Sample, reference: Sample) -> bool:
    both = np.concatenate([target, reference])
    bins = max(min(math.ceil(len(both) / 4), 30), 2)
    edges = np.linspace(both.min(), both.max(), bins + 1)
    p, q = (np.histogram(x, edges)[0] / len(x) for x in (target, reference))
    return bool(np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / math.sqrt(2) >= 0.4)


def evidently(target: Sample, reference: Sample) -> bool:
    if len(reference) <= 1000:
        return bool(stats.ks_2samp(target, reference).pvalue < 0.05)
    spread = max(float(reference.std()), 0.001)
    return bool(stats.wasserstein_distance(target, reference) / spread >= 0.1)


def deepchecks(target: Sample, reference: Sample) -> bool:
    return min(len(target), len(reference)) >= 10 and ks_statistic(target, reference) >= 0.2


def dataeval(target: Sample, reference: Sample, features: int = 10) -> bool:
    return bool(stats.ks_2samp(reference, target, method="exact").pvalue < 0.05 / features)


def nannyml(target: Sample, reference: Sample) -> bool:
    edges = np.histogram_bin_edges(reference, bins="doane")
    whole = np.histogram(reference, edges)[0] / len(reference)

    def distances(side: Sample) -> Sample:
        size = len(side) // 10
        chunks = [side[at : at + size] for at in range(0, len(side), size)]
        shares = np.array([np.histogram(chunk, edges)[0] / len(chunk) for chunk in chunks])
        outside = 1 - shares.sum(axis=1)
        p, q = np.c_[shares, np.maximum(outside, 0)], np.append(whole, 0)
        return jensenshannon(p, q[None, :], base=2, axis=1)

    usual = distances(reference)
    return bool((distances(target) > usual.mean() + 3 * usual.std()).any())


RULES = {
    "whylogs K-S": whylogs_ks,
    "whylogs Hellinger": whylogs_hellinger,
    "evidently": evidently,
    "deepchecks": deepchecks,
    "DataEval": dataeval,
    "NannyML": nannyml,
}
