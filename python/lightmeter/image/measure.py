"""From whatever holds a picture to its measurement and its Exif."""

import contextlib
import io
import itertools
import os
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeGuard

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
    read_files,
    read_whole,
    short_path,
    size_of,
)
from lightmeter.image.exif import ExifPolicy, ExifTags, read_exif, tags_of
from lightmeter.image.failure import image_error
from lightmeter.image.header import Facts, Header, exif_block, profile_description, read_header
from lightmeter.image.limits import DEFAULT_LIMITS, check_frames, check_size
from lightmeter.image.meter import DEEP_GRAY, ImageMeter
from lightmeter.image.metrics import Returned, run
from lightmeter.image.pillow import check_bits, open_picture
from lightmeter.image.reading import DEFAULT_READING, Reading
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

_LAYERED = frozenset({"PSD"})  # formats whose further frames are parts of one picture

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
        picture: a loaded image or an array HxWxC; None where nobody wants the pixels.
        exif: its Exif, which comes with the first frame of a file.
        facts: of the header of its file, likewise.
        decoder: what decoded it.
        path: what it was read from, or "".
        meter: its measurement, by a decoder that measured it.
    """

    picture: Any
    exif: ExifTags | None = None
    facts: Facts | None = None
    decoder: Decoder | None = None
    path: str = ""
    meter: ImageMeter | None = None


class _Task(NamedTuple):
    """What is wanted of an image, and what is known of it.

    Attributes:
        reading, threads, watch: as `measure_images` takes them.
        thumbnail: likewise.
        path: what the image was read from, or "".
        file: its encoded bytes, where they were opened here.
        own: what a decoder of ours made of it, so that only the pixels are wanted.
    """

    reading: Reading
    path: str
    threads: int | None = None
    thumbnail: bool = False
    watch: Watch | None = None
    file: EncodedFile | EncodedBytes | None = None
    own: Frame | None = None

    @property
    def wants_pixels(self) -> bool:
        """Whether somebody wants more than the measurement."""
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
    if isinstance(image, ImageMeter):
        yield _checked_meter(image, reading)
        return
    path: Any = image if isinstance(image, str | os.PathLike) else None
    if isinstance(image, Image.Image):
        path = getattr(image, "filename", None) or None
    elif path is None and not _can_be_read(image):
        raise TypeError(f"cannot measure {type(image).__name__}; expected {ACCEPTED}")
    name = path if name is None else name
    try:
        if path is None and _is_file(image):
            image = read_whole(image, reading.limits)
        if isinstance(image, str | os.PathLike | bytes):
            (found,) = measure_together([image], [name], reading, thumbnail)
            if isinstance(found, Measured):
                yield found
                return
            image = found or image
        yield from _measure(image, _Task(reading, short_path(name), threads, thumbnail, watch))
    except BaseException as error:
        raise image_error(error, path=path) from error


def measure_image(
    image: ImageLike, reading: Reading = DEFAULT_READING, *, threads: int | None = None
) -> Measured:
    """Measure what is one image and no more."""
    (measured,) = measure_images(image, reading, threads=threads)
    return measured


def measure_together(
    images: Sequence[object], names: Sequence[object], reading: Reading, thumbnail: bool = False
) -> list[Measured | EncodedBytes | None]:
    """Read pictures in one call of the core, which measures the JPEG files that it decodes.

    Args:
        images: paths or encoded bytes; of several, files above `BYTES_TOGETHER` are not read.
        names: what they were read from.
        reading: how to read them.
        thumbnail: whether small pictures are wanted.

    Returns:
        The bytes of JPEG and PNG files that `measure_images` has to measure. None of all else, and
        of what fails.
    """
    wants_pixels = thumbnail or reading.functions
    is_plain = reading.is_of_one and not wants_pixels and is_trusted("JPEG")
    counting = reading.counting if is_plain else None
    most = BYTES_TOGETHER if len(images) > 1 else BYTES_AT_ONCE
    files = read_files(images, reading.limits, counting, most)
    return [
        _measured_jpeg(file, reading, name) if isinstance(file, tuple) else file
        for file, name in zip(files, names, strict=True)
    ]


def measure_frame(
    frame: Frame, reading: Reading, threads: int | None = None, *, thumbnail: bool = False
) -> Measured:
    """Measure a picture, and run the functions of the reading.

    Args:
        frame: the picture.
        reading: how it is measured.
        threads: threads that share its rows, as for `measure_images`.
        thumbnail: make a small picture of a PIL image.

    Raises:
        ImageError: the picture cannot be measured.
    """
    picture, exif, facts, decoded_by, path, meter = frame
    _refuse_level(reading)
    small = None
    channels: Channels | None = reading.channels
    with quiet():
        if reading.bands is not None:
            channels, picture = None, bands_of(picture, len(reading.bands))
        elif thumbnail and isinstance(picture, Image.Image):
            small = make_thumbnail(picture, path)
        measured = meter or _meter_of(picture, reading, threads)
    white = reading.value_range
    returned = run(reading.functions, picture, channels=channels, value_range=white)
    read = _read_as(measured, reading)
    return Measured(measured, exif, facts, small, returned, path, decoded_by, read)


def _read_as(meter: ImageMeter | BandMeter, reading: Reading) -> str:
    first = next(iter(meter.bands.values())) if isinstance(meter, BandMeter) else meter
    is_gray = first is not meter or first.mode in DEEP_GRAY
    return reading.text(first._order, first._samples, is_gray=is_gray)


def copy_frame(image: Image.Image, reading: Reading) -> Frame:
    """Load a PIL image and copy it, with its Exif, of which a copy alone loses some.

    Raises:
        ImageError: it is too large, or cannot be loaded.
    """
    path = getattr(image, "filename", None) or None
    try:
        with quiet():
            frame = _load(image, _Task(reading, short_path(path)))
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


def _checked_meter(meter: ImageMeter, reading: Reading) -> Measured:
    if meter.pixels == 0:
        raise ImageError("empty", "an ImageMeter that has measured no pixel")
    counting = meter._counting
    asked = {
        "bands": reading.bands is not None,
        "ignore": reading.ignored is not None,
        "pyramid_level": bool(reading.pyramid_level),
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


def _can_be_read(image: object) -> bool:
    return isinstance(image, bytes) or _is_file(image) or is_array(image) or is_chunked(image)


def _is_file(image: object) -> TypeGuard[IO[bytes] | bytearray]:
    is_binary = hasattr(image, "read") and not isinstance(image, io.TextIOBase)
    return is_binary or isinstance(image, bytearray)


def _measured_jpeg(file: "_core.MeasuredJpeg", reading: Reading, name: object) -> Measured:
    facts, profile, exif, size, mode, core, features = file
    if profile is not None:
        facts["ColorProfile"] = profile_description(profile)
    facts |= {"Format": "JPEG", "FileSize": size}
    meter = ImageMeter._of(core, reading.counting, mode=mode, _features=features)
    tags, path = tags_of(exif, reading.exif), short_path(name)
    # Named is the decoder whose pixels these are, so that profiles do not tell which one it was.
    return Measured(meter, tags, facts, None, (), path, decoder("JPEG"), reading.text())


def _measure_tiles(large: LargePicture, task: _Task) -> Iterator[Measured]:
    shown_path = task.path if task.thumbnail else None
    first: tuple[ExifTags | None, Facts | None] = (large.exif, large.facts)
    measured = measure_large(large, task.reading, task.threads, task.watch, shown_path)
    for meter, thumbnail, returned in measured:
        read = _read_as(meter, task.reading)
        yield Measured(meter, *first, thumbnail, returned, task.path, large.decoder, read)
        first = (None, None)


def _measure(image: Any, task: _Task) -> Iterator[Measured]:
    """Measure what the core has not: all but plain JPEG files."""
    reading = task.reading
    if isinstance(image, str | os.PathLike) and os.path.isdir(image) and is_zarr(image):
        yield from _measure_tiles(open_zarr(Path(image), reading), task)
    elif isinstance(image, Image.Image):
        yield from _measure_frames(image, task)
    elif is_array(image):
        for picture in pictures(as_numpy(image), reading.layout, band_count(reading)):
            yield measure_frame(Frame(picture), reading, task.threads)
    elif is_chunked(image):
        _refuse_level(reading)
        yield from _measure_tiles(open_array(image, reading), task)
    elif isinstance(image, EncodedBytes):
        yield from _measure_file(image, task)
    else:
        with open_encoded(image, reading.limits) as file:
            with quiet():
                large = open_large_tiff(file, reading)
            if large is None:
                yield from _measure_file(file, task)
            else:
                yield from _measure_tiles(large, task)


def _measure_file(file: EncodedFile | EncodedBytes, task: _Task) -> Iterator[Measured]:
    own = _png_frame(file, task) if isinstance(file, EncodedBytes) else None
    if own is not None and not task.wants_pixels:
        yield measure_frame(own, task.reading)
        return
    with quiet():
        image = open_picture(file, task.reading.limits)
    yield from _measure_frames(image, task._replace(file=file, own=own))


def _refuse_level(reading: Reading) -> None:
    if reading.pyramid_level:
        raise ImageError(
            "unsupported", f"no level {reading.pyramid_level}; the picture has none but 0"
        )


def _png_frame(file: EncodedBytes, task: _Task) -> Frame | None:
    """Measure the one frame of a PNG file by the decoder of our own; None if Pillow has to look."""
    reading = task.reading
    if file.picture[0] != "PNG" or not reading.is_of_one or not is_trusted("PNG"):
        return None
    if task.wants_pixels and not reading.deep_colour:
        return None  # Pillow decodes it for others anyway
    meter = measure_png(file.data, reading, task.threads)
    if meter is None:
        return None
    exif, facts = _header_in(file, "PNG", None, reading.exif)
    is_own = reading.all_bits and is_deep_colour(file.data)  # Pillow has no such pixels
    decoded_by = decoder("PNG", "lightmeter" if is_own else "PIL")
    return Frame(None, exif, facts, decoded_by, task.path, meter)


def _measure_frames(image: Image.Image, task: _Task) -> Iterator[Measured]:
    """Measure the frames of an image that Pillow opened."""
    reading = task.reading
    is_all = reading.frames == "all" and image.format not in _LAYERED
    first = image.tell()
    try:
        for number in itertools.count() if is_all else range(1):
            with quiet():
                if is_all and not _is_at(image, number):
                    break
                check_frames(number + 1, reading.limits)
                frame = _load(image, task)
            if number > 0:
                frame = frame._replace(exif=None, facts=None)
            yield measure_frame(frame, reading, task.threads, thumbnail=task.thumbnail)
    finally:
        if is_all:
            with quiet(), contextlib.suppress(Exception):
                image.seek(first)


def _is_at(image: Image.Image, number: int) -> bool:
    """Go to a frame; False behind the last one."""
    # To count those of a TIFF Pillow would read every directory, however many.
    is_counted = image.format != "TIFF"
    if is_counted and number >= max(1, getattr(image, "n_frames", 1)):
        return False
    try:
        if image.tell() != number:
            image.seek(number)
    except EOFError:
        if is_counted or number == 0:
            raise
        return False
    return True


def _load(image: Image.Image, task: _Task) -> Frame:
    """Load once, and read Exif and facts. After a failure a second try can yield black pixels."""
    reading = task.reading
    if id(image) in _failed:
        reason, detail, was_unread = _failed[id(image)]
        if not was_unread or _is_unread(image):  # else somebody has loaded it since
            raise ImageError(reason, detail)
    check_size(*image.size, reading.limits)
    if task.own is None:
        check_bits(
            image,
            deep_colour=reading.deep_colour and task.file is not None,
            has_range=reading.value_range is not None,
        )
    exif, facts = _header(image, task)  # loading closes the file
    try:
        image.load()
    except BaseException as error:
        failure = image_error(error)
        _failed[id(image)] = (failure.reason, failure.detail, _is_unread(image))
        weakref.finalize(image, _failed.pop, id(image), None).atexit = False
        raise
    if task.own is not None:
        return task.own._replace(picture=image)
    return Frame(image, exif, facts, decoder_of(image), task.path)


def _is_unread(image: Image.Image) -> bool:
    return bool(getattr(image, "tile", ()))


def _header(image: Image.Image, task: _Task) -> tuple[ExifTags | None, Facts | None]:
    """Read Exif and facts from the image's file; without one, the Exif that Pillow kept.

    (None, None) of an image that was never in a file, or whose file left nothing.
    """
    policy = task.reading.exif
    if task.file is not None:
        return _header_in(task.file, image.format, image, policy)
    own: Any = getattr(image, "fp", None)
    if path := getattr(image, "filename", None):  # loading closes the file
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
    return (None, None) if is_gone else (read_exif(kept, policy), {})


def _header_in(
    file: Any, name: str | None, image: Image.Image | None, policy: ExifPolicy
) -> tuple[ExifTags | None, Facts]:
    """Read Exif and facts from a file, which stays where it is."""
    position = file.tell()
    try:
        kept = None if image is None else exif_block(image.info.get("exif"))
        header = read_header(file, image) or Header({}, kept)
        facts: Facts = {"Format": name, "FileSize": size_of(file)}
        return read_exif(header.exif, policy, header.orientation), facts | header.facts
    finally:
        file.seek(position)
