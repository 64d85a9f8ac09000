"""Which TIFF files are read in tiles, and what there is to measure in them."""

from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.decoders import decoder
from lightmeter.image.encoded import EncodedFile
from lightmeter.image.exif import read_exif
from lightmeter.image.header import Header, read_header
from lightmeter.image.magic import START_BYTES, format_of
from lightmeter.image.pillow import is_raw
from lightmeter.image.reading import Reading
from lightmeter.image.tiff import Tiff
from lightmeter.image.tiles.raster import MOST_DECODED, LargePicture, band_count
from lightmeter.image.tiles.tiff import HOW_TO_READ, TiffPicture, can_read

__all__ = ["MOST_WHOLE", "open_large_tiff"]

# Bytes of decoded samples beyond which a TIFF is read in tiles.
MOST_WHOLE = 1 << 27

_WIDTH, _HEIGHT, _BITS, _SAMPLES, _SUBFILE_TYPE = 256, 257, 258, 277, 254
_TILE_WIDTH, _TILE_HEIGHT = 322, 323


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
    header = read_header(file) or Header({})
    return LargePicture(
        picture.rasters(reading),
        {"Format": "TIFF", "FileSize": file.size, **header.facts},
        read_exif(header.exif, reading.exif),
        decoder("TIFF", "imagecodecs") if picture.is_encoded else None,
    )


def _tiff_of(file: EncodedFile, start: bytes, reading: Reading) -> TiffPicture | None:
    tiff = Tiff(file)
    first = tiff.directory(tiff.first)
    width, height = tiff.integer(first, _WIDTH, 0), tiff.integer(first, _HEIGHT, 0)
    bits, samples = tiff.integer(first, _BITS, 1), tiff.integer(first, _SAMPLES, 1)
    pixel_bytes = samples * max(8, bits) / 8
    decoded_bytes = width * height * pixel_bytes
    is_large = reading.pyramid_level is not None or decoded_bytes > MOST_WHOLE
    is_bands = reading.bands is not None
    is_deep = reading.all_bits and samples >= 3 and bits == 16 and reading.bands is None
    is_wanted = is_large or is_bands or is_deep
    if not is_wanted or is_raw(start, first, tiff.integer(first, _SUBFILE_TYPE, 0)):
        tile = tiff.integer(first, _TILE_WIDTH, 0) * tiff.integer(first, _TILE_HEIGHT, 0)
        if tile * pixel_bytes > MOST_DECODED:  # Pillow would hold it, however small the picture is
            raise ImageError("too_large", f"tiles of more than {MOST_DECODED} bytes")
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
