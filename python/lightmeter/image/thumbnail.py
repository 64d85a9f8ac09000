"""Thumbnails: images small enough to keep in a profile."""

import hashlib
import io
from typing import NamedTuple

from PIL import Image

from lightmeter.image.meter import DEEP_GRAY, measurable

_SIDE = 80  # pixels
_MOST_BYTES = 4096


class Thumbnail(NamedTuple):
    """Hold a thumbnail as JPEG, with the path of its image, and the size (width, height)."""

    path: str
    jpeg: bytes
    size: tuple[int, int]

    @property
    def key(self) -> int:
        """Return a 64-bit hash of the path and the contents of the thumbnail.

        Measured numbers are not hashed, so that profiles with different metrics do not keep one
        image twice.
        """
        size = "{}x{}".format(*self.size)
        whole = b"\0".join((self.path.encode(), size.encode(), self.jpeg))
        return int.from_bytes(hashlib.blake2b(whole, digest_size=8).digest(), "little")


def make_thumbnail(
    image: Image.Image,
    path: str,
    *,
    side: int = _SIDE,
    most_bytes: int = _MOST_BYTES,
) -> Thumbnail | None:
    """Return a thumbnail of a loaded image, not rotated; None without 8-bit colours to show."""
    shown = measurable(image)
    if shown.mode in DEEP_GRAY:
        return None
    scale = min(1.0, side / max(image.size))
    size = tuple(max(1, round(length * scale)) for length in image.size)
    small = shown.resize((size[0], size[1]), Image.Resampling.BILINEAR, reducing_gap=2.0)
    small.info = {}  # comments, which Pillow would write, and transparency, which may be nonsense
    small = small.convert("RGB")
    for quality in (70, 40, 15, 1):
        file = io.BytesIO()
        small.save(file, "JPEG", quality=quality)
        if file.tell() <= most_bytes:
            return Thumbnail(path, file.getvalue(), image.size)
    return None
