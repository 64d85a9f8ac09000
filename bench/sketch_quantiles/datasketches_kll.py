import streams
from datasketches import kll_floats_sketch

N = 1_000_000


def prepare(case, data):
    sketch = kll_floats_sketch(200)
    sketch.update(streams.normal(1, N))
    return sketch if case == "live" else sketch.serialize()


def run(state):
    if isinstance(state, bytes):
        state = kll_floats_sketch.deserialize(state)
    else:
        state.update(0.5)
    return state.get_quantiles(streams.QS)


def answer(state, quantiles):
    return streams.ranks(quantiles, streams.normal(1, N))
