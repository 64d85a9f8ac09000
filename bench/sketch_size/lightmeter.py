import numpy as np
import permutations
from lightmeter.sketch import QuantileSketch


def prepare(case, data):
    return case


def run(case):
    return [shipped(case, trial) for trial in range(permutations.TRIALS)]


def shipped(case, trial):
    numbers = permutations.numbers(trial)
    sketch = QuantileSketch(trial)
    if case == "streamed":
        for number in numbers.tolist():
            sketch.update(number)
    else:
        for part, some in enumerate(np.array_split(numbers, permutations.PARTS)):
            piece = QuantileSketch(trial * permutations.PARTS + part)
            piece.update(some)
            sketch.merge(QuantileSketch.from_bytes(piece.to_bytes()))
    return sketch.to_bytes()


def answer(case, sketches):
    truth = (permutations.GRID + 1) / permutations.N  # ranks() counts what is <= x
    errors = [
        np.abs(QuantileSketch.from_bytes(sketch).ranks(permutations.GRID) - truth).max()
        for sketch in sketches
    ]
    return permutations.answer(map(len, sketches), errors)
