"""Measures pictures by decoders of our own, where these give exactly what Pillow gives.

A decoder may refuse any picture, at first sight or late. Whatever it refuses, Pillow decodes.
"""

import io
import os
from collections.abc import Callable, Iterator
from functools import cache

from PIL import Image

from lightmeter.errors import ConfigError, ImageError
from lightmeter.image.decode.jpeg import jpeg_samples, open_jpeg
from lightmeter.image.decode.picture import OpenPicture, Picture
from lightmeter.image.decode.png import is_deep_colour, open_png, png_samples
from lightmeter.image.encoded import EncodedBytes
from lightmeter.image.meter import ImageMeter
from lightmeter.image.opened import is_too_large
from lightmeter.image.reading import Reading
from lightmeter.quiet import quiet

__all__ = ["is_beyond_pillow", "is_trusted", "measure_accelerated"]


def _is_switched_off(wanted: str) -> bool:
    if wanted not in ("", "pillow"):
        raise ConfigError(f"LIGHTMETER_DECODER is {wanted!r}; expected 'pillow', or unset it")
    return wanted == "pillow"


# By format: what opens a file, and small files that show whether it decodes as Pillow does.
_DECODERS: dict[str, tuple[OpenPicture, Callable[[], Iterator[bytes]]]] = {
    "JPEG": (open_jpeg, jpeg_samples),
    "PNG": (open_png, png_samples),
}

_IS_OFF = _is_switched_off(os.environ.get("LIGHTMETER_DECODER", ""))


def measure_accelerated(
    file: EncodedBytes, reading: Reading, threads: int | None = None
) -> ImageMeter | None:
    """Measure the first frame of a file; None leaves it to Pillow.

    The measurement is exactly that of Pillow's pixels, unless all bits of 16-bit colour are wanted.
    A file that Pillow refuses, or one that passes a limit of `reading`, is left to Pillow, which
    says why.

    Raises:
        ImageError: the mask does not fit, or samples are out of range, of a picture that Pillow has
            not with all the bits that `reading` wants.
    """
    image_format = file.picture[0]
    if image_format not in _DECODERS or not is_trusted(image_format):
        return None
    try:
        picture = _DECODERS[image_format][0](file.data, reading.all_bits)
        if picture is None or is_too_large(picture.size, reading.limits):
            return None
        return _measured(picture, reading, threads)
    except (ValueError, MemoryError) as error:  # a wrong mask, samples out of range, ...
        if isinstance(error, ImageError) and is_beyond_pillow(file, reading):
            raise
        return None


def is_beyond_pillow(file: EncodedBytes, reading: Reading) -> bool:
    """Whether `reading` wants bits of a file that Pillow does not decode."""
    return reading.all_bits and file.picture[0] == "PNG" and is_deep_colour(file.data)


def _measured(picture: Picture, reading: Reading, threads: int | None) -> ImageMeter | None:
    mask = None if reading.ignored is None else reading.ignored.mask(*picture.size)
    meter = ImageMeter._begun(
        reading.channels, reading.value_range, threads, reading.metric_set, picture.size, mask
    )
    measured = meter._measure_decoded(picture.measure, picture.mode, picture.is_deep)
    return meter if measured else None


@cache
def is_trusted(image_format: str) -> bool:
    """Whether a decoder is switched on, and decodes small files exactly as this Pillow does."""
    if _IS_OFF:
        return False
    open_own, samples = _DECODERS[image_format]
    try:
        Image.preinit()  # makes the formats known; `Image.open` would refuse what passes a limit
        return all(_agrees(image_format, open_own, sample) for sample in samples())
    except Exception:  # a Pillow that was changed, or no memory
        return False


def _agrees(image_format: str, open_own: OpenPicture, sample: bytes) -> bool:
    reading = Reading(metrics="camera")  # with a hash of all pixels
    picture = open_own(sample, False)
    own = None if picture is None else _measured(picture, reading, 1)
    with quiet(), Image.OPEN[image_format][0](io.BytesIO(sample), "") as image:
        image.load()
        theirs = ImageMeter._of(image, "RGB", None, 1, "camera", None)
    return own is not None and (own.mode, own.measurement()) == (theirs.mode, theirs.measurement())
