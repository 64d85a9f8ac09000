"""How much one image may cost before it is given up as ``too_large``."""

from dataclasses import dataclass, fields

from lightmeter.errors import ImageError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one image may cost. One that costs more fails with the reason ``too_large``.

    None means no limit.

    Attributes
    ----------
    pixels
        Maximum pixels of an image, checked before it is decoded. Pillow's own limit, twice
        ``Image.MAX_IMAGE_PIXELS``, holds as well, but for images that are read in tiles; only you
        can raise it.
    frames
        Maximum frames of a file, if all are measured (``frames="all"``).
    bytes
        Maximum bytes of a file or of encoded data; not of a folder of Zarr. What comes from a pipe
        is kept in memory, so more than 2 GiB fail whatever this says.
    bytes_in_memory
        Maximum bytes of AVIF, HEIF, JPEG XL and WebP, whose decoders hold the whole file in memory,
        more than once. Also the unpacked size of a member of an archive, of a cell of a table, and
        of a page or batch that is much smaller in the file.
    seconds
        Maximum seconds to fetch an address, and to measure an image in tiles. Other files and pipes
        are read as long as it takes.

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
        """Refuse limits that are not above 0."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise ValueError(f"limit of {field.name} is {value!r}; expected above 0, or None")


DEFAULT_LIMITS = Limits()


def check_size(width: int, height: int, limits: Limits) -> None:
    """Refuse an image of too many pixels, before they are decoded.

    Raises
    ------
    ImageError
        It has more than the limits say.
    """
    if limits.pixels is not None and width * height > limits.pixels:
        raise ImageError("too_large", f"{width}x{height} pixels, more than {limits.pixels}")


def check_frames(count: int, limits: Limits) -> None:
    """Refuse a file of too many images.

    Raises
    ------
    ImageError
        There are more than the limits say.
    """
    if limits.frames is not None and count > limits.frames:
        raise ImageError("too_large", f"{count} frames, more than {limits.frames}")


def check_level(level: int | None, count: int) -> None:
    """Refuse a level of a pyramid that an image of so many levels has not.

    Raises
    ------
    ImageError
        There is no such level.
    """
    if level is not None and level >= count:
        raise ImageError("unsupported", f"no level {level}; the picture has 0 to {count - 1}")
