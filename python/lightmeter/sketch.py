"""Mergeable state over a stream of numbers, for use on its own."""

from lightmeter._core import QuantileSketch

__all__ = ["QuantileSketch"]

QuantileSketch.__module__ = __name__
