"""Recognizing formats by the first bytes of a file. Formats have Pillow's names."""

# Number of first bytes that determine the format. They include a file type box with its brands, and
# the start of the second packet of a transport stream.
START_BYTES = 192

# Formats whose signature has at most one byte are left out. WebP is a kind of RIFF.
_SIGNATURES: dict[str, bytes | tuple[bytes, ...]] = {
    "BLP": (b"BLP1", b"BLP2"),
    "BMP": b"BM",
    "CZI": b"ZISRAWFILE",
    "DDS": b"DDS ",
    "MATROSKA": b"\x1a\x45\xdf\xa3",
    "MPEG": b"\0\0\1\xba",
    "GIF": (b"GIF87a", b"GIF89a"),
    "ICNS": b"icns",
    "ICO": b"\0\0\1\0",
    "LIF": b"p\0\0\0",
    "ND2": b"\xda\xce\xbe\x0a",
    "VRT": b"<VRTDataset",
    "JPEG": b"\xff\xd8\xff",
    "JPEG2000": (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"),
    "JXL": (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"),
    "PNG": b"\x89PNG\r\n\x1a\n",
    "PSD": b"8BPS\0\1",
    "QOI": b"qoif",
    "SGI": b"\x01\xda",
    "TIFF": (b"II*\0", b"II+\0", b"MM\0*", b"MM\0+"),
}

# Brands of the ISO base media file format. "mif1" and "msf1" may hold any coding, which the other
# brands of the file name.
_AVIF = {b"avif", b"avis"}
_HEIF = {*b"heic heix heim heis hevc hevx hevm hevs mif1 msf1".split()}

# Formats that only the readers of `lightmeter.interop.readers` read, with the reader of each.
READERS = {"CZI": "microscope", "DICOM": "dicom", "LIF": "microscope", "ND2": "microscope"}
READERS |= {"VRT": "gdal"}

# Boxes at the start of a QuickTime file. Their names are at byte 4, as in a file type box.
_BOXES = {b"ftyp", b"moov", b"mdat", b"wide"}

# Video formats. MP4 stands for its whole family, including QuickTime.
VIDEOS = frozenset({"AVI", "MATROSKA", "MP4", "MPEG", "MPEGTS"})
VIDEO_SUFFIXES = frozenset(
    {".3gp", ".avi", ".m2v", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"}
)

# Formats whose decoders load the whole file into memory, whatever its header says.
READ_WHOLE = frozenset({"AVIF", "HEIF", "JXL", "WEBP"})


def format_of(start: bytes) -> str | None:
    """Return the format of a file from its first `START_BYTES` bytes; None if unknown."""
    if start[4:8] == b"ftyp" and (name := _by_brands(start)):
        return name
    if start[4:8] in _BOXES:
        return "MP4"
    if start[:4] == b"RIFF" and start[8:12] in (b"WEBP", b"AVI "):
        return start[8:12].decode().strip()
    if start[128:132] == b"DICM":
        return "DICOM"
    marked = (name for name, marks in _SIGNATURES.items() if start.startswith(marks))
    return next(marked, "MPEGTS" if start[:1] == start[188:189] == b"G" else None)


def _by_brands(start: bytes) -> str | None:
    # Size and type of the box, the major brand and its version, then the compatible brands.
    size = min(int.from_bytes(start[:4], "big"), len(start))
    brands = {start[8:12]} | {start[offset : offset + 4] for offset in range(16, size - 3, 4)}
    if brands & _AVIF:
        return "AVIF"
    return "HEIF" if brands & _HEIF else None
