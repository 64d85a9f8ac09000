"""HEIF and AVIF: boxes of the ISO base media file format (ISO 14496-12, 23008-12)."""

import contextlib
import struct
from collections.abc import Iterator
from typing import NamedTuple

from lightmeter.image.header.icc import profile_description
from lightmeter.image.header.source import DamagedError, Source
from lightmeter.image.magic import SEQUENCE_BRANDS

__all__ = ["HeifHeader", "heif_header"]

_MAX_BOXES = 2048
_MAX_PARTS = 16_384
_MAX_EXIF = 4 << 20
_ALPHA_TYPES = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")


# How a picture is turned (quarters to the left), then mirrored (0 top to bottom, 1 left to right)
# -> its orientation in the words of Exif.
_ORIENTATIONS: dict[tuple[int, int | None], int] = {
    (0, None): 1,
    (0, 0): 4,
    (0, 1): 2,
    (1, None): 8,
    (1, 0): 5,
    (1, 1): 7,
    (2, None): 3,
    (2, 0): 2,
    (2, 1): 4,
    (3, None): 6,
    (3, 0): 7,
    (3, 1): 5,
}


class HeifHeader(NamedTuple):
    """Facts of a HEIF or AVIF file, its Exif block or no bytes, and how it is to be turned.

    Depth and colour are those of the first coded item. A sequence has the frames of its track. The
    orientation is Exif's number for the transforms of the file, or None if it has none.
    """

    facts: dict[str, int | str | None]
    exif: bytes
    orientation: int | None


class _Transforms:
    """The first of each kind."""

    angle: int | None = None
    axis: int | None = None

    def orientation(self) -> int | None:
        if self.angle is None and self.axis is None:
            return None
        return _ORIENTATIONS[self.angle or 0, self.axis]


def heif_header(source: Source) -> HeifHeader:
    """Read the boxes of a HEIF or AVIF file."""
    sequence = source.read(8, 4) in SEQUENCE_BRANDS
    facts: dict[str, int | str | None] = {
        "ColorProfile": None,
        "FrameCount": None if sequence else 1,
    }
    exif: bytes | None = None
    transforms = _Transforms()
    with contextlib.suppress(DamagedError):
        for name, start, end in _boxes(source, 0, source.size):
            if name == b"meta" and exif is None:  # a full box: version and flags first
                exif = _read_meta(source, start + 4, end, facts, transforms)
            elif name == b"moov" and sequence:
                facts["FrameCount"] = _frame_count(source, start, end)
            if exif is not None and facts["FrameCount"] is not None:
                break
    return HeifHeader(facts, exif or b"", transforms.orientation())


def _frame_count(source: Source, start: int, end: int) -> int | None:
    """Samples of the first track of pictures; their alpha has a track of another kind."""
    for name, body, stop in _boxes(source, start, end):
        if name == b"trak":
            handler = _inside(source, body, stop, b"mdia", b"hdlr")
            sizes = _inside(source, body, stop, b"mdia", b"minf", b"stbl", b"stsz")
            if handler and sizes and source.read(handler + 8, 4) in (b"pict", b"vide"):
                return int.from_bytes(source.read(sizes + 8, 4), "big")
    return None


def _inside(source: Source, start: int, end: int, *path: bytes) -> int | None:
    """Where the body of a box in boxes starts."""
    for wanted in path:
        for name, body, stop in _boxes(source, start, end):
            if name == wanted:
                start, end = body, stop
                break
        else:
            return None
    return start


