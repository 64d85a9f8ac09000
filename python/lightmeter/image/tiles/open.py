"""Which files and arrays are read in tiles, and what there is to measure in them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.arrays import Channels
from lightmeter.image.encoded import EncodedFile
from lightmeter.image.header import Facts, Header, read_header
from lightmeter.image.magic import START_BYTES, format_of
from lightmeter.image.pillow import is_raw
from lightmeter.image.reading import Reading
from lightmeter.image.tiff import Tiff
from lightmeter.image.tiles.array_raster import axes_of, planes_of
from lightmeter.image.tiles.raster import Raster, band_count
from lightmeter.image.tiles.tiff import HOW_TO_READ, TiffPicture, can_read
from lightmeter.image.tiles.zarr_folder import ZarrPicture

__all__ = ["MOST_WHOLE", "LargePicture", "open_array", "open_large_tiff", "open_zarr"]

# Bytes of decoded samples beyond which a TIFF is read in tiles.
MOST_WHOLE = 1 << 27

_WIDTH, _HEIGHT, _BITS, _SAMPLES, _SUBFILE_TYPE = 256, 257, 258, 277, 254


class LargePicture(NamedTuple):
    """What is read in tiles.

    Attributes:
        pictures: what to measure, one after the other: a raster, or one for each band.
        facts: what is known of the file; None of an array.
        header: its header, if it has one.
        is_encoded: whether its samples are not stored as they are.
        order: of its channels of colour.
    """

    pictures: Iterator[Sequence[Raster]]
    facts: Facts | None = None
    header: Header | None = None
    is_encoded: bool = False
    order: Channels = "RGB"


def open_large_tiff(file: EncodedFile, reading: Reading) -> LargePicture | None:
    """Open a TIFF file that is read in tiles; None for any other file.

    It is read so if its first page is large, where a level is asked for, where its samples are
    bands, and where all bits of 16-bit colour are wanted.

    Raises:
        ImageError: it is damaged, or of a kind that is not read here.
    """
    start = file.start(START_BYTES)
    if format_of(start) != "TIFF":
        return None
    try:
        picture = _tiff_of(file, start, reading)
    except (ImageError, OSError):
        raise
    except Exception as error:
        if reading.pyramid_level is None:
            return None  # Pillow may read more of it, or says what is wrong
        raise ImageError("corrupt", f"{type(error).__name__}: {error}"[:200]) from None
    if picture is None:
        return None
    header = read_header(file)
    facts: Facts = {"Format": "TIFF", "FileSize": file.size}
    if header is not None:
        facts |= header.facts
    return LargePicture(picture.rasters(reading), facts, header, picture.is_encoded)


def _tiff_of(file: EncodedFile, start: bytes, reading: Reading) -> TiffPicture | None:
    tiff = Tiff(file)
    first = tiff.directory(tiff.first)
    width, height = tiff.integer(first, _WIDTH, 0), tiff.integer(first, _HEIGHT, 0)
    bits, samples = tiff.integer(first, _BITS, 1), tiff.integer(first, _SAMPLES, 1)
    decoded_bytes = width * height * samples * max(8, bits) // 8
    is_large = reading.pyramid_level is not None or decoded_bytes > MOST_WHOLE
    is_bands = reading.bands is not None
    is_deep = reading.all_bits and samples >= 3 and bits == 16 and reading.bands is None
    is_wanted = is_large or is_bands or is_deep
    if not is_wanted or is_raw(start, first, tiff.integer(first, _SUBFILE_TYPE, 0)):
        return None
    if not can_read():
        most = Image.MAX_IMAGE_PIXELS
        if reading.pyramid_level is not None or (most is not None and width * height > 2 * most):
            raise ImageError("too_large", f"{width}x{height} pixels; {HOW_TO_READ}")
        if is_bands and (samples not in (2, 3, 4) or bits != 8):  # which Pillow has no mode for
            raise ImageError("unsupported", f"{samples} x {bits}-bit samples; {HOW_TO_READ}")
        return None
    picture = TiffPicture(file)
    if not is_large and reading.frames == "all" and not picture.is_of_planes:
        return None  # of a small file every page counts
    # Pillow may know what is not known here.
    return picture if reading.pyramid_level or picture.is_known(band_count(reading)) else None


def open_zarr(folder: Path, reading: Reading) -> LargePicture:
    """Open a folder of Zarr.

    Raises:
        ImageError: there is no picture in it, or it is damaged.
    """
    picture = ZarrPicture(folder, reading)
    planes = planes_of(picture.array, picture.axes, reading, is_colour=picture.is_colour)
    pictures = ([raster] for raster in planes)
    return LargePicture(pictures, picture.facts, is_encoded=picture.is_encoded)


def open_array(array: Any, reading: Reading) -> LargePicture:
    """Open an array whose parts can be read, as `is_chunked` says; of a batch all pictures.

    Raises:
        ImageError: it has other dimensions than `Reading.layout`.
    """
    axes = axes_of(array.shape, reading)
    planes = planes_of(array, axes, reading, is_colour="c" in axes, is_batch=True)
    return LargePicture(([raster] for raster in planes), order=reading.channels)
