"""DataSketches: float sketches for floats, and for pixels the integer ones, which are faster."""

import numpy as np
import streams
from datasketches import kll_floats_sketch, kll_ints_sketch


def prepare(case, data):
    numbers = streams.stream(case, data)
    return numbers, kll_floats_sketch if numbers.dtype == np.float32 else kll_ints_sketch


def items(state):
    return state[0].size


def run(state):
    numbers, kind = state
    sketch = kind(200)
    sketch.update(numbers.ravel())  # it takes no more than one dimension
    return sketch


def answer(state, sketch):
    return {"n": sketch.n} | streams.ranks(sketch.get_quantiles(streams.QS), state[0])
