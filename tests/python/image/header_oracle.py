"""Headers of JPEG and PNG files and Exif in plain Python: the oracle of the core's readers."""

import contextlib
import struct
from bisect import bisect_left

from lightmeter.image.header.icc import profile_description
from lightmeter.image.header.png import _inflate, _profile_text
from lightmeter.image.header.source import DamagedError, Source
from lightmeter.image.header.tiff import Entry, Tiff

_MAX_SEGMENTS = 4096
_MAX_EXIF = 4 << 20

# Start-of-frame markers; the other numbers between them are DHT, JPG and DAC.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_JPEG_LS = 0xF7
_NO_BODY = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and the restarts
_START, _SCAN, _END, _TABLES = 0xD8, 0xDA, 0xD9, 0xDB

# Luminance quantisation of ITU-T T.81, table K.1, from which encoders scale theirs.
_LUMINANCE = bytes.fromhex(
    "100b0a101828333d0c0c0e131a3a3c370e0d1018283945380e11161d3357503e"
    "12162538446d674d182337405168715c31404e5767797865485c5f6270646763"
)


def _sum_at(quality: int) -> int:
    """The sum of the luminance table at an IJG quality: libjpeg's jpeg_quality_scaling."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return sum(min(max((base * scale + 50) // 100, 1), 255) for base in _LUMINANCE)


# The sums fall as the quality rises, and bisect needs rising ones. All 100 differ.
_SUMS = [-_sum_at(quality) for quality in range(1, 101)]


def estimated_quality(table: bytes | tuple[int, ...]) -> int:
    """The IJG quality, 1 to 100, whose luminance table has the sum nearest to that of `table`.

    It is exact for files of libjpeg and its kin (Pillow, OpenCV, most cameras' scaled tables). For
    others it is the quality at which libjpeg quantises as coarsely.
    """
    wanted = -sum(table)
    at = bisect_left(_SUMS, wanted)
    if at == 0:
        return 1
    if at == len(_SUMS):
        return 100
    return at + 1 if _SUMS[at] - wanted < wanted - _SUMS[at - 1] else at


def jpeg_header(source: Source) -> tuple[dict[str, int | str | None], bytes]:
    """Facts of a JPEG file, and its Exif block (without the ``Exif`` in front), or no bytes.

    It reads up to the first scan. Of a damaged file it takes what comes before the damage.
    """
    facts: dict[str, int | str | None] = {
        "JpegQuality": None,
        "ColorProfile": None,
        "HasAlpha": 0,
        "FrameCount": 1,
    }
    tables: dict[int, bytes | tuple[int, ...]] = {}
    exif = b""
    frame = b""
    offset = 2
    try:
        for _ in range(_MAX_SEGMENTS):
            offset, marker, size = _next_segment(source, offset)
            if marker in (_SCAN, _END):
                break
            if marker == 0xE1:
                block = source.read(offset, size)
                if block[:4] == b"Exif" and len(exif) < _MAX_EXIF:
                    exif += block[6:]  # a block above 64 KB goes on in the next segment
            elif marker == _TABLES:
                _add_tables(tables, source.read(offset, size))
            elif marker in _FRAMES:
                frame = source.read(offset, size)
                facts.update(_frame_facts(frame, marker))
            elif marker == 0xE2:
                block = source.read(offset, size)
                if block.startswith(b"ICC_PROFILE\0\1"):  # the first part, up to 64 KB of it
                    facts["ColorProfile"] = profile_description(block[14:])
                elif block.startswith(b"MPF\0"):
                    facts["FrameCount"] = _frame_count(block[4:])
            offset += size
    except DamagedError:
        pass
    luminance = tables.get(frame[8]) if len(frame) > 8 else None
    if luminance:
        facts["JpegQuality"] = estimated_quality(luminance)
    return facts, exif


def jpeg_frame(source: Source) -> tuple[int, bytes]:
    """Marker and body of the header of the frame, of JPEG-LS too.

    Raises:
        DamagedError: there is none before the first scan.
    """
    offset = 2
    for _ in range(_MAX_SEGMENTS):
        offset, marker, size = _next_segment(source, offset)
        if marker in _FRAMES or marker == _JPEG_LS:
            return marker, source.read(offset, size)
        if marker in (_SCAN, _END):
            break
        offset += size
    raise DamagedError("no header of a frame")


def _next_segment(source: Source, offset: int) -> tuple[int, int, int]:
    """Offset of the body, marker and size of the body of the segment at `offset`."""
    while True:
        head = source.read_up_to(offset, 4)
        if len(head) < 2 or head[0] != 0xFF:
            raise DamagedError(f"no segment at {offset}")
        marker = head[1]
        if marker == 0xFF:  # a fill byte
            offset += 1
        elif marker in _NO_BODY or marker == _START:
            offset += 2
        elif marker == _END or len(head) < 4:
            return offset, _END, 0
        else:
            size = head[2] << 8 | head[3]
            if size < 2:
                raise DamagedError(f"a segment of {size} bytes at {offset}")
            return offset + 4, marker, size - 2


def _add_tables(tables: dict[int, bytes | tuple[int, ...]], body: bytes) -> None:
    at = 0
    while at < len(body):
        width = 2 if body[at] >> 4 else 1
        values = body[at + 1 : at + 1 + 64 * width]
        if len(values) < 64 * width:
            return
        # Sums are all that is needed, so the zigzag order may stay.
        high_low = zip(values[::2], values[1::2], strict=True)
        tables[body[at] & 15] = (
            values if width == 1 else tuple(high << 8 | low for high, low in high_low)
        )
        at += 1 + 64 * width


def _frame_facts(frame: bytes, marker: int) -> dict[str, int | str | None]:
    """Precision, height, width, then per component: number, sampling factors, table."""
    if len(frame) < 6 or len(frame) < 6 + 3 * frame[5] or not frame[5]:
        raise DamagedError("a frame header cut short")
    facts: dict[str, int | str | None] = {
        "BitDepth": frame[0],
        "Channels": frame[5],
        "Progressive": int(marker in _PROGRESSIVE),
    }
    if frame[5] > 1:
        factors = frame[7 : 6 + 3 * frame[5] : 3]
        facts["ChromaSubsampling"] = _subsampling([(f >> 4, f & 15) for f in factors])
    return facts


def _subsampling(factors: list[tuple[int, int]]) -> str:
    """In the J:a:b notation, where it has one for them: 4 wide, two rows high."""
    (luma_x, luma_y), *chroma = factors[:3]
    if len(set(chroma)) == 1:
        across, down = chroma[0]
        if across and down and luma_x % across == 0 and luma_y % down == 0:
            ratio = luma_x // across, luma_y // down
            names = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0"}
            names |= {(4, 1): "4:1:1", (4, 2): "4:1:0"}
            if ratio in names:
                return names[ratio]
    return " ".join(f"{x}x{y}" for x, y in factors)


def _frame_count(block: bytes) -> int | None:
    """Pictures of a multi-picture file (CIPA DC-007): tag 0xB001."""
    try:
        tiff = Tiff(Source(block))
        return tiff.integer(tiff.directory(tiff.first), 0xB001, 1)
    except DamagedError:
        return None


_MAX_CHUNKS = 65_536
_MAX_TEXT = 4 << 20
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PROFILE_TEXTS = (b"Raw profile type exif\0", b"Raw profile type APP1\0")


def png_header(source: Source) -> tuple[dict[str, int | str | None], bytes]:
    """Facts of a PNG file, and its Exif block or no bytes.

    The Exif may follow the pixels, so all chunks are stepped over, up to 65 536.
    """
    depth, colour, interlace = struct.unpack(">BBxxB", source.read(24, 5))
    facts: dict[str, int | str | None] = {
        "BitDepth": depth,
        "Channels": _CHANNELS.get(colour),
        "HasAlpha": int(colour in (4, 6)),
        "Progressive": int(interlace != 0),
        "FrameCount": 1,
        "ColorProfile": None,
    }
    exif = b""
    offset = 8
    with contextlib.suppress(DamagedError):
        for _ in range(_MAX_CHUNKS):
            size, name = struct.unpack(">I4s", source.read(offset, 8))
            body = offset + 8
            if name == b"IEND":
                break
            if name == b"eXIf":
                exif = source.read_up_to(body, size)
            elif name == b"tRNS":
                facts["HasAlpha"] = 1
            elif name == b"acTL":
                facts["FrameCount"] = struct.unpack(">I", source.read(body, 4))[0]
            elif name == b"iCCP":
                block = source.read_up_to(body, min(size, _MAX_TEXT))
                facts["ColorProfile"] = profile_description(_inflate(block, 1 << 16))
            elif name in (b"tEXt", b"zTXt") and not exif:
                block = source.read_up_to(body, min(size, _MAX_TEXT))
                if block.startswith(_PROFILE_TEXTS):
                    exif = _profile_text(block, deflated=name == b"zTXt")
            offset = body + size + 4
    return facts, exif


_POINTER_TYPES = (3, 4, 9, 13, 16, 17, 18)
_SIZES = {5: 8, 10: 8, 12: 8, 16: 8, 17: 8, 18: 8, 3: 2, 8: 2, 4: 4, 9: 4, 11: 4, 13: 4}
_EXIF, _GPS, _INTEROP = 34665, 34853, 40965

_Entries = list[tuple[int, int, int, bytes]]


def exif_tags(source: Source) -> tuple[str, _Entries, _Entries, _Entries, _Entries] | None:
    """The tags of each directory: code, type, count of values, their first 512 bytes."""
    try:
        tiff = Tiff(source)
        main = tiff.directory(tiff.first)
    except DamagedError:
        return None
    exif = _directory_at(tiff, main, _EXIF)
    gps = _directory_at(tiff, main, _GPS)
    interop = _directory_at(tiff, exif, _INTEROP)
    directories = (main, exif, gps, interop)
    return (tiff.order, *(_entries(tiff, source, tags) for tags in directories))  # type: ignore[return-value]


def _directory_at(tiff: Tiff, parent: dict[int, Entry], tag: int) -> dict[int, Entry]:
    pointer = parent.get(tag)
    if pointer is None or pointer.kind not in _POINTER_TYPES or pointer.length != 1:
        return {}
    try:
        return tiff.directory(tiff.integer(parent, tag, 0))
    except DamagedError:
        return {}


def _entries(tiff: Tiff, source: Source, directory: dict[int, Entry]) -> _Entries:
    entries = []
    for tag, entry in directory.items():
        size = _SIZES.get(entry.kind, 1) * entry.length
        if size <= len(entry.data):
            start = entry.data[:size]
        else:
            offset = min(tiff.pointer(entry), source.size)
            start = source.read_up_to(offset, min(size, 512))
        entries.append((tag, entry.kind, entry.length, start))
    return entries
