"""Measuring images of any kind: all readers are called here, and their frames measured."""

import io
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import IO, Any, TypeGuard

import numpy as np
from PIL import Image

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.arrays import (
    DEEP_GRAY,
    Array,
    ArrayLike,
    Channels,
    LoadedImage,
    as_batch,
    as_numpy,
    is_array,
)
from lightmeter.image.decoders import decoder, decoder_of, is_trusted, measure_png
from lightmeter.image.encoded import (
    BYTES_AT_ONCE,
    BYTES_TOGETHER,
    VIDEOS,
    Encoded,
    EncodedBytes,
    Opened,
    is_zarr,
    most_pixels,
    open_encoded,
    read_whole,
    short_path,
)
from lightmeter.image.exif import ExifPolicy, ExifTags, read_exif, tags_of
from lightmeter.image.failure import image_error
from lightmeter.image.frame import Frame as Frame
from lightmeter.image.frame import Measured as Measured
from lightmeter.image.frame import Read, make_thumbnail
from lightmeter.image.ignore import ALL_IGNORED
from lightmeter.image.limits import DEFAULT_LIMITS, check_frames, check_level, check_size
from lightmeter.image.meter import BandMeter, ImageMeter, Mark
from lightmeter.image.metrics import run
from lightmeter.image.open import (
    Facts,
    check_bits,
    header_in,
    mend_order,
    open_image,
    pillow_header,
    profile_description,
)
from lightmeter.image.reading import DEFAULT_READING, Reading
from lightmeter.image.tiff import NODATA, parse_nodata
from lightmeter.image.tiles.raster import (
    ChunkedArray,
    Watch,
    is_chunked,
    measure_rasters,
    open_array,
    open_zarr,
)
from lightmeter.image.tiles.tiff import open_large_tiff
from lightmeter.image.video import Clip, video_frames
from lightmeter.quiet import quiet

ImageLike = Image.Image | ArrayLike | ChunkedArray | ImageMeter | Encoded

# Modes whose samples can be used as bands directly.
_BANDED = frozenset({"LA", "La", "RGB", "RGBA", "RGBa", "RGBX", "CMYK"})
_SAMPLES, _EXTRA = 277, 338  # TIFF tags: SamplesPerPixel, ExtraSamples

_MOST_FACTS, _LONGEST_NAME = 64, 128  # of an image, from a reader

_LAYERED = frozenset({"PSD"})  # formats whose further frames are parts of one image

# Attribute of a caller's image that failed: the error, and whether its pixels were unread then.
_FAILED = "_lightmeter_failed"


def is_file(image: object) -> TypeGuard[IO[bytes] | bytearray]:
    """Return whether `image` is a binary file or a bytearray."""
    # An object with `read` alone may read something else, such as `ProfileView.read`.
    is_binary = hasattr(image, "read") and hasattr(image, "close")
    return isinstance(image, bytearray) or (is_binary and not isinstance(image, io.TextIOBase))


def can_be_read(image: object) -> bool:
    """Return whether `image` holds images but is neither a path nor a PIL image."""
    return isinstance(image, bytes) or is_file(image) or is_array(image) or is_chunked(image)


def frames_of(image: Any, reading: Reading) -> Iterator[Frame]:
    """Yield the frames of an image that `Reading.frames` selects.

    Parameters
    ----------
    image
        An image that `measure_images` accepts, or `EncodedBytes`.
    reading
        How to read it, without `Reading.read`.

    Raises
    ------
    ImageError
        An image cannot be read.
    Exception
        Decoders and files may raise any exception.
    """
    if is_zarr(image):
        yield from open_zarr(Path(image), reading)
    elif isinstance(image, Image.Image):
        yield from frames_in(image, reading)
    elif is_array(image):
        array, bands = as_numpy(image), reading.band_count
        yield from map(Frame, as_batch(array, reading.layout, bands, reading.value_range))
    elif is_chunked(image):
        yield from open_array(image, reading)
    else:
        with open_encoded(image, reading.limits) as file:
            if file.format in VIDEOS:
                frames = video_frames(file, reading, image if isinstance(image, Clip) else None)
            else:
                tiles = open_large_tiff(file, reading)
                frames = tiles or frames_in(open_image(file, reading.limits), reading, file)
            yield from frames


