"""lightmeter: its set default, from the array."""

import meters

prepare = meters.prepare


def run(array):
    return meters.run(array, "default")


def answer(array, measurement):
    return meters.numbers(measurement)
