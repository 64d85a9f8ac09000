"""Valid files that Pillow does not decode, such as 12-bit JPEG.

Pillow's errors are those of damaged files. Only the headers tell them apart.
"""

import struct
from collections.abc import Callable

from lightmeter.image.encoded import EncodedFile
from lightmeter.image.header import DamagedError, Source
from lightmeter.image.header.jpeg import jpeg_frame
from lightmeter.image.header.tiff import Entry, Tiff

__all__ = ["undecoded_kind"]

# JPEG markers: frames of several kinds, and JPEG-LS.
_LOSSLESS = frozenset({0xC3, 0xC7, 0xCB, 0xCF, 0xF7})
_HIERARCHICAL = frozenset({0xC5, 0xC6, 0xCD, 0xCE})
_EXTENDED = frozenset({0xC1, 0xC2, 0xC9, 0xCA})

_PSD_MODES = {0: "bitmap", 1: "gray", 2: "indexed", 3: "RGB", 4: "CMYK", 7: "multichannel"}
_PSD_MODES |= {8: "duotone", 9: "Lab"}

# TIFF tags.
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_SAMPLES, _SAMPLE_FORMAT = 277, 339
_OFFSETS_AND_LENGTHS = ((273, 279), (324, 325))
_PHOTOMETRICS = frozenset({0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 32803, 32844, 32845, 34892})
_COMPRESSIONS = frozenset(
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 32766, 32771, 32773, 32809, 32895, 32908, 32909, 32946}
    | {33003, 33004, 33005, 34661, 34676, 34677, 34712, 34887, 34892, 34925, 34926, 34927}
    | {34933, 34934, 50000, 50001, 50002, 52546}
)
_FORMATS = {1: "", 2: " signed", 3: " float", 4: "", 5: " complex", 6: " complex float"}
_MOST_SAMPLES = 4096
_WEBP = 50001


def undecoded_kind(name: str, file: EncodedFile, opened: bool) -> str | None:
    """The kind of a sound file that Pillow does not decode, such as ``12-bit JPEG``; else None.

    Args:
        name: the format of a file that could not be decoded.
        file: its bytes.
        opened: whether Pillow accepted the header, so that the fault is in the pixels.

    Raises:
        OSError: the file cannot be read.
    """
    kind = _KINDS.get(name)
    if kind is None:
        return None
    try:
        described = kind(Source(file))
        is_decoded = opened and name == "TIFF" and "WebP" not in (described or "")
        return None if is_decoded else described
    except (DamagedError, struct.error):
        return None


def _jpeg(source: Source) -> str | None:
    marker, frame = jpeg_frame(source)
    precision, height, width, components = struct.unpack_from(">BHHB", frame)
    factors = frame[7 : 6 + 3 * components : 3]
    sound = all(1 <= factor >> 4 <= 4 and 1 <= factor & 15 <= 4 for factor in factors)
    if not (height and width and 1 <= components == len(factors) <= 4 and sound):
        return None
    if marker in _LOSSLESS and 2 <= precision <= 16:
        return "lossless JPEG"
    if marker in _HIERARCHICAL and precision in (8, 12):
        return "hierarchical JPEG"
    return "12-bit JPEG" if marker in _EXTENDED and precision == 12 else None


def _psd(source: Source) -> str | None:
    zeros, channels, height, width, depth, mode = struct.unpack(">6sHIIHH", source.read(6, 20))
    sound = not any(zeros) and 1 <= channels <= 56 and 0 < height <= 30_000 and 0 < width <= 30_000
    if not sound or depth not in (16, 32) or mode not in _PSD_MODES:
        return None
    return f"{depth}-bit {_PSD_MODES[mode]} PSD"


def _tiff(source: Source) -> str | None:
    tiff = Tiff(source)
    directory = tiff.directory(tiff.first)
    bits = _numbers(tiff, directory, _BITS, 1)
    samples = tiff.integer(directory, _SAMPLES, 1)
    formats = set(_numbers(tiff, directory, _SAMPLE_FORMAT, 1))
    sound = (
        tiff.integer(directory, _WIDTH, 0) > 0
        and tiff.integer(directory, _HEIGHT, 0) > 0
        and 1 <= samples <= _MOST_SAMPLES
        and len(bits) in (1, samples)
        and len(set(bits)) == 1
        and 1 <= bits[0] <= 128
        and formats
        and formats <= _FORMATS.keys()
        and tiff.integer(directory, _PHOTOMETRIC, -1) in _PHOTOMETRICS
        and tiff.integer(directory, _COMPRESSION, 1) in _COMPRESSIONS
        and 0 < _end_of_pixels(tiff, directory) <= source.size
    )
    if not sound:
        return None
    order = "big-endian BigTIFF" if tiff.big and tiff.order == ">" else "TIFF"
    by = " by WebP" if tiff.integer(directory, _COMPRESSION, 1) == _WEBP else ""
    return f"{order} of {samples} x {bits[0]}-bit{_FORMATS[min(formats)]} samples{by}"


def _end_of_pixels(tiff: Tiff, directory: dict[int, Entry]) -> int:
    for offsets, lengths in _OFFSETS_AND_LENGTHS:
        if offsets not in directory:
            continue
        starts = _numbers(tiff, directory, offsets, 0)
        sizes = _numbers(tiff, directory, lengths, 0)
        if 0 < len(starts) == len(sizes):
            return max(map(sum, zip(starts, sizes, strict=True)))
    return 0


def _numbers(tiff: Tiff, directory: dict[int, Entry], tag: int, default: int) -> list[int]:
    if tag not in directory:
        return [default]
    numbers = tiff.numbers(directory[tag], 1 << 18)
    return [number for number in numbers if isinstance(number, int)]


_KINDS: dict[str, Callable[[Source], str | None]] = {"JPEG": _jpeg, "PSD": _psd, "TIFF": _tiff}
