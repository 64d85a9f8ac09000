"""Opening encoded images with Pillow, unless it would show something else or run a program."""

import contextlib
from collections.abc import Container
from importlib import import_module
from typing import Any

from PIL import Image, ImageFile

from lightmeter.errors import ImageError
from lightmeter.image.encoded import (
    READ_WHOLE,
    READERS,
    EncodedBytes,
    Opened,
    most_pixels,
)
from lightmeter.image.failure import image_error
from lightmeter.image.header import BY_PILLOW, Header, pillow_header, read_header
from lightmeter.image.limits import Limits
from lightmeter.image.meter import DEEP_GRAY
from lightmeter.image.tiff import DamagedError, Tiff
from lightmeter.quiet import quiet

# Formats whose colours Pillow decodes to 8 bits, possibly without reporting the original depth.
_UNTOLD = frozenset({"AVIF", "HEIF", "JPEG2000", "JXL", "PPM", "SGI"})
_NO_MEANING = "value_range has no meaning; give it as an array, or no value_range"
_UNDECODED = "samples that Pillow does not decode; try pyramid_level=0, bands=[...] or an array"
_SUBFILE_TYPE, _BITS, _DNG_VERSION = 254, 258, 50_706
_SIZES = frozenset({279, 325})  # of strips and tiles, behind the tags that say how to read them

# Raw modes of Pillow up to 13.0 for samples that libtiff has already swapped -> the correct ones.
_SWAPPED = {"I;16BS": "I;16NS", "I;32BS": "I;32NS", "F;32BF": "F;32NF"}

# Format -> the module that reads it, and how to install it.
_PLUGINS = {
    "HEIF": ("pillow_heif", "pip install 'lightmeter[formats]' (pillow-heif)"),
    "JXL": ("pillow_jxl", "pip install 'lightmeter[formats]' (pillow-jxl-plugin)"),
    "AVIF": ("PIL.AvifImagePlugin", "pip install 'pillow>=11.3'"),
}


def open_image(file: Opened, limits: Limits) -> Image.Image:
    """Open an image with Pillow; load a plugin if needed.

    Raises
    ------
    ImageError
        It is too large, or Pillow would show something else or cannot decode it.
    Exception
        Pillow may raise any exception for an unknown or damaged file.
    """
    name = file.format
    if name in READ_WHOLE and file.size > (limits.bytes_in_memory or file.size):
        most = f"{limits.bytes_in_memory} (Limits.bytes_in_memory)"
        raise ImageError("too_large", f"{file.size} bytes of {name}, more than {most}")
    image = _open(file, name)
    size = f"{image.width}x{image.height} pixels"
    if image.width * image.height > (allowed := most_pixels(limits)):
        raise ImageError("too_large", f"{size}, more than {allowed}")
    if isinstance(file, EncodedBytes):
        # If a decoder gets all bytes at once, it releases the GIL only once and copies nothing.
        image.decodermaxblock = max(image.decodermaxblock, file.size)
        return image
    tags = getattr(image, "tag_v2", {})
    if image.format == "EPS":
        raise ImageError("unsupported", "PostScript, which Pillow would run in Ghostscript")
    if image.format == "TIFF" and is_raw(file.start, tags, tags.get(_SUBFILE_TYPE)):
        raise ImageError("unsupported", "a raw file, of which Pillow reads the preview; develop it")
    return image


def _open(file: Opened, name: str | None) -> ImageFile.ImageFile:
    """Open a file by its signature; `Image.open` would hide the error."""
    if name in READERS:
        how = f"read=readers.{READERS[name]} (--read {READERS[name]}): see docs/readers.md"
        raise ImageError("unsupported", f"{name} is read by {how}")
    if name not in Image.OPEN:
        Image.init()
    if name not in Image.OPEN and name in _PLUGINS:
        module, how = _PLUGINS[name]
        with contextlib.suppress(ImportError):
            plugin = import_module(module)  # which may register itself
            if name == "HEIF":
                plugin.register_heif_opener()
        if name not in Image.OPEN:
            raise ImageError("unsupported", f"{name} needs a plugin: {how}")
    if name not in Image.OPEN:
        return Image.open(file)
    file.seek(0)
    try:
        return Image.OPEN[name][0](file, "")
    except SyntaxError:
        if name == "TIFF" and _is_whole(file):
            raise ImageError("unsupported", _UNDECODED) from None
        raise


def _is_whole(file: Any) -> bool:
    """Return whether the first directory of a TIFF is complete, and only its kind is unknown."""
    with contextlib.suppress(DamagedError):
        tiff = Tiff(file)
        return not _SIZES.isdisjoint(tiff.directory(tiff.first))
    return False


def file_header(file: Opened, limits: Limits) -> Header | None:
    """Read the header of a file without its pixels; None for a format without Exif.

    Raises
    ------
    ImageError
        It is damaged, too large to be read whole, or needs a plugin.
    OSError
        It cannot be read.
    """
    header = read_header(file)
    if header is not None or file.format not in BY_PILLOW:
        return header
    file.seek(0)
    try:
        with quiet(), open_image(file, limits) as image:
            return pillow_header(image)
    except Exception as error:
        raise image_error(error) from error


def mend_order(image: Any) -> None:
    """Make Pillow unpack the samples of a compressed TIFF in their actual byte order."""
    if image.format == "TIFF":
        image.tile = [
            tile._replace(args=(_SWAPPED.get(tile.args[0], tile.args[0]), *tile.args[1:]))
            if tile.codec_name == "libtiff"
            else tile
            for tile in getattr(image, "tile", ())
        ]


def check_bits(image: Any, bits: int) -> None:
    """Check that Pillow decoded a frame with enough bits for a `value_range`.

    Parameters
    ----------
    image
        The frame.
    bits
        Bits of a sample in the file, according to its header.

    Raises
    ------
    ImageError
        Pillow reduces or scales the samples, or their depth is unknown.
    """
    if image.mode in DEEP_GRAY and image.format != "PPM":
        return
    if image.format in _UNTOLD:
        bits = image.info.get("bit_depth", 16)
    elif image.format == "TIFF":  # whose pages differ
        bits = max(image.tag_v2.get(_BITS, ()), default=1)
    if bits > 8:
        what = f"{image.format} of more than 8 bits, of which Pillow decodes 8, or scales them"
        raise ImageError("unsupported", f"{what}, so that {_NO_MEANING}")


def is_raw(start: bytes, tags: Container[int], subfile: object) -> bool:
    """Return whether a TIFF is a camera's raw file, such as DNG, CR2, NEF, ARW or PEF.

    The first directory of a raw file is a preview. Raw files have their own marker, or declare that
    directory a reduced image.

    Parameters
    ----------
    start
        The first bytes of the file.
    tags
        Tags of its first directory.
    subfile
        Value of tag 254, if present.
    """
    is_reduced = isinstance(subfile, int) and bool(subfile & 1)
    return start[8:10] == b"CR" or _DNG_VERSION in tags or is_reduced
