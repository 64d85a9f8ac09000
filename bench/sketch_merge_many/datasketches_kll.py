import numpy as np
import streams
from datasketches import kll_floats_sketch

SKETCHES = 10_000


def prepare(case, data):
    n = int(case.removeprefix("n=").removesuffix(" decoded"))
    sketches = []
    for seed in range(SKETCHES):
        sketch = kll_floats_sketch(200)
        sketch.update(streams.normal(seed, n))
        if case.endswith("decoded"):
            sketch = kll_floats_sketch.deserialize(sketch.serialize())
        sketches.append(sketch)
    return sketches, n


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
