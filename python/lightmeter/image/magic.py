"""How files of the formats begin. Formats have Pillow's names; ``"RAW"`` is a camera's file."""

__all__ = ["READ_WHOLE", "START_BYTES", "begun_format", "format_of"]

# As many first bytes tell the format: they hold a file type box with its brands.
START_BYTES = 64

# A dot stands for any byte. Formats whose signature has one byte, or none, are left out.
_ANY = ord(".")  # an int: bytes take a microsecond to look for
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
    b"RIFF....WEBP": "WEBP",
    b"IIU\0": "RAW",
    b"IIRO": "RAW",
    b"IIRS": "RAW",
    b"MMOR": "RAW",
}
_FILE_TYPE = b"ftyp"  # after the size of the box

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
    if start[4:8] == _FILE_TYPE:
        return _by_brands(start)
    for signature, name in _SIGNATURES.items():
        if _matches(signature, start):
            return name
    return None


def begun_format(start: bytes) -> str | None:
    """The format whose signature begins with these bytes, all that is left of a cut file."""
    for signature, name in {**_SIGNATURES, b"\0\0\0.ftypavif": "AVIF"}.items():
        if start and len(start) < len(signature) and _matches(signature[: len(start)], start):
            return name
    return None


def _matches(signature: bytes, start: bytes) -> bool:
    if _ANY not in signature:
        return start.startswith(signature)
    return len(start) >= len(signature) and all(
        want in (have, _ANY) for want, have in zip(signature, start, strict=False)
    )


def _by_brands(start: bytes) -> str | None:
    # Size and type of the box, the major brand and its version, then the compatible brands.
    size = min(int.from_bytes(start[:4], "big"), len(start))
    brands = {start[8:12]} | {start[at : at + 4] for at in range(16, size - 3, 4)}
    if brands & _AVIF:
        return "AVIF"
    return "HEIF" if brands & _HEIF else None
