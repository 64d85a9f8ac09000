import streams
from lightmeter.sketch import QuantileSketch

N = 1_000_000


def prepare(case, data):
    sketch = QuantileSketch()
    sketch.update(streams.normal(1, N))
    return sketch if case == "live" else sketch.to_bytes()


def run(state):
    if isinstance(state, bytes):
        state = QuantileSketch.from_bytes(state)
    else:
        state.update(0.5)
    return state.quantiles(streams.QS)


def answer(state, quantiles):
    return streams.ranks(quantiles, streams.normal(1, N))
