"""From whatever holds a picture to its measurement and its Exif."""

import contextlib
import io
import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter.errors import ImageError, Reason
from lightmeter.image.arrays import ArrayLike, Channels, as_numpy, is_array, pictures
from lightmeter.image.bands import BandMeter, are_pages, bands_of, check_pages
from lightmeter.image.decode.png import is_deep_colour, measure_png
from lightmeter.image.decode.trusted import is_trusted
from lightmeter.image.decoders import Decoder, decoder, decoder_of
from lightmeter.image.encoded import (
    BYTES_AT_ONCE,
    BYTES_TOGETHER,
    NOTHING,
    Encoded,
    EncodedBytes,
    EncodedFile,
    Wanted,
    open_to_decode,
    read_files,
    size_of,
)
from lightmeter.image.exif import ExifPolicy, ExifTags, exif_of, read_exif
from lightmeter.image.failure import image_error
from lightmeter.image.header import Facts, Header, Source, exif_block, header_of, read_header
from lightmeter.image.header.icc import profile_description
from lightmeter.image.limits import Limits
from lightmeter.image.meter import ImageMeter
from lightmeter.image.metrics import Returned, run
from lightmeter.image.opened import check_depth, check_range, check_size, most_pixels, open_picture
from lightmeter.image.parts import MeasuredJpeg
from lightmeter.image.reading import DEFAULT_READING, Reading
from lightmeter.image.thumbnail import Thumbnail, make_thumbnail, short_path
from lightmeter.image.tiles.array_raster import ChunkedArray, is_chunked
from lightmeter.image.tiles.measured import Watch, measure_large
from lightmeter.image.tiles.open import LargePicture, open_array, open_large_tiff, open_zarr
from lightmeter.image.tiles.zarr_folder import is_zarr
from lightmeter.quiet import quiet

__all__ = [
    "ImageLike",
    "Measured",
    "copy_image",
    "measure_image",
    "measure_images",
    "measure_together",
    "meter_of",
    "run_functions",
]

ImageLike = Image.Image | ArrayLike | ChunkedArray | ImageMeter | Encoded

ACCEPTED = (
    "a PIL image, an array or tensor (HxW or HxWxC), a zarr.Array or the like, an ImageMeter, a "
    "path, encoded bytes or a binary file"
)

# Formats whose further frames are parts of one picture.
_LAYERED = frozenset({"PSD"})

# What failed to load, by its id: reason, detail, and whether its pixels were still to be read then.
_failed: dict[int, tuple[Reason, str, bool]] = {}


class Measured(NamedTuple):
    """One image: its exact counts; its Exif and header facts, if it can have any; a thumbnail;
    what the functions of the reading returned for it; the path that it was read from, or ""; what
    decoded it, if it comes from a file.
    """

    meter: ImageMeter | BandMeter
    exif: ExifTags | None
    facts: Facts | None = None  # of the header of its encoded bytes
    thumbnail: Thumbnail | None = None
    returned: Returned = ()
    path: str = ""
    decoder: Decoder | None = None


def measure_images(
    image: ImageLike,
    reading: Reading = DEFAULT_READING,
    *,
    threads: int | None = None,
    thumbnail: bool = False,
    name: str | None = None,
    watch: Watch | None = None,
) -> Iterator[Measured]:
    """Measure an image; several of a batch in one array, or of a file with all its frames.

    Args:
        image: a PIL image, an array or tensor (HxW or HxWxC, or as `Reading.layout` says), an array
            that is read in pieces (of zarr, h5py, xarray or dask), an `ImageMeter`, a path, encoded
            bytes or a binary file.
        reading: how to read it. Exif comes with the first frame only.
        threads: threads that share the rows of one image; None takes 1, or up to 4 above 4
            megapixels. The result does not depend on it.
        thumbnail: make small pictures too, of a PIL image or an encoded one.
        name: what small pictures say in place of the path.
        watch: called as ``watch(done, total)`` with the pixels measured of a picture that is read
            in tiles, by one thread at a time.

    Raises:
        ImageError: a picture cannot be read or measured; `reason` says why.
        TypeError: `image` is of another type.
        ValueError: `threads` is below 1.
    """
    if isinstance(image, str):  # first, as folders have nothing else
        yield from _measure_encoded(image, reading, threads, thumbnail, name, watch)
        return
    if not _is_encoded(image) and not isinstance(image, ImageMeter):
        _refuse_level(reading)
    if isinstance(image, ImageMeter):
        if image.pixels == 0:
            raise ImageError("empty", "an ImageMeter that has measured no pixel")
        if reading.bands is not None:
            raise ImageError("unsupported", "an ImageMeter measures no bands; give the array")
        yield Measured(image, None, returned=run(reading.functions, None))
    elif is_array(image) or is_chunked(image):
        yield from _measure_array(image, reading, threads, watch)
    elif isinstance(image, Image.Image):
        path = getattr(image, "filename", None) or None
        said = path if name is None else name
        show = partial(make_thumbnail, path=said) if thumbnail else None
        try:
            yield from _measure_pil(image, reading, threads, show, short_path(said))
        except BaseException as error:
            raise image_error(error, path=path) from error
    elif _is_encoded(image):
        yield from _measure_encoded(image, reading, threads, thumbnail, name, watch)
    else:
        raise TypeError(f"cannot measure {type(image).__name__}; expected {ACCEPTED}")


