"""TIFF files that are read in tiles: which ones, and their directories within bounds."""

import logging
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any

from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.decoders import decoder
from lightmeter.image.encoded import EncodedBytes, EncodedFile, Opened
from lightmeter.image.exif import ExifTags, read_exif
from lightmeter.image.frame import Frame
from lightmeter.image.header import Facts, Header, read_header
from lightmeter.image.pillow import is_raw
from lightmeter.image.reading import Reading
from lightmeter.image.tiff import Tiff
from lightmeter.image.tiles.raster import MOST_DECODED, MOST_WHOLE
from lightmeter.image.tiles.tiff_kinds import NO_PREDICTOR, PLAIN, mode_of
from lightmeter.image.tiles.tiff_pages import MOST_LEVELS, TiffPages

_HOW_TO_READ = "this needs: pip install 'lightmeter[large]' (tifffile, imagecodecs)"
_MOST_PAGES = 4096
_MOST_HELD = 1 << 28  # bytes of memory for what tifffile reads of all pages
_BYTES = (1, 2, 7)  # types whose values tifffile keeps as bytes
_NUMBER_BYTES = 40  # of a number in a tuple

_SUBFILE_TYPE, _WIDTH, _HEIGHT, _BITS, _SAMPLES = 254, 256, 257, 258, 277
_ALSO_LOADED = frozenset({255, 274, 65426})
_TILE_WIDTH, _TILE_HEIGHT, _SUB_IFDS, _STACK_OF_METAMORPH = 322, 323, 330, 33628

# tifffile logs damage. Without a handler logging would print it.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@cache
def _can_read() -> bool:
    return all(map(find_spec, ("tifffile", "imagecodecs")))


def open_large_tiff(file: Opened, reading: Reading) -> Iterator[Frame] | None:
    """Open a TIFF file that is read in tiles; None for any other file.

    It is read so if its first page is large, where a level is asked for, where its samples are
    bands, and where all bits of 16-bit colour are wanted.

    Raises:
        ImageError: it is damaged, or of a kind that is not read here.
    """
    if isinstance(file, EncodedBytes) or file.format != "TIFF":
        return None
    try:
        pages = _pages_of(file, reading)
    except (ImageError, OSError):
        raise
    except Exception as error:
        if reading.pyramid_level is None:
            return None  # Pillow may read more of it, or says what is wrong
        raise ImageError("corrupt", f"{type(error).__name__}: {error}"[:200]) from None
    return None if pages is None else _frames(file, pages, reading)


def _frames(file: EncodedFile, pages: TiffPages, reading: Reading) -> Iterator[Frame]:
    header, first = read_header(file) or Header({}), pages.levels[0]
    is_encoded = first.compression != PLAIN or first.predictor != NO_PREDICTOR
    decoded_by = decoder("TIFF", "imagecodecs") if is_encoded else None
    facts: Facts | None = {"Format": "TIFF", "FileSize": file.size, **header.facts}
    exif: ExifTags | None = read_exif(header.exif, reading.exif)
    for rasters in pages.rasters(reading):
        yield Frame(rasters, exif, facts, decoded_by)
        exif = facts = None


def _pages_of(file: EncodedFile, reading: Reading) -> TiffPages | None:
    tiff = Tiff(file)
    first = tiff.directory(tiff.first)
    width, height = tiff.integer(first, _WIDTH, 0), tiff.integer(first, _HEIGHT, 0)
    bits, samples = tiff.integer(first, _BITS, 1), tiff.integer(first, _SAMPLES, 1)
    pixel_bytes = samples * max(8, bits) / 8
    is_level, is_bands = reading.pyramid_level is not None, reading.bands is not None
    is_large = is_level or width * height * pixel_bytes > MOST_WHOLE
    is_deep = reading.all_bits and samples >= 3 and bits == 16
    is_wanted = is_large or is_bands or is_deep
    if not is_wanted or is_raw(file.start(), first, tiff.integer(first, _SUBFILE_TYPE, 0)):
        tile = tiff.integer(first, _TILE_WIDTH, 0) * tiff.integer(first, _TILE_HEIGHT, 0)
        if tile * pixel_bytes > MOST_DECODED:  # Pillow would hold it, however small the picture is
            raise ImageError("too_large", f"tiles of more than {MOST_DECODED} bytes")
        return None
    if not _can_read():
        most = Image.MAX_IMAGE_PIXELS
        if is_level or (most is not None and width * height > 2 * most):
            raise ImageError("too_large", f"{width}x{height} pixels; {_HOW_TO_READ}")
        return None
    pages = open_pages(file, tiff)
    if not is_large and reading.frames == "all" and not pages.are_planes:
        return None  # of a small file every page counts
    # Pillow may know what is not known here.
    is_known = reading.pyramid_level or mode_of(pages.levels[0], reading.band_count) is not None
    return pages if is_known else None


def open_pages(file: EncodedFile, tiff: Tiff) -> TiffPages:
    """Read all directories of a file.

    Its `TiffFile.series` are not asked for: they hold as much as the file says, whatever its size,
    and an OME-TIFF may name other files for them.

    Raises:
        ImageError: they are too many or too large.
        Exception: they are damaged.
    """
    import tifffile

    loaded = tifffile.TIFF.TAG_LOAD | tifffile.TIFF.TAG_ATTRIBUTES.keys() | _ALSO_LOADED
    _check_directories(tiff, loaded)
    # Otherwise a file may say that it has the frames or offsets of a certain program. These are
    # all that the directories are read by; newer ones of tifffile refuse some of the others.
    plain: Any = {"is_lsm": False, "is_ndpi": False, "is_scanimage": False}
    file.seek(0)
    return TiffPages(list(tifffile.TiffFile(file, **plain).pages), file)


def _check_directories(tiff: Tiff, loaded: frozenset[int]) -> None:
    """Refuse what would take tifffile much memory or time: it reads the tags `loaded` itself."""
    offsets = tiff.directories(_MOST_PAGES)
    if offsets is None:
        raise ImageError("too_large", f"more than {_MOST_PAGES} pages, or pages in a circle")
    held = 0
    for offset in offsets:
        directory = tiff.directory(offset)
        inner = tiff.numbers(directory[_SUB_IFDS], MOST_LEVELS) if _SUB_IFDS in directory else ()
        for tags in (directory, *(tiff.directory(int(place or 0)) for place in inner)):
            if _STACK_OF_METAMORPH in tags:  # each number of it is read once for each plane
                raise ValueError("a stack of MetaMorph")
            for tag in tags.keys() & loaded:
                value_bytes = 1 if tags[tag].kind in _BYTES else _NUMBER_BYTES
                held += tags[tag].length * value_bytes
        if held > _MOST_HELD:
            raise ImageError("too_large", f"tags of more than {_MOST_HELD} bytes")
