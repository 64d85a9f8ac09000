"""Opening encoded images of every kind, and recognizing their format by the first bytes."""

import io
import os
from functools import partial
from pathlib import Path
from typing import IO, Any

from PIL import Image

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.files import AnyPath, open_regular
from lightmeter.image.failure import image_error
from lightmeter.image.limits import Limits

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
READERS = {
    "CZI": "microscope",
    "DICOM": "dicom",
    "LIF": "microscope",
    "ND2": "microscope",
    "VRT": "gdal",
}

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


Encoded = AnyPath | bytes | bytearray | IO[bytes]

_BUFFER = 65536
_MOST_PATH = 512
_ANY_PIXELS = 1 << 63
_PIECE = 1 << 20
_MOST_PIPED = 1 << 31  # bytes of a stream that must be kept in memory

# A JPEG or PNG file up to this size is read at once. It is the size of a JPEG file of 100
# megapixels, whose pixels take five times as much.
BYTES_AT_ONCE = 64 << 20

# A Zarr folder has a known suffix or one of these files.
ZARR_FILES = ("zarr.json", ".zarray", ".zgroup", ".zattrs")

# Files up to this size are read together with others.
BYTES_TOGETHER = 1 << 14


class EncodedFile(io.BufferedReader):
    """Wrap a binary file for a decoder, in a ``with`` block.

    A decoder may mistake a failed read for damage. The error of a failed read therefore replaces
    the error of the block.

    Attributes
    ----------
    size
        Total bytes.
    start
        First bytes.
    format
        Format according to the first bytes; None if unknown.
    """

    name = ""  # that below is the number of a descriptor, which tifffile takes for a path

    def __init__(self, inner: Any, size: int, *, owned: bool) -> None:
        """Wrap `inner`, which is closed at the end if it is `owned`."""
        super().__init__(inner, _BUFFER)
        self.size, self._inner, self._owned = size, inner, owned
        self._error: Exception | None = None
        self.start = self.read(START_BYTES)
        self.seek(0)
        self.format = format_of(self.start)

    def read(self, size: int | None = -1, /) -> bytes:
        """Read bytes."""
        try:
            return super().read(size)
        except Exception as error:
            self._error = error
            raise

    def fileno(self) -> int:
        """Raise UnsupportedOperation.

        With a descriptor, libtiff would bypass a file object that unpacks its data.
        """
        raise io.UnsupportedOperation("fileno")

    def close(self) -> None:
        """Do nothing, because a Pillow plugin may close the file while it is still in use."""

    def __exit__(self, kind: object, error: object, *_: object) -> None:
        """Close the file, even if a plugin detached the underlying file.

        Raises
        ------
        ImageError
            A read failed, and therefore the block.
        """
        if self._owned:
            self._inner.close()
        if self._error is not None and isinstance(error, Exception):
            raise image_error(self._error, otherwise="unreadable") from error


class EncodedBytes(io.BytesIO):
    """Hold a JPEG or PNG file in memory, which Pillow reads without calling Python.

    Attributes
    ----------
    image
        Format, header and bytes, which the core read.
    format
        ``"JPEG"`` or ``"PNG"``.
    data
        The bytes.
    size
        Number of bytes.
    """

    def __init__(self, image: "_core.EncodedImage") -> None:
        """Wrap a file that the core read."""
        self.image = image
        self.format: str | None = image[0]
        self.data = image[2]
        self.size = len(self.data)
        super().__init__(self.data)


Opened = EncodedFile | EncodedBytes


def short_path(path: object) -> str:
    """Return the path as text; empty if `path` is not a path.

    Bytes that are not UTF-8 are replaced. A long path is cut at the front, before the name.
    """
    if not isinstance(path, str | bytes | os.PathLike):
        return ""
    text = os.fsdecode(path).encode(errors="replace")
    return text[-_MOST_PATH:].decode(errors="ignore")


def is_zarr(path: object) -> bool:
    """Return whether `path` is a Zarr folder, by its suffix or its metadata."""
    if not isinstance(path, str | os.PathLike) or not os.path.isdir(path):
        return False
    folder = Path(os.fsdecode(path))
    found = map(os.path.exists, map(folder.joinpath, ZARR_FILES))
    return folder.suffix.lower() == ".zarr" or any(found)


def read_whole(file: IO[bytes] | bytearray, limits: Limits) -> IO[bytes] | bytes:
    """Read a caller's file of moderate size whole, from its start; open a larger one.

    Raises
    ------
    ImageError
        The file cannot be opened; see `open_encoded`.
    """
    opened = open_encoded(file, limits)
    if opened.size > BYTES_AT_ONCE:
        return opened
    with opened:
        return opened.read(opened.size)


def most_pixels(limits: Limits) -> int:
    """Return the maximum pixels of an image that is read whole, by Pillow's limits and ours."""
    most = Image.MAX_IMAGE_PIXELS
    return int(min(_ANY_PIXELS, 2 * (most or _ANY_PIXELS), limits.pixels or _ANY_PIXELS))


def open_encoded(image: Encoded | EncodedBytes, limits: Limits) -> Opened:
    """Open encoded bytes for decoding, from their start. A file that the caller opened stays open.

    What is open already is returned itself.

    Raises
    ------
    ImageError
        There are no bytes or too many, or they cannot be opened.
    """
    if isinstance(image, Opened):
        return image
    inner: Any
    owned = isinstance(image, str | os.PathLike)
    most = limits.bytes
    try:
        if isinstance(image, str | os.PathLike):
            if os.path.isdir(image):
                os.scandir(image).close()  # raises the reason if it cannot be listed
            inner = open_regular(image)
        elif isinstance(image, bytes | bytearray):
            inner = io.BytesIO(image)
        elif hasattr(image, "readinto") and image.seekable():
            inner = image
        else:
            most, data = min(_MOST_PIPED, most or _MOST_PIPED), bytearray()
            for piece in iter(partial(image.read, _PIECE), b""):
                data += piece
                if len(data) > most:
                    break
            inner = io.BytesIO(data)
        size = inner.seek(0, os.SEEK_END)
        inner.seek(0)
        if 0 < size <= (most or size):
            return EncodedFile(inner, size, owned=owned)
    except Exception as error:
        raise image_error(error, otherwise="unreadable") from error
    if owned:
        inner.close()
    if size == 0:
        raise ImageError("empty", "no bytes")
    raise ImageError("too_large", f"more than {most} bytes")
