"""Measuring many images: sources, workers and their results."""

from lightmeter.batch.profile import profile_images
from lightmeter.batch.rows import measure

__all__ = ["measure", "profile_images"]
