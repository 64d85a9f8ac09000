"""Profiling images in one call."""

from collections.abc import Mapping

from lightmeter.images import ImageLike
from lightmeter.profile import Profile, ProfileView

__all__ = ["ResultSet", "log_image"]


class ResultSet:
    """What `log_image` returns."""

    def __init__(self, profile: Profile) -> None:
        """Made by `log_image`."""
        self._profile = profile

    def profile(self) -> Profile:
        """The profile, to which more images can be added."""
        return self._profile

    def view(self) -> ProfileView:
        """Short for ``profile().view()``."""
        return self._profile.view()


def log_image(
    images: ImageLike | list[ImageLike] | tuple[ImageLike, ...] | Mapping[str, ImageLike],
    default_column_prefix: str = "image",
    *,
    channels: str = "RGB",
) -> ResultSet:
    """Profile one image or several.

    Args:
        images: a PIL image, a uint8 array (HxW, HxWx1, HxWx3 or HxWx4), a path, encoded bytes or a
            binary file; or a list or tuple of these, profiled together; or a dict of feature name
            prefix to image, profiled side by side.
        default_column_prefix: first part of the feature names, except for a dict.
        channels: order of the colour channels of arrays, ``"RGB"`` or ``"BGR"`` (OpenCV).

    Raises:
        ImageError: the image, or one in the dict, cannot be measured. In a list such an image is
            counted in ``image.Failure`` instead.
        TypeError: something is no image at all.
    """
    profile = Profile(default_column_prefix, channels=channels)
    if isinstance(images, Mapping):
        for prefix, image in images.items():
            profile._track(prefix, image)
    elif isinstance(images, list | tuple):
        profile.track_many(images)
    else:
        profile.track(images)
    return ResultSet(profile)