def _frames_read(image: Any, reading: Reading) -> Iterator[Frame]:
    """Yield the frames that the user's reader finds in a path or encoded bytes."""
    read: Any = reading.read
    if not is_zarr(image):
        with open_encoded(image, reading.limits):
            pass  # it may be opened
    given, number = read(image), 0
    several = given if isinstance(given, Iterator) else [given]
    last = 1 if reading.frames == "first" else None
    for number, returned in enumerate(itertools.islice(several, last), 1):
        check_frames(number, reading.limits)
        found = _as_read(returned)
        bands, range_ = reading.bands or found.bands, reading.value_range or found.value_range
        try:
            own = replace(reading, bands=bands, value_range=range_)
        except (TypeError, ValueError) as error:
            raise ImageError("unsupported", f"read= gave wrong options: {error}") from error
        named = {str(name)[:_LONGEST_NAME]: fact for name, fact in (found.facts or {}).items()}
        facts = ((read.__name__, named),) if named else ()
        for frame in frames_of(found.image, own):
            if isinstance(frame.image, np.ndarray):
                height, width = frame.image.shape[:2]
                check_size(width, height, reading.limits.pixels)
            more = {"mask": found.mask, "group": found.group, "reading": own}
            yield frame._replace(returned=facts, **more)
    if number == 0:
        raise ImageError("empty", "read= returned no image")


def _as_read(returned: Any) -> Read:
    """Return the result of a reader for one image as a `Read`."""
    is_several = isinstance(returned, tuple) and 0 < len(returned) <= len(Read._fields)
    found = Read(*returned) if is_several else Read(returned)
    image, facts, group = found.image, found.facts, found.group
    if not isinstance(image, str | os.PathLike | Image.Image) and not can_be_read(image):
        what = f"a {type(image).__name__}; expected an array or an image"
        raise ImageError("unsupported", f"read= gave {what}")
    if not isinstance(facts, Mapping | None):
        raise ImageError(
            "unsupported", f"read= gave a {type(facts).__name__} as facts; expected a dict"
        )
    if not isinstance(group, str | Integral | None):
        what = f"a {type(group).__name__} as group; expected a text"
        raise ImageError("unsupported", f"read= gave {what}")
    if len(facts or ()) > _MOST_FACTS:  # they may be those of a file
        raise ImageError("too_large", f"read= gave more than {_MOST_FACTS} facts")
    # A lone surrogate is no text.
    text = None if group is None else str(group).encode(errors="replace").decode()
    return found._replace(group=text)


def frames_in(image: Image.Image, reading: Reading, file: Opened | None = None) -> Iterator[Frame]:
    """Load the frames of an image that Pillow opened, with the Exif and facts of its file.

    Parameters
    ----------
    image
        The image, which also holds each frame. After a failure there is no second try, because it
        could yield black pixels or fewer frames.
    reading
        How to read it.
    file
        Its encoded bytes, if they were opened here.

    Raises
    ------
    ImageError
        It is too large, or lacks the bits that `reading` asks for.
    Exception
        Decoders and files may raise any exception.
    """
    failure, was_unread = getattr(image, _FAILED, (None, False))
    if failure is not None and (not was_unread or _is_unread(image)):
        raise ImageError(failure.reason, failure.detail)  # the one kept has no traceback
    is_all = reading.frames == "all" and image.format not in _LAYERED
    first = image.tell()
    try:
        for number in itertools.count() if is_all else range(1):
            if is_all and not _is_at(image, number):
                break
            check_frames(number + 1, reading.limits)
            frame = _loaded(image, reading, file)
            yield frame if number == 0 else frame._replace(exif=None, facts=None)
    except (GeneratorExit, ImageError):  # which say nothing of its bytes
        raise
    except BaseException as error:
        setattr(image, _FAILED, (image_error(error), _is_unread(image)))
        raise
    finally:
        if is_all:
            with suppress(Exception):
                image.seek(first)


def _is_at(image: Image.Image, number: int) -> bool:
    """Go to a frame; return False after the last one."""
    # To count the frames of a TIFF file, Pillow would read every directory, however many there are.
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


def _loaded(image: Image.Image, reading: Reading, file: Opened | None) -> Frame:
    check_size(*image.size, reading.limits.pixels)
    mend_order(image)
    image.load()
    exif, facts = _header_of(image, reading.exif, file)  # Exif may stand behind the pixels
    if reading.value_range is not None:
        check_bits(image, int((facts or {}).get("BitDepth") or 8))
    nodata = parse_nodata(getattr(image, "tag_v2", {}).get(NODATA))
    return Frame(image, exif, facts, decoder_of(image), nodata=nodata)


