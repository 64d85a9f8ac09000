"""From whatever holds a picture to its measurement and its Exif."""

import io
import os
from typing import NamedTuple, TypeGuard

from PIL import Image

from lightmeter.arrays import ArrayLike
from lightmeter.encoded import Encoded, open_encoded
from lightmeter.errors import ImageError
from lightmeter.exif import ExifTags, read_exif
from lightmeter.failure import image_error
from lightmeter.header import Header, exif_block, read_header
from lightmeter.limits import DEFAULT_LIMITS, Limits
from lightmeter.meter import ImageMeter
from lightmeter.quiet import quiet

__all__ = ["ImageLike", "Measured", "copy_image", "measure_image"]

ImageLike = Image.Image | ArrayLike | ImageMeter | Encoded

ACCEPTED = (
    "a PIL image, an array or tensor (HxW or HxWxC), an ImageMeter, a path, encoded bytes or a "
    "binary file"
)

# Set on an image that failed to load.
_FAILURE = "_lightmeter_failure"


class Measured(NamedTuple):
    """One image: its exact counts, and its Exif where the source can have any."""

    meter: ImageMeter
    exif: ExifTags | None


def measure_image(
    image: ImageLike,
    *,
    channels: str = "RGB",
    layout: str | None = None,
    value_range: tuple[float, float] | None = None,
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Measured:
    """Measure one image.

    Args:
        image: a PIL image, an array or tensor (HxW or HxWxC), an `ImageMeter`, a path, encoded
            bytes or a binary file.
        channels: order of the colour channels of an array, ``"RGB"`` or ``"BGR"`` (OpenCV).
        layout: order of the dimensions of an array, as for `ImageMeter`.
        value_range: black and white of samples of more than 8 bits, as for `ImageMeter`.
        threads: threads that share the rows of this image; None takes 1, or up to 4 above 4
            megapixels. The result does not depend on it.
        limits: what one image may cost.

    Raises:
        ImageError: the picture cannot be read or measured; `reason` says why.
        TypeError: `image` is of another type.
        ValueError: an argument is out of range.
    """
    if isinstance(image, ImageMeter):
        return Measured(image, None)
    meter = ImageMeter(channels=channels, layout=layout, value_range=value_range, threads=threads)
    if isinstance(image, ArrayLike):
        meter.update(image)
        return Measured(meter, None)
    if isinstance(image, Image.Image):
        with quiet():
            try:
                return _measure_pil(meter, image, limits)
            except Exception as error:
                raise image_error(error, path=getattr(image, "filename", None) or None) from error
    if not _is_encoded(image):
        raise TypeError(f"cannot measure {type(image).__name__}; expected {ACCEPTED}")
    with quiet():
        return _measure_encoded(meter, image, limits)


def _is_encoded(image: object) -> TypeGuard[Encoded]:
    if isinstance(image, str | os.PathLike | bytes | bytearray):
        return True
    return hasattr(image, "read") and not isinstance(image, io.TextIOBase)


def _measure_encoded(meter: ImageMeter, image: Encoded, limits: Limits) -> Measured:
    path = image if isinstance(image, str | os.PathLike) else None
    try:
        file = open_encoded(image, limits)
    except Exception as error:
        raise image_error(error, path=path, otherwise="unreadable") from error
    opened = None
    with file:
        try:
            opened = Image.open(file)
            return _measure_pil(meter, opened, limits)
        except Exception as error:
            raise image_error(error, path=path, file=file, image=opened) from error


def _measure_pil(meter: ImageMeter, image: Image.Image, limits: Limits) -> Measured:
    if limits.pixels is not None and image.width * image.height > limits.pixels:
        raise ImageError(
            "too_large", f"{image.width}x{image.height} pixels, more than {limits.pixels}"
        )
    exif = _load(image)
    meter.update(image)
    return Measured(meter, exif)


def _header(image: Image.Image) -> Header | None:
    """The header of the file of `image`; without a file the Exif that Pillow kept of it.

    None of an image that was never in a file.
    """
    file = getattr(image, "fp", None)
    if file is not None and not file.closed:
        position = file.tell()
        try:
            header = read_header(file)
        finally:
            file.seek(position)
        if header is not None:
            return header
    block = image.info.get("exif")
    if isinstance(block, bytes):
        return Header({}, exif_block(block))
    return None if image.format is None else Header({}, None)


def copy_image(image: Image.Image) -> tuple[Image.Image, ExifTags | None]:
    """A loaded copy of a PIL image, and the Exif, which a copy does not keep whole."""
    with quiet():
        exif = _load(image)
        return image.copy(), exif


def _load(image: Image.Image) -> ExifTags | None:
    """Load once: a second try after a failure can succeed, with black pixels. Returns the Exif."""
    attributes = vars(image)
    if _FAILURE in attributes:
        raise ImageError(*attributes[_FAILURE])
    header = _header(image)
    exif = None if header is None else read_exif(header.exif).tags  # loading closes the file
    try:
        image.load()
    except Exception as error:
        failure = image_error(error)
        attributes[_FAILURE] = (failure.reason, failure.detail)
        raise
    return exif
