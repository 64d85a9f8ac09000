"""From whatever holds a picture to its measurement and its Exif."""

import contextlib
import io
import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
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
    Encoded,
    EncodedBytes,
    EncodedFile,
    open_encoded,
    open_to_decode,
    read_files,
    size_of,
)
from lightmeter.image.exif import ExifPolicy, ExifTags, exif_of, read_exif
from lightmeter.image.failure import image_error
from lightmeter.image.header import Facts, Header, Source, exif_block, header_of, read_header
from lightmeter.image.header.icc import profile_description
from lightmeter.image.limits import DEFAULT_LIMITS
from lightmeter.image.meter import DEEP_GRAY, Counting, ImageMeter
from lightmeter.image.metrics import Returned, run
from lightmeter.image.numbers import SETS
from lightmeter.image.parts import MeasuredJpeg
from lightmeter.image.pillow import check_depth, check_range, check_size, frame_count, open_picture
from lightmeter.image.reading import DEFAULT_READING, Reading
from lightmeter.image.reading_text import reading_text
from lightmeter.image.thumbnail import Thumbnail, make_thumbnail, short_path
from lightmeter.image.tiles.array_raster import ChunkedArray, is_chunked
from lightmeter.image.tiles.measured import Watch, measure_large
from lightmeter.image.tiles.open import LargePicture, open_array, open_large_tiff, open_zarr
from lightmeter.image.tiles.zarr_folder import is_zarr
from lightmeter.quiet import quiet

__all__ = ["Frame", "ImageLike", "Measured", "copy_frame", "measure_frame", "measure_image"]
__all__ += ["measure_images", "measure_together"]

ImageLike = Image.Image | ArrayLike | ChunkedArray | ImageMeter | Encoded

ACCEPTED = (
    "a PIL image, an array or tensor (HxW or HxWxC), a zarr.Array or the like, an ImageMeter, a "
    "path, encoded bytes or a binary file"
)

# What failed to load, by its id: reason, detail, and whether its pixels were still to be read then.
_failed: dict[int, tuple[Reason, str, bool]] = {}


class Measured(NamedTuple):
    """One image: its exact counts; its Exif and header facts, if it can have any; a thumbnail;
    what the functions of the reading returned for it; the path that it was read from, or ""; what
    decoded it, if it comes from a file; the text of how it was read.
    """

    meter: ImageMeter | BandMeter
    exif: ExifTags | None
    facts: Facts | None = None  # of the header of its encoded bytes
    thumbnail: Thumbnail | None = None
    returned: Returned = ()
    path: str = ""
    decoder: Decoder | None = None
    read: str = ""


class Frame(NamedTuple):
    """A picture that a reader found.

    Attributes:
        picture: a loaded image, or an array HxWxC; None if a reader measured it and nobody else
            wants the pixels.
        exif: its Exif, which comes with the first frame of a file.
        facts: of the header of its file, likewise.
        decoder: what decoded it.
        meter: its measurement, if the reader made it.
        path: what it was read from, or "".
    """

    picture: Image.Image | NDArray[Any] | None
    exif: ExifTags | None = None
    facts: Facts | None = None
    decoder: Decoder | None = None
    meter: ImageMeter | BandMeter | None = None
    path: str = ""


class _Task(NamedTuple):
    """What is wanted of an image, as `measure_images` has it."""

    reading: Reading
    threads: int | None
    thumbnail: bool
    path: str | os.PathLike[str] | None
    watch: Watch | None = None


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
    if _is_encoded(image):
        path = image if isinstance(image, str | os.PathLike) else None
        task = _Task(reading, threads, thumbnail, path if name is None else name, watch)
        yield from _measure_encoded(image, path, task)
    elif isinstance(image, ImageMeter):
        _refuse_level(reading)
        yield _of_meter(image, reading)
    elif is_array(image):
        _refuse_level(reading)
        counts = () if reading.bands is None else ([len(reading.bands)],)
        for picture in pictures(as_numpy(image), reading.layout, *counts):
            yield measure_frame(Frame(picture), reading, threads)
    elif is_chunked(image):
        task = _Task(reading, threads, False, None, watch)
        try:
            yield from _measure_tiles(open_array(image, reading), task)
        except BaseException as error:
            raise image_error(error) from error
    elif isinstance(image, Image.Image):
        path = getattr(image, "filename", None) or None
        task = _Task(reading, threads, thumbnail, path if name is None else name)
        try:
            _refuse_level(reading)
            for frame in _frames_of_image(image, task):
                yield _measured(frame, task)
        except BaseException as error:
            raise image_error(error, path=path) from error
    else:
        raise TypeError(f"cannot measure {type(image).__name__}; expected {ACCEPTED}")


