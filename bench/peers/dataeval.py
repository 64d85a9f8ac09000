"""As its guides on statistics and on monitoring of shifts have it; decoding is left to the user."""

import numpy as np
from dataeval.core import combine_stats_results, compute_stats
from dataeval.shift import DriftUnivariate
from peer_tasks import Task, answer, arrays, files, items, run, sides  # noqa: F401 (worker.py)
from PIL import Image


def prepare(case, data):
    match case:
        case "64x64 arrays":
            planar = [
                np.ascontiguousarray(array.transpose(2, 0, 1)) for array in arrays(case, data)
            ]
            return Task(compute_stats, planar, of_pictures)
        case "merging":
            planar = [array.transpose(2, 0, 1) for array in arrays(case, data)]
            results = [compute_stats([each]) for each in planar]
            return Task(combine_stats_results, results, of_merged)
        case "drift":
            tables = [np.column_stack(list(side.values())) for side in sides()]
            return Task(drift, [tables], of_comparison)
    scale = 257 if "16" in case else 1
    return Task(of_files, files(case, data), lambda statistics: of_pictures(statistics, scale))


def of_files(given):
    return compute_stats(decoded(path) for path in given)


def decoded(path):
    array = np.asarray(Image.open(path))
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def drift(given):
    target, reference = given[0]
    return DriftUnivariate(method="ks").fit(reference).predict(target)


def of_pictures(statistics, scale=1):
    return {
        "pictures": float(statistics["image_count"]),
        "sample": float(np.mean(statistics["stats"]["mean"])) / scale,
    }


def of_merged(merged):
    stats, index, _ = merged
    return {"pictures": float(len(index)), "sample": float(np.mean(stats["mean"]))}


def of_comparison(comparison):
    p_values = {f"p of f{k:02}": float(p) for k, p in enumerate(comparison.details["p_vals"])}
    return {"features": float(len(p_values))} | p_values
