"""Opening encoded images: facts and Exif from their headers, and their pixels by Pillow.

For any bytes, the readers of the headers of JPEG, PNG and TIFF take bounded time and little memory,
and leave out damaged parts. They raise only the OSError of a file that cannot be read. Facts of
other formats come from Pillow and its plugins. Pillow opens no file of which it would show
something else, or for which it would run a program.
"""

import struct
import zlib
from collections.abc import Container
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple

from PIL import Image, ImageFile

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.arrays import DEEP_GRAY
from lightmeter.image.encoded import READ_WHOLE, READERS, EncodedBytes, Opened, most_pixels
from lightmeter.image.exif import ExifPolicy, ExifTags, read_exif
from lightmeter.image.failure import image_error
from lightmeter.image.limits import Limits, check_size
from lightmeter.image.tiff import DamagedError, Tiff
from lightmeter.quiet import quiet

# Name -> value. None means that the format can have the fact, but this file does not.
Facts = dict[str, float | str | None]

# Formats whose header facts come from Pillow and its plugins.
BY_PILLOW = frozenset({"AVIF", "GIF", "HEIF", "JXL", "WEBP"})

_MOST_CHUNK = 4 << 20  # bytes of a PNG
_MOST_PROFILE = 1 << 16
_MOST_TAGS = 100  # of a colour profile
_MOST_CHARACTERS = 128  # of its description

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


class Header(NamedTuple):
    """Hold the contents of a file's header.

    Attributes
    ----------
    facts
        Name -> value.
    exif
        The TIFF structure of the Exif: a block of bytes or the file; None without Exif.
    orientation
        Orientation of the container, by Exif's numbers; it overrides that of the Exif.
    """

    facts: Facts
    exif: bytes | Opened | None = None
    orientation: int | None = None


def read_header(file: Opened, image: Image.Image | None = None) -> Header | None:
    """Read the header of a file. This moves the position of the file.

    Parameters
    ----------
    file
        A JPEG, PNG or TIFF file. For any other format, the header comes from `image`.
    image
        The image that Pillow opened from the file. Without it, other formats have no header, and
        the images of a JPEG file are not counted.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    in_memory: Any = file.image[1] if isinstance(file, EncodedBytes) else None
    match file.format:
        case "JPEG":
            facts, exif, icc, images = in_memory or _core.jpeg_header(file, file.size)
            if icc is not None:
                facts["ColorProfile"] = profile_description(icc)
            if images is not None:  # an index of several
                facts["FrameCount"] = getattr(image, "n_frames", None)
            return Header(facts, exif_block(exif))
        case "PNG":
            header = in_memory or _core.png_header(file, file.size)
            facts, part, packed = header or ({}, None, None)
            if packed is not None:
                facts["ColorProfile"] = profile_description(_inflated(_read(file, *packed)))
            return Header(facts, exif_block(part and _read(file, *part)))  # may follow the pixels
        case "TIFF":
            return Header(_tiff_facts(file), file)
    return None if image is None else pillow_header(image)


def header_in(file: Any, image: Any, policy: ExifPolicy) -> tuple[ExifTags | None, Facts]:
    """Read Exif and facts from a file, as `read_header`, and restore its position."""
    position = file.tell()
    try:
        header = read_header(file, image) or Header({})
        facts: Facts = {"Format": (image or file).format, "FileSize": file.size}
        return read_exif(header.exif, policy, header.orientation), facts | header.facts
    finally:
        file.seek(position)


def pillow_header(image: Image.Image) -> Header:
    """Return the Exif and the orientation that a PIL image keeps, loaded or not.

    Formats in `BY_PILLOW` have facts too. For AVIF and HEIF, the orientation is that of the file
    before decoding, although plugins rotate the image and change that tag.
    """
    info: Any = image.info
    turned = info.get("original_orientation")
    exif = exif_block(info.get("exif"))
    header = Header({}, exif, turned if turned in range(1, 9) else None)
    if image.format not in BY_PILLOW:
        return header
    icc = info.get("icc_profile")
    facts: Facts = {
        "Channels": len(image.getbands()),
        "ColorProfile": profile_description(icc) if isinstance(icc, bytes) else None,
        "FrameCount": None,
        "HasAlpha": int(image.has_transparency_data),
    }
    with suppress(Exception):  # Pillow raises any exception for damage
        facts["FrameCount"] = int(getattr(image, "n_frames", 1))
    if image.format in ("HEIF", "WEBP"):
        facts["BitDepth"] = info.get("bit_depth", 8)
    if isinstance(chroma := info.get("chroma"), int):  # such as 420
        facts["ChromaSubsampling"] = ":".join(str(chroma))
    return header._replace(facts=facts)


def exif_block(block: object) -> bytes | None:
    """Return the TIFF structure in a block of Exif, with or without a leading ``Exif``."""
    if not isinstance(block, bytes):
        return None
    return (block[6:] if block.startswith(b"Exif\0") else block) or None


def profile_description(profile: bytes) -> str | None:
    """Return the text of a colour profile's ``desc`` tag, such as "sRGB IEC61966-2.1".

    The text has at most 128 characters; it is None if there is no such tag. The profile may end
    after the tag. ICC.1:2022, 7.2 to 7.3: a header of 128 bytes, a count, then per tag a signature,
    an offset and a size.
    """
    count = min(int.from_bytes(profile[128:132]), _MOST_TAGS, max(0, len(profile) - 132) // 12)
    tags = struct.iter_unpack(">4sII", profile[132 : 132 + 12 * count])
    data = next((profile[at : at + size] for name, at, size in tags if name == b"desc"), b"")
    if data[:4] == b"desc":  # version 2: a length, then ASCII
        size = min(int.from_bytes(data[8:12]), _MOST_CHARACTERS)
        text = data[12 : 12 + size].decode("latin-1")
    elif data[:4] == b"mluc":  # version 4: of several languages, the first
        size, at = struct.unpack_from(">II", data.ljust(28, b"\0"), 20)
        text = data[at : at + 2 * min(size // 2, _MOST_CHARACTERS)].decode("utf-16-be", "replace")
    else:
        return None
    return text.split("\0", 1)[0].strip() or None


def _read(file: Opened, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(min(size, _MOST_CHUNK))


def _inflated(block: bytes) -> bytes:
    """Inflate a colour profile: keyword, zero, method, zlib stream."""
    _, _, stream = block.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(stream[1:], _MOST_PROFILE)
    except zlib.error:
        return b""


def _tiff_facts(file: Opened) -> Facts:
    """Return facts of a TIFF file's first frame, and how many frames it has."""
    facts: Facts = {}
    try:
        tiff = Tiff(file)
        first = tiff.directory(tiff.first)
        facts["BitDepth"], facts["Channels"] = (tiff.integer(first, tag, 1) for tag in (258, 277))
        extra = tiff.values(first, 338, 64).numbers(8)
        facts["HasAlpha"] = int(1 in extra or 2 in extra)  # associated, unassociated
        profile = tiff.values(first, 34675, _MOST_PROFILE).start
        facts["ColorProfile"] = profile_description(profile)
        pages = tiff.directories()
        facts["FrameCount"] = None if pages is None else len(pages)
    except DamagedError:
        pass
    return facts


# --- pixels by Pillow ---


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
    check_size(*image.size, most_pixels(limits))
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
        with suppress(ImportError):
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
    with suppress(DamagedError):
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
    if file.format not in BY_PILLOW:
        return read_header(file)
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
