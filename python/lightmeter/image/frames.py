"""Reading the frames of an image of any kind: all readers are called here."""

import io
import itertools
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import IO, Any, TypeGuard

import numpy as np
from PIL import Image

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.arrays import as_numpy, is_array, pictures
from lightmeter.image.decoders import decoder_of
from lightmeter.image.encoded import (
    BYTES_TOGETHER,
    VIDEOS,
    EncodedBytes,
    Opened,
    is_zarr,
    open_encoded,
)
from lightmeter.image.exif import ExifPolicy, ExifTags, read_exif
from lightmeter.image.failure import image_error
from lightmeter.image.frame import Frame, Read
from lightmeter.image.header import Facts, Header, picture_header, read_header
from lightmeter.image.limits import DEFAULT_LIMITS, check_frames, check_size
from lightmeter.image.pillow import check_bits, mend_order, open_picture
from lightmeter.image.reading import Reading
from lightmeter.image.tiff import NODATA, parse_nodata
from lightmeter.image.tiles.array_raster import is_chunked, open_array, open_zarr
from lightmeter.image.tiles.tiff import open_large_tiff
from lightmeter.image.video import Clip, video_frames
from lightmeter.quiet import quiet

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
        How to read it.

    Raises
    ------
    ImageError
        An image cannot be read.
    Exception
        Decoders and files may raise any exception.
    """
    if reading.read is not None and isinstance(image, str | os.PathLike | bytes):
        yield from _frames_read(image, reading)
    elif isinstance(image, str | os.PathLike) and is_zarr(image):
        yield from open_zarr(Path(image), reading)
    elif isinstance(image, Image.Image):
        yield from frames_in(image, reading)
    elif is_array(image):
        array, bands = as_numpy(image), reading.band_count
        yield from map(Frame, pictures(array, reading.layout, bands, reading.value_range))
    elif is_chunked(image):
        yield from open_array(image, reading)
    else:
        is_read = isinstance(image, EncodedBytes)
        with image if is_read else open_encoded(image, reading.limits) as file:
            if file.format in VIDEOS:
                clip = image if isinstance(image, Clip) else None
                yield from video_frames(file, reading, clip)
                return
            with quiet():
                frames = open_large_tiff(file, reading)
                if frames is None:
                    frames = frames_in(open_picture(file, reading.limits), reading, file)
            yield from frames


def _frames_read(image: Any, reading: Reading) -> Iterator[Frame]:
    """Yield the frames that the user's reader finds in a path or encoded bytes."""
    read: Any = reading.read
    if not is_zarr(image):
        open_encoded(image, reading.limits).__exit__(None, None)  # checks that it may be opened
    last, number = 1 if reading.frames == "first" else None, 0
    for number, returned in enumerate(itertools.islice(_returned(read, image), last), 1):
        check_frames(number, reading.limits)
        found = _as_read(returned)
        picture, range_ = found.picture, reading.value_range or found.value_range
        if not isinstance(picture, str | os.PathLike | Image.Image) and not can_be_read(picture):
            detail = f"read= gave a {type(picture).__name__}; expected an array or an image"
            raise ImageError("unsupported", detail)
        try:
            own = replace(reading, bands=reading.bands or found.bands, value_range=range_)
        except (TypeError, ValueError) as error:
            raise ImageError("unsupported", f"read= gave wrong options: {error}") from error
        facts = ((read.__name__, found.known),) if found.facts else ()
        for frame in frames_of(picture, replace(own, read=None)):
            if isinstance(frame.picture, np.ndarray):
                height, width = frame.picture.shape[:2]
                check_size(width, height, reading.limits)
            more = {"mask": found.mask, "group": found.group, "reading": own}
            yield frame._replace(returned=facts, **more)
    if number == 0:
        raise ImageError("empty", "read= returned no image")


def _as_read(returned: Any) -> Read:
    """Return the result of a reader for one image as a `Read`."""
    is_several = isinstance(returned, tuple) and 0 < len(returned) <= len(Read._fields)
    found = Read(*returned) if is_several else Read(returned)
    if not isinstance(found.facts, Mapping | None):
        detail = f"read= gave a {type(found.facts).__name__} as facts; expected a dict"
        raise ImageError("unsupported", detail)
    return found._replace(group=_group_named(found.group))


def _group_named(group: Any) -> str | None:
    """Return the group that a reader names, by the text that it has at every other door."""
    if group is None or isinstance(group, str):
        return group
    if not isinstance(group, Real):
        detail = f"read= gave a {type(group).__name__} as group; expected a text"
        raise ImageError("unsupported", detail)
    number: Any = group
    whole = math.isfinite(number) and number == int(number)
    return None if number != number else str(int(number) if whole else float(number))


def _returned(read: Any, image: Any) -> Iterator[Any]:
    """Yield the results that a reader returns or yields, without its warnings."""
    with quiet():
        given = read(image)
    several = given if isinstance(given, Iterator) else iter([given])
    while True:
        with quiet():
            result = next(several, several)
        if result is several:
            break
        yield result


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
            with quiet():
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
            with quiet(), suppress(Exception):
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
    check_size(*image.size, reading.limits)
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
    kept = picture_header(image)
    # The Exif of a TIFF is in its directories, which are gone with the file.
    is_gone = image.format in (None, "TIFF") and kept.exif is None
    return (None, None) if is_gone else (read_exif(kept.exif, policy, kept.orientation), {})


def header_in(file: Any, image: Image.Image, policy: ExifPolicy) -> tuple[ExifTags | None, Facts]:
    """Read Exif and facts from a file, and restore its position."""
    position = file.tell()
    try:
        header = read_header(file, image) or Header({})
        facts: Facts = {"Format": image.format, "FileSize": file.size}
        return read_exif(header.exif, policy, header.orientation), facts | header.facts
    finally:
        file.seek(position)
