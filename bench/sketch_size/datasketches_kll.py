import numpy as np
import permutations
from datasketches import kll_floats_sketch


def prepare(case, data):
    return case


def run(case):
    return [shipped(case, trial) for trial in range(permutations.TRIALS)]


def shipped(case, trial):
    numbers = permutations.numbers(trial)
    sketch = kll_floats_sketch(200)
    if case == "streamed":
        sketch.update(numbers)  # one by one, inside
    else:
        for some in np.array_split(numbers, permutations.PARTS):
            piece = kll_floats_sketch(200)
            piece.update(some)
            sketch.merge(kll_floats_sketch.deserialize(piece.serialize()))
    return sketch.serialize()


def answer(case, sketches):
    truth = permutations.GRID / permutations.N  # get_cdf() counts what is < x
    grid = permutations.GRID.astype(np.float32)
    errors = [
        np.abs(np.array(kll_floats_sketch.deserialize(sketch).get_cdf(grid)[:-1]) - truth).max()
        for sketch in sketches
    ]
    return permutations.answer(map(len, sketches), errors)
