import numpy as np
import streams
from datasketches import kll_floats_sketch

SKETCHES = 10_000


def prepare(case, data):
    n = int(case.removeprefix("n="))
    found = []
    for seed in range(SKETCHES):
        found.append(kll_floats_sketch(200))
        found[-1].update(streams.normal(seed, n))
    return found, n


def items(state):
    return SKETCHES


def run(state):
    merged = kll_floats_sketch(200)
    for sketch in state[0]:
        merged.merge(sketch)
    return merged


def answer(state, merged):
    sample = np.concatenate([streams.normal(seed, state[1]) for seed in range(0, SKETCHES, 10)])
    return {"n": merged.n} | streams.ranks(merged.get_quantiles(streams.QS), sample)