def measure_image(
    image: ImageLike, reading: Reading = DEFAULT_READING, *, threads: int | None = None
) -> Measured:
    """Measure what is one image and no more."""
    (measured,) = measure_images(image, reading, threads=threads)
    return measured


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
    files = read_files(images, reading.limits, _in_core(reading, thumbnail), most)
    return [
        _measured_jpeg(file, reading, name) if isinstance(file, tuple) else file
        for file, name in zip(files, names, strict=True)
    ]


def measure_frame(frame: Frame, reading: Reading, threads: int | None = None) -> Measured:
    """Measure what its reader has not measured of a picture, and run the functions of the reading.

    Raises:
        ImageError: the picture cannot be measured.
    """
    picture, exif, facts, decoded_by, meter, path = frame
    returned: Returned = ()
    if picture is not None:
        channels: Channels | None = reading.channels
        if reading.bands is not None:
            channels, picture = None, bands_of(picture, len(reading.bands))
        if meter is None:
            with quiet():
                meter = _meter_of(picture, reading, threads)
        white = reading.value_range
        returned = run(reading.functions, picture, channels=channels, value_range=white)
    assert meter is not None
    return Measured(meter, exif, facts, None, returned, path, decoded_by, _read_as(meter, reading))


def _of_meter(meter: ImageMeter, reading: Reading) -> Measured:
    if meter.pixels == 0:
        raise ImageError("empty", "an ImageMeter that has measured no pixel")
    asked = {
        "bands": reading.bands is not None,
        "ignore": reading.ignored is not None,
        "value_range": reading.value_range not in (None, meter._value_range),
    }
    for option in filter(asked.get, asked):
        raise ImageError(
            "unsupported", f"got {option} with an ImageMeter, which has measured; give the array"
        )
    own = replace(
        reading,
        value_range=meter._value_range,
        metrics=[SETS[meter._set], *reading.functions],
    )
    returned = run(reading.functions, None)
    return Measured(meter, None, returned=returned, read=_read_as(meter, own))


def _read_as(meter: ImageMeter | BandMeter, reading: Reading) -> str:
    one = next(iter(meter.bands.values())) if isinstance(meter, BandMeter) else meter
    is_gray = one is not meter or one.mode in DEEP_GRAY
    return reading_text(reading, one._order, one._samples, is_gray=is_gray)


def copy_frame(image: Image.Image, reading: Reading) -> Frame:
    """Load a PIL image and copy it, with its Exif, of which a copy alone loses some.

    Raises:
        ImageError: it is too large, or cannot be loaded.
    """
    path = getattr(image, "filename", None) or None
    try:
        _refuse_level(reading)
        with quiet():
            check_size(image, reading.limits)
            frame = _load(image, _Task(reading, None, False, path))
            return frame._replace(picture=image.copy())
    except BaseException as error:
        raise image_error(error, path=path) from error


def _meter_of(
    picture: Image.Image | NDArray[Any], reading: Reading, threads: int | None
) -> ImageMeter | BandMeter:
    if reading.bands is None:
        return reading.counting.measure(picture, threads)
    samples = np.asarray(picture)
    return BandMeter(
        {
            band: reading.counting.measure(samples[..., place, None], threads)
            for place, band in enumerate(reading.bands)
        }
    )


def _is_encoded(image: object) -> TypeGuard[Encoded]:
    if isinstance(image, str | os.PathLike | bytes | bytearray):
        return True
    return hasattr(image, "read") and not isinstance(image, io.TextIOBase)


def _measure_encoded(
    image: Encoded, path: str | os.PathLike[str] | None, task: _Task
) -> Iterator[Measured]:
    reading, opened = task.reading, None
    otherwise: Reason = "unreadable"
    try:
        if path is not None and is_zarr(path):
            otherwise = "corrupt"
            yield from _measure_tiles(open_zarr(Path(path), reading), task)
            return
        file = open_to_decode(image, reading.limits, _in_core(reading, task.thumbnail))
        if isinstance(file, tuple):
            yield _measured_jpeg(file, reading, task.path)
            return
        opened, otherwise = file, "corrupt"
        yield from _measure_file(file, task)
    except BaseException as error:
        raise image_error(error, path=path, file=opened, otherwise=otherwise) from error
    finally:
        if opened is not None:
            opened.release()


