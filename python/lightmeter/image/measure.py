"""From whatever holds a picture to its measurement and its Exif."""

import contextlib
import io
import os
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter import _core
from lightmeter.errors import ImageError, Reason
from lightmeter.image.arrays import ArrayLike, Channels, as_numpy, is_array, pictures
from lightmeter.image.bands import BandMeter, bands_of
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
    short_path,
    size_of,
)
from lightmeter.image.exif import ExifPolicy, ExifTags, exif_of, read_exif
from lightmeter.image.failure import image_error
from lightmeter.image.header import Facts, Header, exif_block, profile_description, read_header
from lightmeter.image.limits import DEFAULT_LIMITS, check_size
from lightmeter.image.meter import DEEP_GRAY, Counting, ImageMeter
from lightmeter.image.metrics import Returned, run
from lightmeter.image.pillow import check_bits, frame_count, open_picture
from lightmeter.image.reading import DEFAULT_READING, Reading
from lightmeter.image.reading_text import reading_text
from lightmeter.image.thumbnail import Thumbnail, make_thumbnail
from lightmeter.image.tiles.array_raster import ChunkedArray, is_chunked, open_array
from lightmeter.image.tiles.measured import Watch, measure_large
from lightmeter.image.tiles.raster import LargePicture, band_count
from lightmeter.image.tiles.tiff import open_large_tiff
from lightmeter.image.tiles.zarr_folder import is_zarr, open_zarr
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
        picture: a loaded image, or an array HxWxC.
        exif: its Exif, which comes with the first frame of a file.
        facts: of the header of its file, likewise.
        decoder: what decoded it.
        path: what it was read from, or "".
    """

    picture: Image.Image | NDArray[Any]
    exif: ExifTags | None = None
    facts: Facts | None = None
    decoder: Decoder | None = None
    path: str = ""


class _Task(NamedTuple):
    """What is wanted of an image, as `measure_images` has it."""

    reading: Reading
    threads: int | None
    thumbnail: bool
    path: str | os.PathLike[str] | None
    watch: Watch | None

    @property
    def wants_picture(self) -> bool:
        """Whether somebody wants the pixels."""
        return self.thumbnail or bool(self.reading.functions)


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
    path: str | os.PathLike[str] | None = None
    if isinstance(image, str | os.PathLike):
        path = image
    elif isinstance(image, Image.Image):
        path = getattr(image, "filename", None) or None
    task = _Task(reading, threads, thumbnail, path if name is None else name, watch)
    if path is None and isinstance(image, ImageMeter):
        yield _checked_meter(image, reading)
    elif path is None and is_array(image):
        _refuse_level(reading)
        for picture in pictures(as_numpy(image), reading.layout, band_count(reading)):
            yield measure_frame(Frame(picture), reading, threads)
    elif path is not None or isinstance(image, Image.Image) or _is_encoded(image):
        yield from _measure_read(image, path, task)
    elif is_chunked(image):
        _refuse_level(reading)
        yield from _measure_read(open_array(image, reading), None, task)
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
    """Measure a picture, and run the functions of the reading.

    Raises:
        ImageError: the picture cannot be measured.
    """
    picture, exif, facts, decoded_by, path = frame
    channels: Channels | None = reading.channels
    if reading.bands is not None:
        channels, picture = None, bands_of(picture, len(reading.bands))
    with quiet():
        meter = _meter_of(picture, reading, threads)
    white = reading.value_range
    returned = run(reading.functions, picture, channels=channels, value_range=white)
    return Measured(meter, exif, facts, None, returned, path, decoded_by, _read_as(meter, reading))


def _read_as(meter: ImageMeter | BandMeter, reading: Reading) -> str:
    first = next(iter(meter.bands.values())) if isinstance(meter, BandMeter) else meter
    is_gray = first is not meter or first.mode in DEEP_GRAY
    return reading_text(reading, first._order, first._samples, is_gray=is_gray)


def copy_frame(image: Image.Image, reading: Reading) -> Frame:
    """Load a PIL image and copy it, with its Exif, of which a copy alone loses some.

    Raises:
        ImageError: it is too large, or cannot be loaded.
    """
    path = getattr(image, "filename", None) or None
    try:
        _refuse_level(reading)
        with quiet():
            check_size(*image.size, reading.limits)
            return _load(image, reading, path)._replace(picture=image.copy())
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


def _checked_meter(meter: ImageMeter, reading: Reading) -> Measured:
    _refuse_level(reading)
    if meter.pixels == 0:
        raise ImageError("empty", "an ImageMeter that has measured no pixel")
    counting = meter._counting
    asked = {
        "bands": reading.bands is not None,
        "ignore": reading.ignored is not None,
        "value_range": reading.value_range not in (None, counting.value_range),
    }
    for option in filter(asked.get, asked):
        raise ImageError(
            "unsupported", f"got {option} with an ImageMeter, which has measured; give the array"
        )
    metrics = [counting.metrics, *reading.functions]
    own = replace(reading, value_range=counting.value_range, metrics=metrics)
    returned = run(reading.functions, None)
    return Measured(meter, None, returned=returned, read=_read_as(meter, own))


def _is_encoded(image: object) -> bool:
    if isinstance(image, bytes | bytearray):
        return True
    return hasattr(image, "read") and not isinstance(image, io.TextIOBase)


def _measure_read(
    image: Any, path: str | os.PathLike[str] | None, task: _Task
) -> Iterator[Measured]:
    """Measure what has to be read first: all but arrays in memory."""
    reading, opened = task.reading, None
    otherwise: Reason = "corrupt"
    try:
        if isinstance(image, Image.Image):
            _refuse_level(reading)
            yield from _measure_frames(image, task)
        elif path is not None and os.path.isdir(path) and is_zarr(path):
            yield from _measure_tiles(open_zarr(Path(path), reading), task)
        elif isinstance(image, LargePicture):
            yield from _measure_tiles(image, task)
        else:
            otherwise = "unreadable"
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
    own = _measured_png(file, task) if isinstance(file, EncodedBytes) else None
    if own is not None and not task.wants_picture:
        yield own
        return
    with quiet():
        image = open_picture(file, task.reading.limits)
    yield from _measure_frames(image, task, file, own)


def _in_core(reading: Reading, thumbnail: bool) -> Counting | None:
    """How the core measures JPEG files; None where somebody wants the pixels, or other frames."""
    is_one = reading.frames == "first" and reading.bands is None and not reading.pyramid_level
    if not is_one or thumbnail or reading.functions or not is_trusted("JPEG"):
        return None
    return reading.counting


def _measured_jpeg(
    file: "_core.MeasuredJpeg", reading: Reading, path: str | os.PathLike[str] | None
) -> Measured:
    facts, profile, exif, size, mode, core, features = file
    if profile is not None:
        facts["ColorProfile"] = profile_description(profile)
    facts |= {"Format": "JPEG", "FileSize": size}
    meter = object.__new__(ImageMeter)
    meter._begin(core, reading.counting, mode=mode, features=features)
    # Named is the decoder whose pixels these are, so that profiles do not tell which one it was.
    tags = exif_of(exif, reading.exif).tags
    read = reading_text(reading)
    return Measured(meter, tags, facts, path=short_path(path), decoder=decoder("JPEG"), read=read)


def _measure_tiles(large: LargePicture, task: _Task) -> Iterator[Measured]:
    path = short_path(task.path)
    shown_path = path if task.thumbnail else None
    first: tuple[ExifTags | None, Facts | None] = (large.exif, large.facts)
    measured = measure_large(large, task.reading, task.threads, task.watch, shown_path)
    for meter, thumbnail, returned in measured:
        read = _read_as(meter, task.reading)
        yield Measured(meter, *first, thumbnail, returned, path, large.decoder, read)
        first = (None, None)


def _refuse_level(reading: Reading) -> None:
    if reading.pyramid_level:
        raise ImageError(
            "unsupported", f"no level {reading.pyramid_level}; the picture has none but 0"
        )


def _measured_png(file: EncodedBytes, task: _Task) -> Measured | None:
    """Measure the one frame of a PNG file by the decoder of our own; None if Pillow has to look."""
    reading = task.reading
    is_one = reading.frames == "first" and reading.bands is None
    if file.picture[0] != "PNG" or not is_one or not is_trusted("PNG"):
        return None
    if task.wants_picture and not reading.all_bits:
        return None  # Pillow decodes it for others anyway
    meter = measure_png(file.data, reading, task.threads)
    if meter is None:
        return None
    exif, facts = _header_in(file, "PNG", None, reading.exif)
    is_own = reading.all_bits and is_deep_colour(file.data)  # Pillow has no such pixels
    decoded_by = decoder("PNG", "lightmeter" if is_own else "PIL")
    path, read = short_path(task.path), _read_as(meter, reading)
    return Measured(meter, exif, facts, path=path, decoder=decoded_by, read=read)


def _measure_frames(
    image: Image.Image,
    task: _Task,
    file: EncodedFile | EncodedBytes | None = None,
    own: Measured | None = None,
) -> Iterator[Measured]:
    """Measure the frames of an image that a caller opened, or of one in `file`, opened here.

    Of a picture that a decoder of ours has measured only the pixels are wanted.
    """
    reading = task.reading
    with quiet():
        count = frame_count(image, reading.limits) if reading.frames == "all" else 1
        first = image.tell()
    try:
        for number in range(count):
            with quiet():
                if count > 1:
                    image.seek(number)
                check_size(*image.size, reading.limits)
                if own is None or reading.functions:
                    check_bits(
                        image,
                        deep_colour=reading.deep_colour and file is not None and own is None,
                        has_range=reading.value_range is not None,
                    )
                frame = _load(image, reading, task.path, file)
                thumbnail = None
                if task.thumbnail and reading.bands is None:
                    thumbnail = make_thumbnail(image, frame.path)
            if number > 0:
                frame = frame._replace(exif=None, facts=None)
            measured = measure_frame(frame, reading, task.threads)._replace(thumbnail=thumbnail)
            if own is not None:
                measured = measured._replace(meter=own.meter, decoder=own.decoder, read=own.read)
            yield measured
    finally:
        if count > 1:
            with quiet(), contextlib.suppress(Exception):
                image.seek(first)


def _load(
    image: Image.Image,
    reading: Reading,
    path: str | os.PathLike[str] | None,
    file: EncodedFile | EncodedBytes | None = None,
) -> Frame:
    """Load once, and read Exif and facts. After a failure a second try can yield black pixels."""
    if id(image) in _failed:
        reason, detail, was_unread = _failed[id(image)]
        if not was_unread or _is_unread(image):  # else somebody has loaded it since
            raise ImageError(reason, detail)
    exif, facts = _header(image, reading.exif, file)  # loading closes the file
    try:
        image.load()
    except BaseException as error:
        failure = image_error(error)
        _failed[id(image)] = (failure.reason, failure.detail, _is_unread(image))
        weakref.finalize(image, _failed.pop, id(image), None).atexit = False
        raise
    return Frame(image, exif, facts, decoder_of(image), path=short_path(path))


def _is_unread(image: Image.Image) -> bool:
    return bool(getattr(image, "tile", ()))


def _header(
    image: Image.Image, policy: ExifPolicy, file: EncodedFile | EncodedBytes | None
) -> tuple[ExifTags | None, Facts | None]:
    """Read Exif and facts from the image's file; without one, the Exif that Pillow kept.

    (None, None) of an image that was never in a file, or whose file left nothing.
    """
    if file is not None:
        return _header_in(file, image.format, image, policy)
    own: Any = getattr(image, "fp", None)
    path = getattr(image, "filename", None)
    if path and (own is None or own.closed or isinstance(own, io.BytesIO)):
        # Loading closes a file that Pillow opened, and some plugins put pixels in its place.
        with contextlib.suppress(ImageError, OSError):
            (small,) = read_files([path], DEFAULT_LIMITS, None, BYTES_TOGETHER)
            if isinstance(small, EncodedBytes):
                return _header_in(small, image.format, image, policy)
            with open_encoded(path, DEFAULT_LIMITS) as again:
                return _header_in(again, image.format, image, policy)
    elif own is not None and not own.closed:
        exif, facts = _header_in(own, image.format, image, policy)
        # After loading these formats Pillow keeps pixels in place of the file.
        if len(facts) > 2 or image.format not in ("AVIF", "WEBP"):
            return exif, facts
    kept = exif_block(image.info.get("exif"))
    # A TIFF's Exif are its directories, which went with the file.
    is_gone = image.format in (None, "TIFF") and kept is None
    return (None, None) if is_gone else (read_exif(kept, policy).tags, {})


def _header_in(
    file: Any, name: str | None, image: Image.Image | None, policy: ExifPolicy
) -> tuple[ExifTags | None, Facts]:
    """Read Exif and facts from a file, which stays where it is."""
    position = file.tell()
    try:
        kept = None if image is None else exif_block(image.info.get("exif"))
        header = read_header(file, image) or Header({}, kept)
        facts: Facts = {"Format": name, "FileSize": size_of(file)}
        return read_exif(header.exif, policy, header.orientation).tags, facts | header.facts
    finally:
        file.seek(position)
