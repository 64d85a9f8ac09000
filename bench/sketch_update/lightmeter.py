import streams
from lightmeter.sketch import QuantileSketch


def prepare(case, data):
    return streams.stream(case, data)


def items(numbers):
    return numbers.size


def run(numbers):
    sketch = QuantileSketch()
    sketch.update(numbers)
    return sketch


def answer(numbers, sketch):
    return {"n": sketch.n} | streams.ranks(sketch.quantiles(streams.QS), numbers)
