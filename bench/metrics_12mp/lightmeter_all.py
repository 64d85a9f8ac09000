"""lightmeter: its set all, from the array."""

import meters

prepare = meters.prepare


def run(array):
    return meters.run(array, "all")


def answer(array, measurement):
    return meters.numbers(measurement)