def _is_unread(image: Image.Image) -> bool:
    return bool(getattr(image, "tile", ()))


def _header_of(
    image: Image.Image, policy: ExifPolicy, file: Opened | None
) -> tuple[ExifTags | None, Facts | None]:
    """Return the Exif and facts from the image's file; without a path, the Exif that Pillow keeps.

    The result is therefore the same whether or not the image is loaded. It is (None, None) for an
    image without a file.
    """
    if file is not None:
        return header_in(file, image, policy)
    if path := getattr(image, "filename", None):  # loading closes the file
        with suppress(ImageError, OSError):
            ((small, _),) = _core.measure_files([path], None, BYTES_TOGETHER)  # fast
            file = open_encoded(path, DEFAULT_LIMITS) if small is None else EncodedBytes(small)
            with file:
                return header_in(file, image, policy)
    kept = pillow_header(image)
    # The Exif of a TIFF is in its directories, which are gone with the file.
    is_gone = image.format in (None, "TIFF") and kept.exif is None
    return (None, None) if is_gone else (read_exif(kept.exif, policy, kept.orientation), {})


# --- measurement ---


def measure_images(
    image: ImageLike,
    reading: Reading = DEFAULT_READING,
    *,
    threads: int | None = None,
    thumbnail: bool = False,
    name: str | None = None,
    watch: Watch | None = None,
) -> Iterator[Measured]:
    """Measure an image, the images of a batch in one array, or the frames of a file.

    Parameters
    ----------
    image
        A PIL image, an array or tensor (HxW, HxWxC or `Reading.layout`), a chunked array of zarr,
        h5py, xarray or dask, an `ImageMeter`, a path, encoded bytes or a binary file.
    reading
        How to read it. Exif comes with the first frame only.
    threads
        Threads that share the rows of one image; None means 1, or up to 4 above 4 megapixels. The
        result does not depend on it.
    thumbnail
        Also make thumbnails of PIL images and encoded images.
    name
        Name that thumbnails carry in place of the path.
    watch
        Called before each read of an image that is read in tiles.

    Raises
    ------
    ImageError
        An image cannot be read or measured; `reason` says why.
    TypeError
        `image` has an unsupported type.
    ValueError
        `threads` is below 1.
    """
    if isinstance(image, ImageMeter):
        yield _checked_meter(image, reading)
        return
    path: Any = image if isinstance(image, str | os.PathLike) else None
    if isinstance(image, Image.Image):
        path = getattr(image, "filename", None) or None
    elif path is None and not can_be_read(image):
        expected = "a PIL image, an array or tensor, an ImageMeter, a path, bytes or a binary file"
        raise TypeError(f"cannot measure {type(image).__name__}; expected {expected}")
    name = path if name is None else name
    try:
        if reading.ignore is not None:
            reading = reading.for_image(short_path(name))
        source: Any = image
        if path is None and is_file(image) and not isinstance(image, EncodedBytes):
            source = read_whole(image, reading.limits)
        is_encoded = isinstance(source, str | os.PathLike | bytes)
        if is_encoded:
            source = measure_together([source], [name], reading, thumbnail)[0] or source
        if isinstance(source, EncodedBytes):
            source = _measured_png(source, reading, name, thumbnail) or source
        if isinstance(source, Measured):
            yield source
            return
        is_own = is_encoded and reading.read is not None
        frames = (_frames_read if is_own else frames_of)(source, reading)
        for frame in iter(partial(_next_frame, frames), None):
            if watch is not None:
                watch()
            named = frame._replace(path=short_path(name))
            yield measure_frame(named, reading, threads, thumbnail=thumbnail, watch=watch)
    except BaseException as error:
        raise image_error(error, path=path) from error


# Warnings are off while a frame is made, but not while the caller works with it.
@quiet()
def _next_frame(frames: Iterator[Frame]) -> Frame | None:
    return next(frames, None)


def measure_image(image: ImageLike, reading: Reading = DEFAULT_READING, **how: Any) -> Measured:
    """Measure exactly one image; see `measure_images` for arguments and errors."""
    (measured,) = measure_images(image, reading, **how)
    return measured


