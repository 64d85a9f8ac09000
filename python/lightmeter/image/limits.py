"""Limits on the cost of one image, beyond which it fails as ``too_large``."""

from dataclasses import dataclass, fields

from lightmeter.errors import ImageError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limit the cost of one image; beyond a limit it fails with the reason ``too_large``.

    None means no limit. Instances are immutable, so threads and forked processes may share them.

    Attributes
    ----------
    pixels
        Maximum pixels of an image, checked before it is decoded. Except for images that are read in
        tiles, Pillow's own limit, twice ``Image.MAX_IMAGE_PIXELS``, also applies; only you can
        raise it.
    frames
        Maximum frames of a file, if all are measured (``frames="all"``).
    bytes
        Maximum bytes of a file or of encoded data, but not of a Zarr folder. Data from a pipe is
        kept in memory, so more than 2 GiB always fail.
    bytes_in_memory
        Maximum bytes of data that must be held in memory whole. It applies to AVIF, HEIF, JPEG XL
        and WebP files, of which the decoders hold several copies; to the unpacked size of an
        archive member or of a table cell; and to a page or batch of a table that is much smaller in
        the file.
    seconds
        Maximum seconds to fetch a URL, and to measure an image in tiles. Other files and pipes have
        no time limit.

    Examples
    --------
    >>> lm.profile_images("photos/", limits=lm.Limits(pixels=50_000_000, seconds=10))
    """

    pixels: int | None = None
    frames: int | None = 1000
    bytes: int | None = 2**40
    bytes_in_memory: int | None = 2**28
    seconds: float | None = 300.0

    def __post_init__(self) -> None:
        """Raise ValueError if a limit is not above 0."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise ValueError(f"limit of {field.name} is {value!r}; expected above 0, or None")


DEFAULT_LIMITS = Limits()


def check_size(width: int, height: int, most: int | None) -> None:
    """Check the number of pixels of an image before it is decoded.

    Raises
    ------
    ImageError
        The image has more than `most` pixels.
    """
    if most is not None and width * height > most:
        raise ImageError("too_large", f"{width}x{height} pixels, more than {most}")


def check_frames(count: int, limits: Limits) -> None:
    """Check the number of frames of a file.

    Raises
    ------
    ImageError
        The file exceeds ``limits.frames``.
    """
    if limits.frames is not None and count > limits.frames:
        raise ImageError("too_large", f"{count} frames, more than {limits.frames}")


def check_level(level: int | None, count: int) -> None:
    """Check that a pyramid of `count` levels has the level `level`.

    Raises
    ------
    ImageError
        There is no such level.
    """
    if level is not None and level >= count:
        raise ImageError(
            "unsupported", f"got the level {level}; the image has the levels 0 to {count - 1}"
        )
