"""Naming the library that decoded an image, and our own decoders as far as they are in Python.

Two libraries, or two versions, may disagree by a shade. zlib inflates PNG; all else is in the core,
where rows go into the meter as they come. The core also decodes JPEG, but only if it gives exactly
what this Pillow gives.
"""

import io
import random
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from PIL import Image, features

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.arrays import DEEP_GRAY, Pair, range_of, samples_of
from lightmeter.image.meter import ImageMeter
from lightmeter.image.reading import Reading
from lightmeter.quiet import quiet

# Libraries with which Pillow decodes a format, by the names of `PIL.features`; the first that
# Pillow was built with is used. Pillow decodes other formats itself.
_JPEG = {"libjpeg_turbo": "libjpeg-turbo", "jpg": "libjpeg"}
LIBRARIES = {
    "AVIF": {"avif": "libavif"},
    "JPEG": _JPEG,
    "JPEG2000": {"jpg_2000": "OpenJPEG"},
    "MPO": _JPEG,
    "PNG": {"zlib_ng": "zlib-ng", "zlib": "zlib"},
    "TIFF": {"libtiff": "libtiff"},
    "WEBP": {"webp": "libwebp"},
}
_PACKAGES = {"PIL": "Pillow", "pillow_heif": "pillow-heif", "pillow_jxl": "pillow-jxl-plugin"}


Decoder = tuple[str, str]  # format of the file, and name, such as "Pillow 12.0.0, zlib-ng 2.2.5"


def decoder_of(image: Image.Image) -> Decoder | None:
    """Return the decoder of an image that Pillow opened; None for an image without a file."""
    return None if image.format is None else decoder(image.format, type(image).__module__)


@lru_cache(maxsize=256)  # once for each format, and not for each image
def decoder(image_format: str, module: str = "PIL") -> Decoder:
    """Return the decoder of a format that belongs to the package of `module`."""
    package = module.partition(".")[0]
    name = _PACKAGES.get(package, package)
    with suppress(PackageNotFoundError):
        name += f" {version(name)}"
    libraries = LIBRARIES.get(image_format, {}) if package == "PIL" else {}
    found = [feature for feature in libraries if features.check(feature)]
    if found:
        name += f", {libraries[found[0]]} {features.version(found[0]) or ''}".rstrip()
    elif package == "pillow_heif":
        name += f", libheif {import_module(package).libheif_version()}"
    return image_format, name


_inflating: Any = zlib
with suppress(ImportError):
    _inflating = import_module("zlib_ng.zlib_ng")  # twice as fast


# Bit depth and colour type by Pillow's raw mode.
_FORMS = {"1": (1, 0), "L;2": (2, 0), "L;4": (4, 0), "L": (8, 0), "I;16B": (16, 0)}
_FORMS |= {"P;1": (1, 3), "P;2": (2, 3), "P;4": (4, 3), "P": (8, 3), "LA": (8, 4), "RGB": (8, 2)}
_FORMS |= {"RGBA": (8, 6), "RGB;16B": (16, 2), "LA;16B": (16, 4), "RGBA;16B": (16, 6)}
_GRAY_WITH_ALPHA = "LA;16B"

# Chunks that may follow the pixels, which Pillow reads there without an error.
_BEHIND = (b"tEXt", b"eXIf", b"tIME")
_MOST_CHUNKS = 1 << 16
_HEAD = struct.Struct(">I4s")  # size and name

# Bytes that zlib reads and writes at once. More would not stay in the cache; less would release and
# take the GIL more often.
_DEFLATED = 1 << 16
_INFLATED = 1 << 18