def _boxes(source: Source, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the body of each box from `start` to `end`."""
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        size, name = struct.unpack(">I4s", source.read(start, 8))
        body = start + 8
        if size == 1:
            (size,) = struct.unpack(">Q", source.read(body, 8))
            body += 8
        stop = end if size == 0 else start + size
        if stop < body or stop > end:
            raise DamagedError(f"a box of {size} bytes at {start}")
        yield name, body, stop
        start = stop


def _read_meta(
    source: Source,
    start: int,
    end: int,
    facts: dict[str, int | str | None],
    transforms: _Transforms,
) -> bytes:
    exif_item: int | None = None
    locations: dict[int, list[tuple[int, int]]] = {}
    for name, body, stop in _boxes(source, start, end):
        # A damaged box of one kind leaves what the others say.
        with contextlib.suppress(DamagedError, struct.error):
            if name == b"iinf":
                exif_item = _exif_item(source, body, stop)
            elif name == b"iloc":
                locations = _locations(source.read(body, stop - body))
            elif name == b"iprp":
                for inner, inner_body, inner_stop in _boxes(source, body, stop):
                    if inner == b"ipco":
                        _read_properties(source, inner_body, inner_stop, facts, transforms)
    block = b""
    for at, size in locations.get(exif_item, ())[:16] if exif_item is not None else ():
        block += source.read_up_to(at, min(size, _MAX_EXIF - len(block)))
    skipped = int.from_bytes(block[:4], "big")  # to the TIFF header, over an optional "Exif"
    return block[4 + skipped :]


def _exif_item(source: Source, start: int, end: int) -> int | None:
    version = source.read(start, 1)[0]
    for name, body, _ in _boxes(source, start + (6 if version == 0 else 8), end):
        if name == b"infe":
            version = source.read(body, 1)[0]
            layout = {2: ">4xH2x4s", 3: ">4xI2x4s"}.get(version)
            if layout is not None:
                item, kind = struct.unpack(layout, source.read(body, struct.calcsize(layout)))
                if kind == b"Exif":
                    return int(item)
    return None


def _locations(body: bytes) -> dict[int, list[tuple[int, int]]]:
    """Offset and size of each part of each item that stands in the file itself."""
    if len(body) < 6:
        raise DamagedError("item locations cut short")
    version = body[0]
    offset_size, length_size = body[4] >> 4, body[4] & 15
    base_size, index_size = body[5] >> 4, body[5] & 15 if version else 0
    at = 6

    def number(size: int) -> int:
        nonlocal at
        if size > 8 or at + size > len(body):
            raise DamagedError("an item's location cut short")
        at += size
        return int.from_bytes(body[at - size : at], "big")

    wide = 4 if version == 2 else 2
    locations: dict[int, list[tuple[int, int]]] = {}
    left = _MAX_PARTS
    for _ in range(number(wide)):
        item = number(wide)
        construction = number(2) & 15 if version else 0
        number(2)  # 0: this file
        base = number(base_size)
        parts = []
        for _ in range(number(2)):
            left -= 1
            if left < 0:
                raise DamagedError("too many parts of items")
            number(index_size)
            offset = number(offset_size)
            parts.append((base + offset, number(length_size)))
        if construction == 0:
            locations[item] = parts
    return locations


def _read_properties(
    source: Source,
    start: int,
    end: int,
    facts: dict[str, int | str | None],
    transforms: _Transforms,
) -> None:
    """The first of each kind of property; the picture's own come before those of its alpha."""
    channels = 3
    alpha = False
    for name, body, stop in _boxes(source, start, end):
        if name == b"av1C" and "BitDepth" not in facts:
            flags = source.read(body, 3)[2]
            facts["BitDepth"] = 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
            channels = 1 if flags & 0x10 else 3
            facts["ChromaSubsampling"] = _subsampling(flags >> 3 & 1, flags >> 2 & 1)
        elif name == b"hvcC" and "BitDepth" not in facts:
            chroma, depth = source.read(body + 16, 2)
            facts["BitDepth"] = (depth & 7) + 8
            channels = 1 if chroma & 3 == 0 else 3
            facts["ChromaSubsampling"] = _subsampling(chroma & 3 in (1, 2), chroma & 3 == 1)
        elif name == b"colr" and source.read(body, 4) in (b"prof", b"rICC"):
            icc = source.read_up_to(body + 4, min(stop - body - 4, 1 << 16))
            facts["ColorProfile"] = profile_description(icc)
        elif name == b"irot" and transforms.angle is None:
            transforms.angle = source.read(body, 1)[0] & 3
        elif name == b"imir" and transforms.axis is None:
            transforms.axis = source.read(body, 1)[0] & 1
        elif name == b"auxC":
            alpha |= source.read_up_to(body + 4, min(stop - body - 4, 64)).startswith(_ALPHA_TYPES)
    if channels == 1:
        facts.pop("ChromaSubsampling", None)
    facts["Channels"] = channels + alpha
    facts["HasAlpha"] = int(alpha)


def _subsampling(horizontal: int, vertical: int) -> str:
    return "4:2:0" if vertical else "4:2:2" if horizontal else "4:4:4"
