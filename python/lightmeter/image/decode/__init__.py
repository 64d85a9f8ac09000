"""Decoders of our own, which may leave any picture to Pillow."""

from lightmeter.image.decode.accelerated import is_beyond_pillow, measure_accelerated

__all__ = ["is_beyond_pillow", "measure_accelerated"]
