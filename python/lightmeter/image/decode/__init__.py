"""Decoders of our own, which may leave any picture to Pillow."""

from lightmeter.image.decode.accelerated import measure_accelerated
from lightmeter.image.decode.png import is_deep_colour

__all__ = ["is_deep_colour", "measure_accelerated"]
