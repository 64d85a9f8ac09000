"""Mergeable sketches of streams of numbers, for separate use."""

from lightmeter._core import QuantileSketch, prepare_numpy

__all__ = ["QuantileSketch"]

QuantileSketch.__module__ = __name__
prepare_numpy()  # before a daemon thread uses it first, and the process ends meanwhile
