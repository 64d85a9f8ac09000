"""Mergeable state over a stream of numbers, for use on its own."""

from lightmeter._core import QuantileSketch, prepare_numpy

__all__ = ["QuantileSketch"]

QuantileSketch.__module__ = __name__
prepare_numpy()  # before a daemon thread uses it first, and the process ends meanwhile