def _measure_array(
    array: ArrayLike | ChunkedArray, reading: Reading, threads: int | None, watch: Watch | None
) -> Iterator[Measured]:
    if not is_array(array):
        try:
            yield from _measure_large(open_array(array, reading), reading, threads, None, "", watch)
        except BaseException as error:
            raise image_error(error) from error
        return
    counts = () if reading.bands is None else ([len(reading.bands)],)
    for picture in pictures(as_numpy(array), reading.layout, *counts):
        meter = meter_of(picture, reading, threads)
        yield Measured(meter, None, returned=run_functions(picture, reading))


def measure_together(
    images: Sequence[object], names: Sequence[str], reading: Reading, thumbnail: bool = False
) -> list[Measured | EncodedBytes | None]:
    """Read pictures in one call of the core, which measures the JPEG files that it decodes.

    Args:
        images: paths or encoded bytes; of several, files above `BYTES_TOGETHER` are not read.
        names: what small pictures say in place of their paths.
        reading: how to read them.
        thumbnail: whether small pictures are wanted.

    Returns:
        The bytes of JPEG and PNG files that `measure_images` has to measure. None of all else, and
        of what fails.
    """
    most = BYTES_TOGETHER if len(images) > 1 else BYTES_AT_ONCE
    files = read_files(images, reading.limits, _wanted(reading, thumbnail), most)
    return [
        _measured_jpeg(file, reading, short_path(name)) if isinstance(file, tuple) else file
        for file, name in zip(files, names, strict=True)
    ]


def _wanted(reading: Reading, thumbnail: bool) -> Wanted:
    """Return what the core measures of JPEG files; nothing where somebody wants the pixels."""
    is_one = reading.frames == "first" and reading.bands is None and not reading.pyramid_level
    if not is_one or thumbnail or reading.functions or not is_trusted("JPEG"):
        return NOTHING
    mask_of = None if reading.ignored is None else reading.ignored.mask
    return Wanted(reading.metric_set, most_pixels(reading.limits), mask_of)


def _measured_jpeg(file: MeasuredJpeg, reading: Reading, path: str) -> Measured:
    facts, profile, exif, size, mode, core, features = file
    if profile is not None:
        facts["ColorProfile"] = profile_description(profile)
    facts |= {"Format": "JPEG", "FileSize": size}
    meter = ImageMeter._decoded(mode, core, features, reading.metric_set)
    # Named is the decoder whose pixels these are, so that profiles do not tell which one it was.
    tags = exif_of(exif, reading.exif).tags
    return Measured(meter, tags, facts, path=path, decoder=decoder("JPEG"))


def measure_image(
    image: ImageLike, reading: Reading = DEFAULT_READING, *, threads: int | None = None
) -> Measured:
    """Measure what is one image and no more."""
    (measured,) = measure_images(image, reading, threads=threads)
    return measured


def meter_of(
    picture: Image.Image | NDArray[Any], reading: Reading, threads: int | None
) -> ImageMeter | BandMeter:
    """The measurement of a loaded image, or of an array of HxWxC."""
    if reading.bands is None:
        return _meter(picture, reading, threads)
    samples = bands_of(picture, len(reading.bands))
    return BandMeter(
        {
            band: _meter(samples[..., place], reading, threads)
            for place, band in enumerate(reading.bands)
        }
    )


