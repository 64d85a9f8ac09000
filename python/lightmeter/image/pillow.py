"""Encoded pictures as Pillow opens them, unless it would show something else or run a program."""

import contextlib
import threading
from collections.abc import Container
from importlib import import_module
from typing import Any

from PIL import Image, UnidentifiedImageError

from lightmeter.errors import ImageError
from lightmeter.image.encoded import EncodedBytes, EncodedFile
from lightmeter.image.header import BY_PILLOW, Header, picture_header, read_header
from lightmeter.image.limits import Limits, check_frames
from lightmeter.image.magic import READ_WHOLE, format_of
from lightmeter.quiet import quiet

__all__ = ["check_bits", "file_header", "frame_count", "is_raw", "load_plugin", "open_picture"]

_COLOURS = frozenset({"RGB", "RGBA", "CMYK", "LAB"})  # modes of 8 bits
_EIGHT_BITS = _COLOURS | {"L", "LA", "RGBX", "RGBa", "La", "YCbCr", "P", "PA", "HSV"}
_LAYERED = frozenset({"PSD"})  # formats whose further frames are parts of one picture
_TIFF_BITS = 258
_NO_MEANING = "value_range has no meaning; give it as an array, or no value_range"
_DEEP_COLOUR = (
    "colour of 16 bits, of which Pillow decodes the upper 8; expected a PNG file of at most 64 MB, "
    "of one frame without interlace, or a TIFF file of like pages and the extra 'large', or "
    "deep_colour=False"
)
_SUBFILE_TYPE, _DNG_VERSION = 254, 50_706

_HOW_TO_READ = {
    "HEIF": "pip install 'lightmeter[formats]' (pillow-heif)",
    "JXL": "pip install 'lightmeter[formats]' (pillow-jxl-plugin)",
    "AVIF": "pip install 'pillow>=11.3'",
}

_lock = threading.Lock()


def open_picture(file: EncodedFile | EncodedBytes, limits: Limits) -> Image.Image:
    """Open a picture, for which a plugin is loaded at need.

    Raises:
        ImageError: it is too large to be read whole, or Pillow would show something else.
        Exception: what Pillow raises of an unknown or damaged file.
    """
    if isinstance(file, EncodedBytes):
        picture = Image.open(file)
        # A decoder that gets all at once gives up the GIL once, and nothing is copied.
        picture.decodermaxblock = max(picture.decodermaxblock, file.size)
        return picture
    _check_memory(file, limits)
    image = _open(file)
    _refuse(image, file)
    return image


def file_header(file: EncodedFile, limits: Limits) -> Header | None:
    """Read the header of a file whose pixels nobody wants; None for a format without Exif.

    Raises:
        ImageError: it is too large to be read whole, or needs a plugin.
        OSError: it cannot be read.
    """
    header = read_header(file)
    name = format_of(file.start())
    if header is not None or name not in BY_PILLOW - {"JXL"}:  # whose plugin decodes pixels
        return header
    file.seek(0)
    try:
        with quiet(), open_picture(file, limits) as image:
            return picture_header(image)
    except ImageError:
        raise
    except Exception:  # what Pillow raises of a damaged file
        if file.error is not None:
            raise file.error from None
        return Header({})


def frame_count(image: Image.Image, limits: Limits) -> int:
    """Return how many pictures the file of an image has.

    Raises:
        ImageError: more than the limits say.
    """
    if limits.frames is not None and image.format == "TIFF":
        first = image.tell()
        try:
            for frame in range(first + 1, limits.frames + 1):
                image.seek(frame)  # counting all would make Pillow read every directory
        except EOFError:
            pass
        else:
            raise ImageError("too_large", f"more than {limits.frames} frames")
        finally:
            image.seek(first)
    count = 1 if image.format in _LAYERED else getattr(image, "n_frames", 1)
    check_frames(count, limits)
    return count


