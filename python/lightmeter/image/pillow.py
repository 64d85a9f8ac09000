"""Encoded pictures as Pillow opens them, unless it would show something else or run a program."""

from typing import Any

from PIL import Image, UnidentifiedImageError

from lightmeter.errors import ImageError
from lightmeter.image.encoded import EncodedBytes, EncodedFile
from lightmeter.image.header import BY_PILLOW, Header, picture_header, read_header
from lightmeter.image.limits import Limits
from lightmeter.image.magic import READ_WHOLE, START_BYTES, format_of
from lightmeter.image.plugins import SUBFILE_TYPE, is_raw, load_plugin
from lightmeter.quiet import quiet

__all__ = ["check_depth", "check_range", "check_size", "file_header", "frame_count", "open_picture"]

_COLOURS = frozenset({"RGB", "RGBA", "CMYK", "LAB"})  # modes of 8 bits
_EIGHT_BITS = _COLOURS | {"L", "LA", "RGBX", "RGBa", "La", "YCbCr", "P", "PA", "HSV"}
_LAYERED = frozenset({"PSD"})  # formats whose further frames are parts of one picture
_TIFF_BITS = 258
_START = 1 << 16
_CODESTREAM, _CODESTREAM_BITS = b"\xff\x4f\xff\x51", 42  # how one starts; where its depth is
_AV1, _AV1_BITS, _AV1_DEEP = b"av1C", 6, 0x40  # ISO/IEC 14496-12 of AV1: high_bitdepth


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
    name = format_of(file.start(START_BYTES))
    if header is not None or name not in BY_PILLOW - {"JXL"}:  # whose plugin decodes pixels
        return header
    file.rewind()
    try:
        with quiet(), open_picture(file, limits) as image:
            return picture_header(image)
    except ImageError:
        raise
    except Exception:  # what Pillow raises of a damaged file
        if file.error is not None:
            raise file.error from None
        return Header({}, None)


def check_size(image: Image.Image, limits: Limits) -> None:
    """Refuse an image of too many pixels, before they are decoded.

    Raises:
        ImageError: it has more than the limits say.
    """
    if limits.pixels is not None and image.width * image.height > limits.pixels:
        raise ImageError(
            "too_large", f"{image.width}x{image.height} pixels, more than {limits.pixels}"
        )


def frame_count(image: Image.Image, limits: Limits) -> int:
    """Return how many pictures the file of an image has.

    Raises:
        ImageError: more than the limits say.
    """
    if limits.frames is not None and image.format == "TIFF" and _exceeds(image, limits.frames):
        raise ImageError("too_large", f"more than {limits.frames} frames")
    count = 1 if image.format in _LAYERED else getattr(image, "n_frames", 1)
    if limits.frames is not None and count > limits.frames:
        raise ImageError("too_large", f"{count} frames, more than {limits.frames}")
    return count


def _exceeds(image: Image.Image, frames: int) -> bool:
    """Whether a TIFF has more frames. Counting all would make Pillow read every directory."""
    first = image.tell()
    try:
        for frame in range(first + 1, frames + 1):
            image.seek(frame)
    except EOFError:
        return False
    finally:
        image.seek(first)
    return True


def check_depth(image: Image.Image) -> None:
    """Refuse the frame of a file, not yet loaded, of whose colours Pillow decodes the upper 8 bits.

    Raises:
        ImageError: its samples have more bits in the file.
        Exception: what Pillow raises of a damaged file.
    """
    if image.mode in _COLOURS and _is_deep(image):
        image.load()  # what is damaged is called so
        raise ImageError(
            "unsupported",
            "colour of 16 bits, of which Pillow decodes the upper 8; expected a PNG file of at "
            "most 64 MB, of one frame without interlace, or a TIFF file of like pages and the "
            "extra 'large', or deep_colour=False",
        )


def check_range(image: Image.Image, file: Any) -> None:
    """Refuse the frame of a file, not yet loaded, for a `value_range` that would be ignored.

    Raises:
        ImageError: Pillow makes 8 bits of its samples, which have more, or may have; or it scales
            them, as those of a PGM whose largest sample is not 65535.
    """
    decoders = [tile[0] for tile in getattr(image, "tile", ())]
    if image.format == "PPM" and image.mode == "I" and decoders != ["raw"]:
        raise ImageError(
            "unsupported",
            "PGM whose samples Pillow scales to 16 bits, so that value_range has no meaning; give "
            "it as an array, or no value_range",
        )
    is_read = not getattr(image, "tile", ()) and image.format not in ("AVIF", "HEIF", "JXL")
    if image.mode not in _EIGHT_BITS or is_read:
        return
    if _depth(image, file) > 8:
        raise ImageError(
            "unsupported",
            f"{image.format} of more than 8 bits, of which Pillow decodes 8, so that value_range "
            "has no meaning; give it as an array, or no value_range",
        )


def _depth(image: Image.Image, file: Any) -> int:
    """Bits of a sample; more than 8 where nobody tells."""
    match image.format:
        case "HEIF":
            return int(image.info.get("bit_depth", 16))
        case "AVIF" if file is not None:
            flags = _byte_behind(file, _AV1, _AV1_BITS)
            return 16 if flags is None or flags & _AV1_DEEP else 8
        case "AVIF" | "JXL":
            return 16
        case "JPEG2000" if file is not None:
            bits = _byte_behind(file, _CODESTREAM, _CODESTREAM_BITS)
            return 16 if bits is None else (bits & 127) + 1
    return 16 if _is_deep(image) else 8


def _byte_behind(file: Any, mark: bytes, places: int) -> int | None:
    """Return a byte at a place from the start of a mark near the start of a file."""
    position = file.tell()
    file.seek(0)
    start = file.read(_START)
    file.seek(position)
    found = start.find(mark)
    return start[found + places] if 0 <= found < len(start) - places else None


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
        name = format_of(file.start(START_BYTES))
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
        if not load_plugin(file.start(START_BYTES)):
            raise
    file.rewind()
    return Image.open(file)


def _refuse(image: Image.Image, file: EncodedFile) -> None:
    """Refuse files of which Pillow would show something other than the picture."""
    if image.format == "EPS":
        raise ImageError(
            "unsupported", "PostScript is a program, which Pillow would run in Ghostscript"
        )
    if image.format != "TIFF":
        return
    tags = getattr(image, "tag_v2", {})
    if is_raw(file.start(START_BYTES), tags, tags.get(SUBFILE_TYPE)):
        raise ImageError(
            "unsupported", "a raw file, of which Pillow reads only the preview; develop it first"
        )