def _meter(
    picture: Image.Image | NDArray[Any], reading: Reading, threads: int | None
) -> ImageMeter:
    mask = None
    if reading.ignored is not None:
        width, height = picture.size if isinstance(picture, Image.Image) else picture.shape[1::-1]
        mask = reading.ignored.mask(width, height) if width and height else None
    return ImageMeter._of(
        picture, reading.channels, reading.value_range, threads, reading.metric_set, mask
    )


def run_functions(picture: Image.Image | NDArray[Any], reading: Reading) -> Returned:
    """What the functions of the reading return for a picture that was measured."""
    channels: Channels | None = reading.channels
    if reading.bands is not None:
        channels, picture = None, bands_of(picture, len(reading.bands))
    return run(reading.functions, picture, channels=channels, value_range=reading.value_range)


def _is_encoded(image: object) -> TypeGuard[Encoded]:
    if isinstance(image, str | os.PathLike | bytes | bytearray):
        return True
    return hasattr(image, "read") and not isinstance(image, io.TextIOBase)


def _measure_encoded(
    image: Encoded,
    reading: Reading,
    threads: int | None,
    thumbnail: bool,
    name: str | None,
    watch: Watch | None,
) -> Iterator[Measured]:
    path = image if isinstance(image, str | os.PathLike) else None
    said = path if name is None else name
    show = partial(make_thumbnail, path=said) if thumbnail else None
    if isinstance(image, str | os.PathLike) and is_zarr(image):
        yield from _measure_zarr(image, reading, threads, show, short_path(said), watch)
        return
    is_one = reading.frames == "first" and reading.bands is None
    try:
        file = open_to_decode(image, reading.limits, _wanted(reading, thumbnail))
    except Exception as error:
        raise image_error(error, path=path, otherwise="unreadable") from error
    if isinstance(file, tuple):
        yield _measured_jpeg(file, reading, short_path(said))
        return
    opened = None
    in_tiles = isinstance(file, EncodedFile)
    with file:
        try:
            tiles = None
            if isinstance(file, EncodedFile):
                with quiet():
                    tiles = open_large_tiff(file, reading)
            if tiles is not None:
                yield from _measure_large(tiles, reading, threads, show, short_path(said), watch)
                return
            in_tiles = False
            _refuse_level(reading)
            if is_one and isinstance(file, EncodedBytes):
                yield _measure_one(file, reading, threads, show, short_path(said))
                return
            with quiet():
                opened = open_picture(file, reading.limits)
            yield from _measure_pil(opened, reading, threads, show, short_path(said), of_file=file)
        except BaseException as error:
            whole = reading.frames == "all"
            if isinstance(file, EncodedBytes):
                file = file.checked(reading.limits)
            # Of a file read in tiles the error says all. That of a medium is kept by the file.
            of = None if in_tiles and file.error is None else file
            raise image_error(error, path=path, file=of, image=opened, whole=whole) from error


def _measure_zarr(
    path: str | os.PathLike[str],
    reading: Reading,
    threads: int | None,
    show: Callable[[Image.Image], Thumbnail | None] | None,
    name: str,
    watch: Watch | None,
) -> Iterator[Measured]:
    try:
        large = open_zarr(Path(path), reading)
        yield from _measure_large(large, reading, threads, show, name, watch)
    except BaseException as error:
        raise image_error(error, path=path) from error


def _measure_large(
    large: LargePicture,
    reading: Reading,
    threads: int | None,
    show: Callable[[Image.Image], Thumbnail | None] | None,
    path: str,
    watch: Watch | None,
) -> Iterator[Measured]:
    """Measure what is read in tiles."""
    facts, exif, decoded_by = large.facts, None, None
    if large.header is not None:
        exif = read_exif(large.header.exif, reading.exif, large.header.orientation).tags
    if large.is_encoded and facts is not None:
        package = "zarr" if facts["Format"] == "Zarr" else "imagecodecs"
        decoded_by = decoder(str(facts["Format"]), package)
    for measured in measure_large(large, reading, threads, show, watch):
        meter, thumbnail, returned = measured
        yield Measured(meter, exif, facts, thumbnail, returned, path, decoded_by)
        exif = facts = None


def _refuse_level(reading: Reading) -> None:
    if reading.pyramid_level:
        raise ImageError(
            "unsupported", f"no level {reading.pyramid_level}; the picture has none but 0"
        )


