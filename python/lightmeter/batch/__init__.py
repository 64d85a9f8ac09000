"""Many pictures: where they come from, and who measures them."""

from lightmeter.batch.executors.threads import profile_images

__all__ = ["profile_images"]