def check_bits(image: Image.Image, *, deep_colour: bool, has_range: bool) -> None:
    """Refuse a frame, not yet loaded, of which Pillow keeps fewer bits than are wanted.

    Args:
        image: the frame.
        deep_colour: whether all bits of colour are wanted.
        has_range: whether samples are on a `value_range`.

    Raises:
        ImageError: Pillow makes 8 bits of samples that have more, or may have; or `value_range` has
            no meaning, as Pillow scales those of a PGM whose largest sample is not 65535.
        Exception: what Pillow raises of a damaged file.
    """
    tiles = getattr(image, "tile", ())
    is_pgm = image.mode == "I" and image.format == "PPM"
    if is_pgm and has_range and [tile[0] for tile in tiles] != ["raw"]:
        detail = f"PGM whose samples Pillow scales to 16 bits, so that {_NO_MEANING}"
        raise ImageError("unsupported", detail)
    is_known_deep = bool(tiles) and _is_deep(image)
    may_be_deep = image.format in ("AVIF", "HEIF", "JXL") or (image.format == "JPEG2000" and tiles)
    is_wanted = has_range or (deep_colour and image.mode in _COLOURS)
    is_refused = (is_known_deep and is_wanted) or (
        may_be_deep and has_range and image.info.get("bit_depth", 16) > 8
    )
    if is_refused and image.mode in _EIGHT_BITS:
        image.load()  # what is damaged is called so
        detail = f"{image.format} of more than 8 bits, of which Pillow decodes 8, so that "
        detail += _NO_MEANING
        raise ImageError("unsupported", detail if has_range else _DEEP_COLOUR)


def _is_deep(image: Any) -> bool:
    """Whether samples have more than 8 bits, in a format of which Pillow keeps that."""
    if image.format == "TIFF":
        return max(image.tag_v2.get(_TIFF_BITS, ()), default=1) > 8
    return image.format in ("PNG", "PPM", "SGI") and any(map(_is_deep_tile, image.tile))


def _is_deep_tile(tile: Any) -> bool:
    codec, _, _, arguments = tile
    mode, *numbers = (arguments,) if isinstance(arguments, str) else arguments
    highest = numbers[0] if codec.startswith("ppm") else 0
    return codec == "SGI16" or ";16" in mode or highest > 255


def _check_memory(file: EncodedFile, limits: Limits) -> None:
    most = limits.bytes_in_memory
    if most is not None and file.size > most:
        name = format_of(file.start())
        if name in READ_WHOLE:
            raise ImageError(
                "too_large",
                f"{file.size} bytes of {name}, which is read whole; more than {most} "
                "(Limits.bytes_in_memory)",
            )


def _open(file: EncodedFile) -> Image.Image:
    try:
        return Image.open(file)
    except UnidentifiedImageError:
        if not load_plugin(file.start()):
            raise
    file.seek(0)
    return Image.open(file)


def load_plugin(start: bytes) -> bool:
    """Load the plugin that reads files with this start.

    Returns:
        Whether Pillow can read more now. False if no plugin is needed, or it was loaded before.

    Raises:
        ImageError: ``unsupported``: the plugin is not installed. The message says how to get it.
    """
    name = format_of(start)
    with _lock:
        if name not in _HOW_TO_READ or name in Image.OPEN:
            return False
        with contextlib.suppress(ImportError):
            if name == "HEIF":
                import_module("pillow_heif").register_heif_opener()
            elif name == "JXL":
                import_module("pillow_jxl")  # registers itself
        if name not in Image.OPEN:
            raise ImageError("unsupported", f"{name} needs a plugin: {_HOW_TO_READ[name]}")
    return True


def _refuse(image: Image.Image, file: EncodedFile) -> None:
    """Refuse files of which Pillow would show something other than the picture."""
    if image.format == "EPS":
        raise ImageError(
            "unsupported", "PostScript is a program, which Pillow would run in Ghostscript"
        )
    tags = getattr(image, "tag_v2", {})
    if image.format == "TIFF" and is_raw(file.start(), tags, tags.get(_SUBFILE_TYPE)):
        raise ImageError(
            "unsupported", "a raw file, of which Pillow reads only the preview; develop it first"
        )


def is_raw(start: bytes, tags: Container[int], subfile: object) -> bool:
    """Return whether a TIFF is a camera's raw file, such as DNG, CR2, NEF, ARW or PEF.

    Its first directory is a preview. Raw files have a mark of their own, or call that directory a
    reduced image.

    Args:
        start: the first bytes of the file.
        tags: those of its first directory.
        subfile: the value of tag 254 among them, if there is one.
    """
    is_reduced = isinstance(subfile, int) and bool(subfile & 1)
    return start[8:10] == b"CR" or _DNG_VERSION in tags or is_reduced