def _measure_one(
    file: EncodedBytes,
    reading: Reading,
    threads: int | None,
    show: Callable[[Image.Image], Thumbnail | None] | None,
    path: str,
) -> Measured:
    """Measure the first frame of a file, as `_measure_pil` does, which takes longer."""
    measured = None
    needs_picture = show is not None or bool(reading.functions)
    if file.picture[0] == "PNG" and (reading.all_bits or not needs_picture):
        measured = _measure_png(file, reading, threads, path)
        if measured is not None and not needs_picture:
            return measured
    with quiet():
        image = open_picture(file, reading.limits)
        check_size(image, reading.limits)
        if measured is None:
            _check_bits(image, reading, file)
        elif reading.functions and reading.value_range is not None:
            check_range(image, file)  # they get 8 bits
        header = _header_in_memory(image.format, file)
        image.load()
        if measured is None:
            measured = Measured(_meter(image, reading, threads), None, decoder=decoder_of(image))
        thumbnail = None if show is None else show(image)
    exif = read_exif(header.exif, reading.exif).tags
    returned = run_functions(image, reading)
    return measured._replace(
        exif=exif, facts=header.facts, thumbnail=thumbnail, returned=returned, path=path
    )


def _measure_png(
    file: EncodedBytes, reading: Reading, threads: int | None, path: str
) -> Measured | None:
    """Measure a PNG file by the decoder of our own; None if Pillow has to look."""
    meter = measure_png(file.data, reading, threads) if is_trusted("PNG") else None
    if meter is None:
        return None
    header = _header_in_memory("PNG", file)
    exif = read_exif(header.exif, reading.exif).tags
    is_own = reading.all_bits and is_deep_colour(file.data)  # Pillow has no such pixels
    decoded_by = decoder("PNG", "lightmeter" if is_own else "PIL")
    return Measured(meter, exif, header.facts, path=path, decoder=decoded_by)


def _measure_pil(
    image: Image.Image,
    reading: Reading,
    threads: int | None,
    show: Callable[[Image.Image], Thumbnail | None] | None,
    path: str,
    *,
    of_file: EncodedFile | EncodedBytes | None = None,
) -> Iterator[Measured]:
    """Measure an image that a caller opened, or one `of_file`, which was opened here."""
    with quiet():
        bands = reading.band_names if are_pages(image, reading.band_names) else None
        many = reading.frames == "all" or bands is not None
        count = _frame_count(image, reading.limits) if many else 1
        first = image.tell()
    try:
        if bands is not None:
            yield from _measure_pages(image, reading, threads, path, bands, count, of_file)
            return
        for frame in range(count):
            with quiet():
                if count > 1:
                    image.seek(frame)
                _check(image, reading, of_file)
                exif, facts = _load(image, reading.exif, of_file)
                meter = meter_of(image, reading, threads)
                thumbnail = None if show is None or reading.bands is not None else show(image)
            returned = run_functions(image, reading)
            if frame > 0:
                exif = facts = None
            yield Measured(meter, exif, facts, thumbnail, returned, path, decoder_of(image))
    finally:
        if count > 1:
            with quiet(), contextlib.suppress(Exception):
                image.seek(first)