def measure_png(file: bytes, image: Any, reading: Reading) -> ImageMeter | None:
    """Measure the first frame of a PNG file; return None to leave it to Pillow.

    The measurement equals that of Pillow's pixels, unless a `value_range` asks for all bits of
    colour. A file that Pillow refuses is left to Pillow, which gives the reason.

    Parameters
    ----------
    file
        Bytes of the file.
    image
        The image that Pillow opened from it, not loaded.
    reading
        How to measure it.

    Raises
    ------
    ImageError
        The mask does not fit, or samples are out of range. Both are raised only for images that
        Pillow cannot decode to all the bits that `reading` asks for.
    """
    _, _, start, form = image.tile[0]
    if form not in _FORMS or "interlace" in image.info or getattr(image, "is_animated", False):
        return None
    depth, colour = _FORMS[form]
    size: Pair = image.size
    palette = image.palette.getdata() if image.palette is not None else ("", b"")
    all_bits = reading.value_range is not None
    is_deep = depth == 16 and (all_bits or image.mode in DEEP_GRAY)
    try:
        rows = _core.PngRows(*size, depth, colour, palette[1], all_bits)
        dtype = np.dtype(np.uint16 if is_deep else np.uint8)
        mode = "I;16" if is_deep and form == _GRAY_WITH_ALPHA else image.mode
        meter = ImageMeter._new(reading, size, 1, mode=mode, _samples=samples_of(dtype))
        white = reading.value_range or range_of(dtype)
        inflated = _inflated(_data(memoryview(file), start - _HEAD.size))
        if not all(rows.take(piece, meter._core, white) for piece in inflated) or not rows.is_whole:
            return None
    except (ValueError, MemoryError, _inflating.error, struct.error) as error:  # a wrong mask, ...
        if isinstance(error, ImageError) and is_deep and image.mode not in DEEP_GRAY:
            raise
        return None
    return meter


def _data(file: memoryview, place: int) -> Iterator[memoryview]:
    """Yield the bodies of the pixel chunks. Like Pillow, this ignores their checksums."""
    names: tuple[bytes, ...] = (b"IDAT", *_BEHIND)
    for _ in range(_MOST_CHUNKS):
        size, name = _HEAD.unpack_from(file, place)
        end = place + _HEAD.size + size
        if name == b"IEND":
            return
        if name not in names or end > len(file):
            break
        if name == b"IDAT":
            yield file[place + _HEAD.size : end]
        else:
            names = _BEHIND
        place = end + 4
    raise ValueError("other chunks")


def _inflated(data: Iterator[memoryview]) -> Iterator[bytes]:
    inflater = _inflating.decompressobj()
    for body in data:
        for start in range(0, len(body), _DEFLATED):
            deflated: Any = body[start : start + _DEFLATED]
            while deflated:
                if inflater.eof:
                    raise ValueError("bytes behind the stream")
                yield inflater.decompress(deflated, _INFLATED)
                deflated = inflater.unused_data or inflater.unconsumed_tail
    while not inflater.eof and (rest := inflater.decompress(b"", _INFLATED)):  # still held back
        yield rest
    if not inflater.eof:
        raise ValueError("the stream has no end")


# Without vector instructions Pillow is faster. Libraries other than libjpeg-turbo interpolate
# colours differently.
_IS_WORTH_IT = _core.kernel_tier() == "avx2" and bool(features.check_feature("libjpeg_turbo"))


@cache
def is_trusted() -> bool:
    """Return whether our JPEG decoder decodes small files exactly as the installed Pillow.

    The PNG decoder needs no test, because PNG is lossless.
    """
    try:
        Image.preinit()  # registers formats; `Image.open` would apply limits
        return _IS_WORTH_IT and all(map(_is_same, _jpeg_samples()))
    except Exception:  # a Pillow that was changed, or no memory
        return False


def _is_same(sample: bytes) -> bool:
    with quiet(), Image.OPEN["JPEG"][0](io.BytesIO(sample), "") as image:
        meter = ImageMeter(metrics="camera", size=image.size)  # with a hash of all pixels
        meter.update(np.asarray(image))  # an image might be refused by Pillow's limit
    ((_, own),) = _core.measure_files([sample], "camera", len(sample))
    expected = (meter.mode, meter.measurement())
    return own is not None and (own[4], own[5].measurement()) == expected


def _jpeg_samples() -> Iterator[bytes]:
    """Yield small files of every kind that our decoder accepts, with smooth and random colours."""
    noise = Image.frombytes("RGB", (37, 29), random.Random(0).randbytes(3 * 37 * 29))
    image = noise.resize((9, 7)).resize((101, 48), Image.Resampling.BICUBIC)
    image.paste(noise, (64, 0))
    for mode, subsampling in ("RGB", "4:4:4"), ("RGB", "4:2:2"), ("RGB", "4:2:0"), ("L", None):
        file = io.BytesIO()
        how: Any = {"subsampling": subsampling} if subsampling else {"restart_marker_blocks": 3}
        image.convert(mode).save(file, "JPEG", **how)
        yield file.getvalue()
