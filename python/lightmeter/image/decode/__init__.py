"""Decoders of our own, which may leave any picture to Pillow."""

from lightmeter.image.decode.accelerated import Accelerated, measure_accelerated

__all__ = ["Accelerated", "measure_accelerated"]
