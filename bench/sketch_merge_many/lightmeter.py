import numpy as np
import streams
from lightmeter.sketch import QuantileSketch

SKETCHES = 10_000


def prepare(case, data):
    n = int(case.removeprefix("n=").removesuffix(" decoded"))
    sketches = []
    for seed in range(SKETCHES):
        sketch = QuantileSketch(seed)
        sketch.update(streams.normal(seed, n))
        if case.endswith("decoded"):
            sketch = QuantileSketch.from_bytes(sketch.to_bytes())
        sketches.append(sketch)
    return sketches, n


def items(state):
    return SKETCHES


def run(state):
    merged = QuantileSketch()
    merged.merge_many(state[0])
    return merged


def answer(state, merged):
    sample = np.concatenate([streams.normal(seed, state[1]) for seed in range(0, SKETCHES, 10)])
    return {"n": merged.n} | streams.ranks(merged.quantiles(streams.QS), sample)