def _measure_file(file: EncodedFile | EncodedBytes, task: _Task) -> Iterator[Measured]:
    """Measure what the first reader that knows the file finds in it."""
    if isinstance(file, EncodedFile):
        with quiet():
            tiles = open_large_tiff(file, task.reading)
        if tiles is not None:
            yield from _measure_tiles(tiles, task)
            return
    _refuse_level(task.reading)
    own = _png_frame(file, task) if isinstance(file, EncodedBytes) else None
    if own is not None and not _wants_picture(task):
        yield measure_frame(own, task.reading)
        return
    with quiet():
        image = open_picture(file, task.reading.limits)
    for frame in _frames_of_image(image, task, file, is_measured=own is not None):
        if own is not None:
            frame = frame._replace(meter=own.meter, decoder=own.decoder)
        yield _measured(frame, task)


def _in_core(reading: Reading, thumbnail: bool) -> Counting | None:
    """How the core measures JPEG files; None where somebody wants the pixels, or other frames."""
    is_one = reading.frames == "first" and reading.bands is None and not reading.pyramid_level
    if not is_one or thumbnail or reading.functions or not is_trusted("JPEG"):
        return None
    return reading.counting


def _measured_jpeg(
    file: MeasuredJpeg, reading: Reading, path: str | os.PathLike[str] | None
) -> Measured:
    facts, profile, exif, size, mode, core, features = file
    if profile is not None:
        facts["ColorProfile"] = profile_description(profile)
    facts |= {"Format": "JPEG", "FileSize": size}
    meter = ImageMeter._decoded(mode, core, features, reading.metric_set)
    # Named is the decoder whose pixels these are, so that profiles do not tell which one it was.
    tags = exif_of(exif, reading.exif).tags
    read = reading_text(reading)
    return Measured(meter, tags, facts, path=short_path(path), decoder=decoder("JPEG"), read=read)


def _measure_tiles(large: LargePicture, task: _Task) -> Iterator[Measured]:
    reading, facts, exif, decoded_by = task.reading, large.facts, None, None
    path = short_path(task.path)
    show = (lambda image: make_thumbnail(image, task.path)) if task.thumbnail else None
    if large.header is not None:
        exif = _tags(large.header, reading.exif)
    if large.is_encoded and facts is not None:
        package = "zarr" if facts["Format"] == "Zarr" else "imagecodecs"
        decoded_by = decoder(str(facts["Format"]), package)
    first: tuple[ExifTags | None, Facts | None] = (exif, facts)
    for meter, thumbnail, returned in measure_large(large, reading, task.threads, show, task.watch):
        read = _read_as(meter, reading)
        yield Measured(meter, *first, thumbnail, returned, path, decoded_by, read)
        first = (None, None)


def _refuse_level(reading: Reading) -> None:
    if reading.pyramid_level:
        raise ImageError(
            "unsupported", f"no level {reading.pyramid_level}; the picture has none but 0"
        )


def _wants_picture(task: _Task) -> bool:
    return task.thumbnail or bool(task.reading.functions)


def _png_frame(file: EncodedBytes, task: _Task) -> Frame | None:
    """Measure the one frame of a PNG file by the decoder of our own; None if Pillow has to look."""
    reading = task.reading
    is_one = reading.frames == "first" and reading.bands is None
    if file.picture[0] != "PNG" or not is_one or not is_trusted("PNG"):
        return None
    if _wants_picture(task) and not reading.all_bits:
        return None  # Pillow decodes it for others anyway
    meter = measure_png(file.data, reading, task.threads)
    if meter is None:
        return None
    header = _header_in_memory("PNG", file)
    is_own = reading.all_bits and is_deep_colour(file.data)  # Pillow has no such pixels
    decoded_by = decoder("PNG", "lightmeter" if is_own else "PIL")
    exif = _tags(header, reading.exif)
    return Frame(None, exif, header.facts, decoded_by, meter, short_path(task.path))


def _measured(frame: Frame, task: _Task) -> Measured:
    measured = measure_frame(frame, task.reading, task.threads)
    if task.thumbnail and task.reading.bands is None and isinstance(frame.picture, Image.Image):
        with quiet():
            measured = measured._replace(thumbnail=make_thumbnail(frame.picture, task.path))
    return measured