def measure_together(
    images: Sequence[object], names: Sequence[object], reading: Reading, thumbnail: bool = False
) -> list[Measured | EncodedBytes | None]:
    """Read images in one call of the core, and measure those with our own decoders.

    Parameters
    ----------
    images
        Paths or encoded bytes. If there are several, files above `BYTES_TOGETHER` are not read.
    names
        Names of the images.
    reading
        How to read them.
    thumbnail
        Whether to make thumbnails.

    Returns
    -------
    list[Measured | EncodedBytes | None]
        For each image its measurement; the bytes of a JPEG or PNG file that `measure_images` must
        measure; or None for any other image and for failures.
    """
    if reading.read is not None:  # which gets the files
        return [None] * len(images)
    wants_pixels = thumbnail or reading.functions
    is_plain = reading.is_of_one and not wants_pixels and is_trusted()
    metrics = reading.metric_set if is_plain else None
    most = BYTES_TOGETHER if len(images) > 1 else BYTES_AT_ONCE
    most = int(min(most, reading.limits.bytes or most))
    pixels, mask_of = most_pixels(reading.limits), reading.mask_of
    files = _core.measure_files(images, metrics, most, pixels, mask_of)
    return [
        _measured_jpeg(jpeg, reading, name) if jpeg is not None else image and EncodedBytes(image)
        for (image, jpeg), name in zip(files, names, strict=True)
    ]


def measure_frame(
    frame: Frame,
    reading: Reading,
    threads: int | None = None,
    *,
    thumbnail: bool = False,
    watch: Watch | None = None,
) -> Measured:
    """Measure an image, and run the functions of the reading.

    Parameters
    ----------
    frame
        The image.
    reading
        How it is measured.
    threads
        Threads that share the rows; see `measure_images`.
    thumbnail
        Also make a thumbnail of a PIL image, or of an image that is read in tiles.
    watch
        See `measure_images`.

    Raises
    ------
    ImageError
        The image cannot be measured.
    """
    image, exif, facts, decoded_by, path, mask, nodata = frame[:7]
    given = frame.reading or reading
    bands, small = given.bands, None
    is_of_bands = bands and getattr(mask, "shape", ())[2:] == (len(bands),)
    masks = np.moveaxis(mask, 2, 0) if is_of_bands and not isinstance(image, list) else [mask]
    readings = [given.for_image(path, mask=own) for own in masks]
    reading, ignored = readings[0], readings[0].ignored
    mark = None if ignored.is_fixed else partial(ignored.mark, nodata=nodata)
    channels: Channels | None = reading.channels
    with quiet():
        if isinstance(image, list):
            channels = image[0].order or "RGB"
            meters, image = measure_rasters(image, reading, threads, watch, thumbnail, mark)
        else:
            check_level(reading.pyramid_level, 1)
            if bands is not None:
                image = _bands_of(image, len(bands))
            parts = [image] if bands is None else np.split(image, len(bands), axis=2)
            ways = zip(parts, itertools.cycle(readings), strict=False)
            meters = [_counted(part, way, threads, mark) for part, way in ways]
        if mark is not None and not all(meter.pixels for meter in meters):
            raise ImageError("empty", ALL_IGNORED)
        if thumbnail and isinstance(image, Image.Image):
            small = make_thumbnail(image, path)
    whole = BandMeter(dict(zip(bands, meters, strict=True))) if bands else meters[0]
    channels = None if bands else channels
    called = run(reading.functions, image, channels, reading.value_range)
    read = _read_as(whole, given, fourth=_takes_fourth(frame.image, given))
    group = frame.group or (None if frame.seconds is None else path) or None  # frames are alike
    own = (*frame.returned, *called), path, decoded_by, read, group, frame.seconds
    return Measured(whole, exif, _with_ignored(facts, meters), small, *own)


def _counted(
    image: LoadedImage, reading: Reading, threads: int | None, mark: Mark | None
) -> ImageMeter:
    size = image.size if isinstance(image, Image.Image) else image.shape[1::-1]
    meter = ImageMeter._new(reading, size, threads)
    if mark is not None and meter._mask is not None:
        mark(meter._mask, image, (0, 0))
    meter.update(image)
    return meter


def _bands_of(image: LoadedImage, count: int) -> Array:
    """Return the samples of an image of `count` bands, as an array HxWxC.

    Raises
    ------
    ImageError
        The image has another number of bands.
    """
    if isinstance(image, Image.Image):
        if image.mode not in _BANDED or len(image.getbands()) != count:
            expected = f"expected {count} bands; pass other images as an array HxWxC"
            raise ImageError("unsupported", f"got an image of mode {image.mode}; {expected}")
        return np.asarray(image)
    return image


