"""Many pictures: where they come from, and who measures them."""

from lightmeter.batch.profile import profile_images

__all__ = ["profile_images"]
