"""lightmeter: its set whylogs, from the array."""

import meters

prepare = meters.prepare


def run(array):
    return meters.run(array, "whylogs")


def answer(array, measurement):
    return meters.numbers(measurement)