def _with_ignored(facts: Any, meters: Sequence[ImageMeter]) -> Any:
    """Return the facts with the percentage of ignored pixels, averaged over bands."""
    shares = [share for meter in meters if (share := meter._core.ignored_percent) is not None]
    return {**(facts or {}), "ignored_percent": sum(shares) / len(shares)} if shares else facts


def _read_as(meter: ImageMeter | BandMeter, reading: Reading, *, fourth: bool = False) -> str:
    first = next(iter(meter.bands.values())) if isinstance(meter, BandMeter) else meter
    return reading.text(first._order, first._samples, fourth=fourth)


def _takes_fourth(image: Any, reading: Reading) -> bool:
    """Return whether the fourth channel of an array is assumed to be alpha."""
    if reading.bands is not None or "alpha" in reading.ignored.rules:
        return False
    if isinstance(image, Image.Image):
        tags = getattr(image, "tag_v2", {})
        is_rgb = image.mode.startswith("RGB")
        return is_rgb and tags.get(_SAMPLES) == 4 and not np.any(tags.get(_EXTRA, 0))
    if isinstance(image, list):
        return bool(image[0].takes_fourth)
    return bool(image.shape[2] == 4)


def copy_frame(image: Image.Image, reading: Reading) -> Frame:
    """Load and copy a PIL image together with its Exif, some of which a plain copy would lose.

    Raises
    ------
    ImageError
        It is too large, or cannot be loaded.
    """
    path = getattr(image, "filename", None) or None
    try:
        with quiet():
            (frame,) = frames_in(image, reading)
            return frame._replace(image=image.copy(), path=short_path(path))
    except BaseException as error:
        raise image_error(error, path=path) from error


def _checked_meter(meter: ImageMeter, reading: Reading) -> Measured:
    if meter.pixels == 0:
        raise ImageError("empty", "an ImageMeter that has measured no pixel")
    if meter._expected not in (None, meter.pixels):
        detail = f"an ImageMeter that has measured {meter.pixels} of {meter._expected} pixels"
        raise ImageError("truncated", detail)
    own, given = meter._reading, replace(reading, metrics=reading.metric_set)
    for option in ("bands", "channels", "ignore", "metrics", "pyramid_level", "value_range"):
        possible = [getattr(way, option) for way in (DEFAULT_READING, own)]
        if (getattr(given, option) or None) not in possible:
            detail = f"got {option} with an ImageMeter, which has measured; give the array"
            raise ImageError("unsupported", detail)
    metrics = [own.metric_set, *reading.functions]
    own = replace(reading, value_range=own.value_range, metrics=metrics)
    returned = run(reading.functions, None)
    facts = _with_ignored(None, [meter])
    return Measured(meter, None, facts, returned=returned, read=_read_as(meter, own))


def _measured_png(
    file: EncodedBytes, reading: Reading, name: object, thumbnail: bool
) -> Measured | None:
    """Measure a PNG file; return None to leave it to Pillow, such as if pixels are needed."""
    # With a `value_range`, a thumbnail needs only the upper bits, but a function needs all of them.
    is_left = reading.functions or (thumbnail and reading.value_range is None)
    if file.format != "PNG" or is_left or not reading.is_of_one:
        return None
    with quiet():
        image = open_image(file, reading.limits)
        meter = measure_png(file.data, image, reading)
        if meter is None:
            return None
        exif, facts = header_in(file, image, reading.exif)
        path = short_path(name)
        small = make_thumbnail(image, path) if thumbnail else None
    is_deeper = meter._samples and image.mode not in DEEP_GRAY  # Pillow has no such pixels
    decoded_by = decoder("PNG", "lightmeter") if is_deeper else decoder_of(image)
    text = _read_as(meter, reading)
    facts = _with_ignored(facts, [meter])
    return Measured(meter, exif, facts, small, (), path, decoded_by, text)


def _measured_jpeg(file: "_core.MeasuredJpeg", reading: Reading, name: object) -> Measured:
    facts, profile, exif, size, mode, core, features = file
    if profile is not None:
        facts["ColorProfile"] = profile_description(profile)
    facts |= {"Format": "JPEG", "FileSize": size}
    meter = ImageMeter._of(core, reading, mode=mode, _features=features)
    tags, path = tags_of(exif, reading.exif), short_path(name)
    known = _with_ignored(facts, [meter])
    # The name is that of Pillow's decoder, which gives the same pixels, so that profiles do not
    # depend on which decoder ran.
    return Measured(meter, tags, known, None, (), path, decoder("JPEG"), reading.text())
