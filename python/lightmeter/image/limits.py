"""How much one image may cost before it is given up as ``too_large``."""

from dataclasses import dataclass, fields

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one image may cost; beyond, it fails with the reason ``too_large``.

    None stands for no limit.

    Attributes:
        pixels: width times height, read from the header before anything is decoded. Pillow's own
            limit, twice ``Image.MAX_IMAGE_PIXELS``, holds as well: raising that is up to you.
        frames: how many a file may have whose frames are all measured (``frames="all"``).
        bytes: size of the file or of the encoded bytes.
        bytes_in_memory: the same for AVIF, HEIF, JPEG XL and WebP, whose decoders take the whole
            file into memory, and more than once.
        seconds: time from opening the file to the last of its bytes, by a monotonic clock. It is
            looked at before every read, so a decoder that has all bytes is not stopped, and nor is
            a read that waits, but of a pipe.
    """

    pixels: int | None = None
    frames: int | None = 1000
    bytes: int | None = 2**31
    bytes_in_memory: int | None = 2**28
    seconds: float | None = 300.0

    def __post_init__(self) -> None:
        """Refuse what no image could keep to."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise ValueError(
                    f"limit of {field.name} is {value!r}; expected a number above 0, or None"
                )


DEFAULT_LIMITS = Limits()
