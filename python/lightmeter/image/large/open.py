"""Which files are read in tiles, and what there is to measure in them."""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.encoded import EncodedFile
from lightmeter.image.header import DamagedError, Facts, Header, Source, read_header
from lightmeter.image.header.tiff import Tiff
from lightmeter.image.large.codecs import HOW_TO_READ, has_codecs
from lightmeter.image.large.raster import Raster
from lightmeter.image.large.tiff_page import TiffPage
from lightmeter.image.large.tiff_picture import TiffPicture
from lightmeter.image.large.zarr_picture import ZarrPicture
from lightmeter.image.magic import START_BYTES, format_of
from lightmeter.image.reading import Reading

__all__ = ["MOST_WHOLE", "LargePicture", "open_large_tiff", "open_zarr"]

# Bytes of decoded samples beyond which a TIFF is read in tiles.
MOST_WHOLE = 1 << 27


class LargePicture(NamedTuple):
    """A file that is read in tiles.

    Attributes:
        pictures: what to measure, one after the other: a raster, or one for each band.
        facts: what is known of the file.
        header: its header, if it has one.
        is_encoded: whether its samples are not stored as they are.
    """

    pictures: Iterator[Sequence[Raster]]
    facts: Facts
    header: Header | None
    is_encoded: bool


def open_large_tiff(file: EncodedFile, reading: Reading) -> LargePicture | None:
    """A TIFF file that is read in tiles; None for any other file.

    It is read so if its first page is large, where a level is asked for, and where all bits of
    16-bit colour are wanted.

    Raises:
        ImageError: it is damaged, or of a kind that is not read here.
    """
    start = file.start(START_BYTES)
    if format_of(start) != "TIFF":
        return None
    try:
        picture = _tiff_of(file, start, reading)
        if picture is None:
            return None
        bands = None if reading.bands is None else len(reading.bands)
        rasters = picture.rasters(
            reading.pyramid_level or 0,
            bands,
            most=reading.limits.frames if reading.frames == "all" else None,
            whole=reading.frames == "all",
        )
        header = read_header(file)
        facts: Facts = {"Format": "TIFF", "FileSize": file.size}
        if header is not None:
            facts |= header.facts
        return LargePicture(_damage_named(rasters), facts, header, picture.first.needs_codecs)
    except (DamagedError, struct.error) as error:
        if reading.pyramid_level is None:
            return None
        raise ImageError("corrupt", f"{type(error).__name__}: {error}") from None


def _tiff_of(file: EncodedFile, start: bytes, reading: Reading) -> TiffPicture | None:
    source = Source(file)
    tiff = Tiff(source)
    first = TiffPage(tiff, source, tiff.first)
    is_large = reading.pyramid_level is not None or first.decoded_bytes > MOST_WHOLE
    is_deep = reading.all_bits and first.samples >= 3 and first.bits == 16
    is_deep = is_deep and (reading.deep_colour or reading.bands is None)
    if first.is_raw(start) or not (is_large or is_deep):
        return None
    if first.needs_codecs and not has_codecs():
        pixels = first.width * first.height
        most = Image.MAX_IMAGE_PIXELS
        if reading.pyramid_level is None and (most is None or pixels <= 2 * most):
            return None
        raise ImageError("too_large", f"{first.width}x{first.height} pixels; {HOW_TO_READ}")
    picture = TiffPicture(file)
    if not is_large and reading.frames == "all" and not picture.is_of_planes:
        return None  # of a small file every page counts
    bands = None if reading.bands is None else len(reading.bands)
    # Pillow may know what is not known here.
    return picture if reading.pyramid_level or picture.is_known(bands) else None


def _damage_named(rasters: Iterator[Sequence[Raster]]) -> Iterator[Sequence[Raster]]:
    try:
        yield from rasters
    except (DamagedError, struct.error) as error:
        raise ImageError("corrupt", f"{type(error).__name__}: {error}") from None


def open_zarr(folder: Path, reading: Reading) -> LargePicture:
    """A folder of Zarr.

    Raises:
        ImageError: there is no picture in it, or it is damaged.
    """
    bands = None if reading.bands is None else len(reading.bands)
    picture = ZarrPicture(folder, reading.pyramid_level or 0, reading.layout, bands)
    whole = reading.frames == "all"
    rasters = picture.planes(most=reading.limits.frames if whole else None, whole=whole)
    is_encoded = bool(picture.array.layout.decoders)
    return LargePicture(([raster] for raster in rasters), picture.facts, None, is_encoded)
