"""Decoders of our own, which may leave any picture to Pillow."""

from lightmeter.image.decode.accelerated import measure_accelerated

__all__ = ["measure_accelerated"]