def _measure_pages(
    image: Image.Image,
    reading: Reading,
    threads: int | None,
    path: str,
    bands: tuple[str, ...],
    count: int,
    of_file: EncodedFile | EncodedBytes | None,
) -> Iterator[Measured]:
    """Measure the pictures of a file of `count` pages, each of which is a band."""
    check_pages(image, count, len(bands))
    starts = range(0, count, len(bands))
    if reading.frames == "first":
        starts = starts[image.tell() // len(bands) :][:1]
    exif, facts = None, None
    for start in starts:
        meters: dict[str, ImageMeter] = {}
        pages: list[NDArray[Any]] = []
        size = None
        for page, band in enumerate(bands, start):
            with quiet():
                image.seek(page)
                _check(image, reading, of_file)
                if size not in (None, image.size):
                    raise ImageError("unsupported", f"got bands of {size} and {image.size} pixels")
                size = image.size
                of_page = _load(image, reading.exif, of_file)
                meters[band] = _meter(image, reading, threads)
            if page == starts[0]:
                exif, facts = of_page
            if reading.functions:
                pages.append(np.asarray(image))
        returned = run_functions(np.stack(pages, 2), reading) if pages else ()
        meter = BandMeter(meters)
        yield Measured(meter, exif, facts, None, returned, path, decoder_of(image))
        exif = facts = None


def _check(
    image: Image.Image, reading: Reading, of_file: EncodedFile | EncodedBytes | None
) -> None:
    check_size(image, reading.limits)
    if of_file is not None:
        _check_bits(image, reading, of_file)
    elif reading.value_range is not None:
        check_range(image, getattr(image, "fp", None))


def _check_bits(image: Image.Image, reading: Reading, file: EncodedFile | EncodedBytes) -> None:
    """Refuse a frame, not yet loaded, of which Pillow has not the bits that are wanted."""
    if reading.deep_colour:
        check_depth(image)
    if reading.value_range is not None:
        check_range(image, file)


def _frame_count(image: Image.Image, limits: Limits) -> int:
    if limits.frames is not None and image.format == "TIFF" and _exceeds(image, limits.frames):
        raise ImageError("too_large", f"more than {limits.frames} frames")
    count = 1 if image.format in _LAYERED else getattr(image, "n_frames", 1)
    if limits.frames is not None and count > limits.frames:
        raise ImageError("too_large", f"{count} frames, more than {limits.frames}")
    return count


def _exceeds(image: Image.Image, frames: int) -> bool:
    """Whether a TIFF has more frames. Counting all would make Pillow read every directory."""
    first = image.tell()
    try:
        for frame in range(first + 1, frames + 1):
            image.seek(frame)
    except EOFError:
        return False
    finally:
        image.seek(first)
    return True


def _header(image: Image.Image, of_file: EncodedFile | EncodedBytes | None = None) -> Header | None:
    """The header of the image's file. Without a file, the Exif that Pillow kept.

    None for an image that was never in a file, or whose file left nothing.
    """
    file: Any = getattr(image, "fp", None) if of_file is None else of_file
    if of_file is None and isinstance(file, io.BytesIO) and getattr(image, "filename", None):
        file = None  # some plugins put pixels in place of the file that was opened
    if isinstance(file, EncodedBytes):
        return _header_in_memory(image.format, file)
    if file is not None and not file.closed:
        position = file.tell()
        try:
            header = read_header(file, image)
            size = size_of(file)
        finally:
            file.seek(position)
        # After loading these formats Pillow keeps pixels in place of the file.
        if header is not None or image.format not in ("AVIF", "WEBP"):
            facts: Facts = {"Format": image.format, "FileSize": size}
            if header is not None:
                return Header(facts | header.facts, header.exif, header.orientation)
            return Header(facts, _kept_exif(image))
    exif = _kept_exif(image)
    # A TIFF's Exif are its directories, which went with the file.
    return None if image.format in (None, "TIFF") and exif is None else Header({}, exif)


def _header_in_memory(image_format: str | None, file: EncodedBytes) -> Header:
    header = header_of(file)
    return Header({"Format": image_format, "FileSize": file.size} | header.facts, header.exif)


def _kept_exif(image: Image.Image) -> Source | None:
    block = image.info.get("exif")
    return exif_block(block) if isinstance(block, bytes) else None


def copy_image(
    image: Image.Image, reading: Reading
) -> tuple[Image.Image, ExifTags | None, Facts | None]:
    """A loaded copy of a PIL image, its Exif, of which a copy loses some, and its header facts.

    Raises:
        ImageError: it is too large, or cannot be loaded.
    """
    try:
        _refuse_level(reading)
        with quiet():
            check_size(image, reading.limits)
            exif, facts = _load(image, reading.exif)
            return image.copy(), exif, facts
    except BaseException as error:
        raise image_error(error, path=getattr(image, "filename", None) or None) from error


def _load(
    image: Image.Image, policy: ExifPolicy, of_file: EncodedFile | EncodedBytes | None = None
) -> tuple[ExifTags | None, Facts | None]:
    """Load once, and return Exif and facts. After a failure a second try can yield black pixels."""
    _check_failed(image)
    header = _header(image, of_file)  # loading closes the file
    exif = None
    if header is not None:
        exif = read_exif(header.exif, policy, header.orientation).tags
    try:
        image.load()
    except BaseException as error:
        failure = image_error(error)
        _failed[id(image)] = (failure.reason, failure.detail, _is_unread(image))
        weakref.finalize(image, _failed.pop, id(image), None).atexit = False
        raise
    return exif, header and header.facts


def _check_failed(image: Image.Image) -> None:
    """Raise the error of an image that failed to load, unless somebody has loaded it since."""
    if id(image) in _failed:
        reason, detail, was_unread = _failed[id(image)]
        if not was_unread or _is_unread(image):
            raise ImageError(reason, detail)


def _is_unread(image: Image.Image) -> bool:
    return bool(getattr(image, "tile", ()))
