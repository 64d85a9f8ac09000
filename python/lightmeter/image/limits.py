"""How much one image may cost before it is given up as ``too_large``."""

from dataclasses import dataclass, field, fields

from PIL import Image

from lightmeter.image.option import option

__all__ = ["DEFAULT_LIMITS", "Limits"]

_ANY_PIXELS = 1 << 63


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one image may cost. One that costs more fails with the reason ``too_large``.

    None means no limit.

    Attributes:
        pixels: width times height, read from the header before anything is decoded. Pillow's own
            limit, twice ``Image.MAX_IMAGE_PIXELS``, holds as well, but for pictures that are read
            in tiles; only you can raise it.
        frames: frames of one file, if all of them are measured (``frames="all"``).
        bytes: size of the file or of the encoded bytes; not of a folder of Zarr. What comes from a
            pipe is kept in memory, so more than 2 GiB fail whatever this says.
        bytes_in_memory: the same for AVIF, HEIF, JPEG XL and WebP. Their decoders hold the whole
            file in memory, more than once. Also the unpacked size of a member of an archive, of a
            cell of a table, and of a page or batch of one that hardly has as much in the file.
        seconds: time to fetch what an address names, and to measure a picture that is read in
            tiles. Other files and pipes are read as long as it takes.
    """

    pixels: int | None = field(
        default=None,
        metadata=option(
            "Images with more pixels fail, and so do those that Pillow finds too large."
        ),
    )
    frames: int | None = field(
        default=1000, metadata=option("Where all frames are measured, files with more fail.")
    )
    bytes: int | None = field(default=2**40, metadata=option("Files with more bytes fail."))
    bytes_in_memory: int | None = field(
        default=2**28,
        metadata=option("Files with more bytes fail whose decoder holds all of them in memory."),
    )
    seconds: float | None = field(
        default=300.0, metadata=option("What takes longer to fetch, or to measure in tiles, fails.")
    )

    def __post_init__(self) -> None:
        """Refuse limits that are not above 0."""
        for limit in fields(self):
            value = getattr(self, limit.name)
            if value is not None and not value > 0:
                raise ValueError(
                    f"limit of {limit.name} is {value!r}; expected a number above 0, or None"
                )

    @property
    def most_pixels(self) -> int:
        """How many pixels a picture that is read whole may have, for Pillow and for `pixels`."""
        most = Image.MAX_IMAGE_PIXELS
        pixels = _ANY_PIXELS if most is None else min(2 * most, _ANY_PIXELS)
        return int(pixels if self.pixels is None else min(pixels, self.pixels))


DEFAULT_LIMITS = Limits()
