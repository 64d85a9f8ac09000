"""From whatever holds a picture to its measurement and its Exif."""

import io
import os
import stat
from typing import IO, NamedTuple

from PIL import Image

from lightmeter.arrays import ArrayLike
from lightmeter.errors import ImageError
from lightmeter.exif import ExifTags, read_exif
from lightmeter.failure import image_error
from lightmeter.header import Header, exif_block, read_header
from lightmeter.meter import ImageMeter

__all__ = ["ImageLike", "Measured", "measure_image"]

ImageLike = (
    Image.Image | ArrayLike | ImageMeter | str | os.PathLike[str] | bytes | bytearray | IO[bytes]
)

ACCEPTED = (
    "a PIL image, an array or tensor (HxW or HxWxC), an ImageMeter, a path, encoded bytes or a "
    "binary file"
)


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
        return _measure_pil(meter, image)
    if not isinstance(image, str | os.PathLike | bytes | bytearray) and not hasattr(image, "read"):
        raise TypeError(f"cannot measure {type(image).__name__}; expected {ACCEPTED}")
    try:
        if isinstance(image, str | os.PathLike):
            _check_regular_file(image)
        with Image.open(
            io.BytesIO(image) if isinstance(image, bytes | bytearray) else image
        ) as file:
            return _measure_pil(meter, file)
    except Exception as error:
        raise image_error(error) from error


def _measure_pil(meter: ImageMeter, image: Image.Image) -> Measured:
    try:
        # Loading closes the file.
        header = _header(image)
        exif = None if header is None else read_exif(header.exif).tags
        image.load()
        meter.update(image)
        return Measured(meter, exif)
    except Exception as error:
        raise image_error(error) from error


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


def _check_regular_file(path: str | os.PathLike[str]) -> None:
    """Opening a pipe or a device could wait for ever; an empty file has a reason of its own."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("unreadable", f"{os.fspath(path)!r} is not a regular file")
    if status.st_size == 0:
        raise ImageError("empty", f"{os.fspath(path)!r} has no bytes")