def _frames_of_image(
    image: Image.Image,
    task: _Task,
    file: EncodedFile | EncodedBytes | None = None,
    *,
    is_measured: bool = False,
) -> Iterator[Frame]:
    """Load the frames of an image that a caller opened, or of one in `file`, opened here."""
    reading = task.reading
    with quiet():
        bands = reading.band_names if are_pages(image, reading.band_names) else None
        many = reading.frames == "all" or bands is not None
        count = frame_count(image, reading.limits) if many else 1
        first = image.tell()

    def load(number: int) -> Frame:
        with quiet():
            if count > 1:
                image.seek(number)
            check_size(image, reading.limits)
            if reading.deep_colour and file is not None and not is_measured:
                check_depth(image)
            if reading.value_range is not None and (not is_measured or reading.functions):
                check_range(image, getattr(image, "fp", None) if file is None else file)
            return _load(image, task, file)

    try:
        if bands is not None:
            check_pages(image, count, len(bands))
        starts = range(0, count, 1 if bands is None else len(bands))
        if bands is not None and reading.frames == "first":
            starts = starts[first // len(bands) :][:1]
        for start in starts:
            frame = load(start) if bands is None else _frame_of_pages(load, start, bands, task)
            yield frame if start == starts[0] else frame._replace(exif=None, facts=None)
    finally:
        if count > 1:
            with quiet(), contextlib.suppress(Exception):
                image.seek(first)


def _frame_of_pages(
    load: Callable[[int], Frame], start: int, bands: tuple[str, ...], task: _Task
) -> Frame:
    """Measure gray pages, each of which is a band of one picture."""
    meters: dict[str, ImageMeter] = {}
    arrays: list[NDArray[Any]] = []
    sizes = set()
    for number, band in enumerate(bands, start):
        page = load(number)
        assert isinstance(page.picture, Image.Image)
        sizes.add(page.picture.size)
        if len(sizes) > 1:
            got = " and ".join(map(str, sizes))
            raise ImageError("unsupported", f"got bands of {got} pixels; expected one size")
        with quiet():
            meters[band] = task.reading.counting.measure(page.picture, task.threads)
        if task.reading.functions:
            arrays.append(np.asarray(page.picture))
        if number == start:
            first = page
    picture = np.stack(arrays, 2) if arrays else None
    return first._replace(picture=picture, meter=BandMeter(meters))


def _load(image: Image.Image, task: _Task, file: EncodedFile | EncodedBytes | None = None) -> Frame:
    """Load once, and read Exif and facts. After a failure a second try can yield black pixels."""
    if id(image) in _failed:
        reason, detail, was_unread = _failed[id(image)]
        if not was_unread or _is_unread(image):  # else somebody has loaded it since
            raise ImageError(reason, detail)
    exif, facts = _header(image, task.reading.exif, file)  # loading closes the file
    try:
        image.load()
    except BaseException as error:
        failure = image_error(error)
        _failed[id(image)] = (failure.reason, failure.detail, _is_unread(image))
        weakref.finalize(image, _failed.pop, id(image), None).atexit = False
        raise
    return Frame(image, exif, facts, decoder_of(image), path=short_path(task.path))


def _is_unread(image: Image.Image) -> bool:
    return bool(getattr(image, "tile", ()))


def _header(
    image: Image.Image, policy: ExifPolicy, of_file: EncodedFile | EncodedBytes | None
) -> tuple[ExifTags | None, Facts | None]:
    """Read Exif and facts from the image's file; without one, the Exif that Pillow kept.

    (None, None) of an image that was never in a file, or whose file left nothing.
    """
    if isinstance(of_file, EncodedBytes):
        header = _header_in_memory(image.format, of_file)
        return _tags(header, policy), header.facts
    file: Any = getattr(image, "fp", None) if of_file is None else of_file
    path = getattr(image, "filename", None) if of_file is None else None
    if path and (file is None or file.closed or isinstance(file, io.BytesIO)):
        # Loading closes a file that Pillow opened, and some plugins put pixels in its place.
        with contextlib.suppress(ImageError, OSError), open_encoded(path, DEFAULT_LIMITS) as again:
            return _header_in_file(image, policy, again)
    elif file is not None and not file.closed:
        position = file.tell()
        try:
            exif, facts = _header_in_file(image, policy, file)
        finally:
            file.seek(position)
        # After loading these formats Pillow keeps pixels in place of the file.
        if len(facts) > 2 or image.format not in ("AVIF", "WEBP"):
            return exif, facts
    kept = _kept_exif(image)
    # A TIFF's Exif are its directories, which went with the file.
    is_gone = image.format in (None, "TIFF") and kept is None
    return (None, None) if is_gone else (read_exif(kept, policy).tags, {})


def _header_in_file(
    image: Image.Image, policy: ExifPolicy, file: Any
) -> tuple[ExifTags | None, Facts]:
    header = read_header(file, image) or Header({}, _kept_exif(image))
    facts: Facts = {"Format": image.format, "FileSize": size_of(file)}
    return _tags(header, policy), facts | header.facts


def _tags(header: Header, policy: ExifPolicy) -> ExifTags | None:
    return read_exif(header.exif, policy, header.orientation).tags


def _header_in_memory(image_format: str | None, file: EncodedBytes) -> Header:
    header = header_of(file)
    return Header({"Format": image_format, "FileSize": file.size} | header.facts, header.exif)


def _kept_exif(image: Image.Image) -> Source | None:
    block = image.info.get("exif")
    return exif_block(block) if isinstance(block, bytes) else None
