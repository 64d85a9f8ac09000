"""Many images: where they come from, and who measures them."""

from lightmeter.batch.profile import profile_images
from lightmeter.batch.rows import measure

__all__ = ["measure", "profile_images"]
