"""JPEG files as cameras write them, decoded in the core: rows go into the meter as they come."""

import io
import random
from collections.abc import Iterator

from PIL import Image, features

from lightmeter import _core

__all__ = ["jpeg_samples", "open_jpeg"]

# Without vectors Pillow is faster than we are. Other libraries than libjpeg-turbo, and those that
# it may stand in for, interpolate colours in another way.
_IS_WORTH_IT = _core.kernel_tier() == "avx2" and bool(features.check_feature("libjpeg_turbo"))


def open_jpeg(file: bytes, deep_colour: bool) -> "JpegPicture | None":
    """A JPEG file in memory, which is never deep; None if Pillow has to look."""
    decoder = _core.open_jpeg(file) if _IS_WORTH_IT else None
    return None if decoder is None else JpegPicture(decoder)


class JpegPicture:
    """A sequential JPEG picture, gray or of YCbCr."""

    is_deep = False

    def __init__(self, decoder: _core.JpegDecoder) -> None:
        """Take a decoder that has decoded nothing."""
        self._decoder = decoder
        self.size = decoder.size
        self.mode = "L" if decoder.channels == 1 else "RGB"

    def measure(self, meter: _core.ImageMeter, value_range: tuple[float, float]) -> bool:
        """Show all rows to a meter. False if Pillow has to look; the meter is of no use then."""
        return self._decoder.measure(meter)


def jpeg_samples() -> Iterator[bytes]:
    """Small files of every kind that is decoded here, of smooth and of random colours."""
    numbers = random.Random(0)
    for quality, width, height in ((40, 37, 29), (90, 64, 48)):
        noise = Image.frombytes("RGB", (width, height), numbers.randbytes(3 * width * height))
        smooth = noise.resize((9, 7)).resize((width, height), Image.Resampling.BICUBIC)
        for picture in (noise, smooth):
            for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
                yield _encoded(picture, quality=quality, subsampling=subsampling)
            yield _encoded(picture.convert("L"), quality=quality, restart_marker_blocks=3)


def _encoded(picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", **options)
    return file.getvalue()
