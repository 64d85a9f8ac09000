"""How files of the formats begin. Formats have Pillow's names; ``"RAW"`` is a camera's file."""

__all__ = ["READ_WHOLE", "START_BYTES", "format_of"]

# As many first bytes tell the format: they hold a file type box with its brands.
START_BYTES = 64

# Formats whose signature has one byte, or none, are left out. WebP is a kind of RIFF.
_SIGNATURES = {
    b"BLP1": "BLP",
    b"BLP2": "BLP",
    b"BM": "BMP",
    b"DDS ": "DDS",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"icns": "ICNS",
    b"\0\0\1\0": "ICO",
    b"\xff\xd8\xff": "JPEG",
    b"\xff\x4f\xff\x51": "JPEG2000",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG2000",
    b"\xff\x0a": "JXL",
    b"\0\0\0\x0cJXL \r\n\x87\n": "JXL",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"8BPS\0\1": "PSD",
    b"qoif": "QOI",
    b"\x01\xda": "SGI",
    b"II*\0": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0*": "TIFF",
    b"MM\0+": "TIFF",
    b"IIU\0": "RAW",
    b"IIRO": "RAW",
    b"IIRS": "RAW",
    b"MMOR": "RAW",
}

# Brands of the ISO base media file format. "mif1" and "msf1" may hold any coding; the other brands
# of the file name it.
_AVIF = frozenset({b"avif", b"avis"})
_HEIF = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)

# Formats whose decoders take all bytes of a file into memory, whatever its header says.
READ_WHOLE = frozenset({"AVIF", "HEIF", "JXL", "WEBP"})


def format_of(start: bytes) -> str | None:
    """The format of a file by its first `START_BYTES`; None for an unknown one."""
    if start[4:8] == b"ftyp":
        return _by_brands(start)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    return next((name for mark, name in _SIGNATURES.items() if start.startswith(mark)), None)


def _by_brands(start: bytes) -> str | None:
    # Size and type of the box, the major brand and its version, then the compatible brands.
    size = min(int.from_bytes(start[:4], "big"), len(start))
    brands = {start[8:12]} | {start[offset : offset + 4] for offset in range(16, size - 3, 4)}
    if brands & _AVIF:
        return "AVIF"
    return "HEIF" if brands & _HEIF else None
