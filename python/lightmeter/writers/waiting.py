"""Images that wait to be measured: in a form that nobody else can change, and what they weigh."""

import io
import os
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from lightmeter.image.failure import Failure
from lightmeter.image.measure import Frame, Measured, copy_frame, measure_frame, measure_image
from lightmeter.image.meter import ImageMeter
from lightmeter.image.metrics import run
from lightmeter.image.reading import Reading
from lightmeter.profile import Profile
from lightmeter.profile.grouping import Group

__all__ = ["Waiting", "keep", "measure_kept", "warm_up", "weight"]

_LEAST = 1 << 10  # the objects around the pixels
# A path holds nothing, but stands for the work of reading a file: as much as if the file waited.
_PATH = 1 << 20


class Waiting(NamedTuple):
    """An image in the queue; `kept` is what `keep` made of it, or what that raised."""

    start: datetime
    kept: Any
    weight: int
    group: Group | None = None


@cache
def warm_up() -> None:
    """Import what measuring imports at its first use, before a thread does.

    A process that is forked during an import has the module by half, and for ever.
    """
    file = io.BytesIO()
    Image.new("RGB", (1, 1)).save(file, "JPEG")
    for image in (np.zeros((1, 1, 3), np.uint8), file.getvalue()):
        measure_image(image, threads=1)
    Image.init()


def keep(image: Any, reading: Reading) -> Any:
    """The image in a form that nobody else can change, as cheaply as it can be had."""
    if isinstance(image, np.ndarray):
        return image.copy()
    one_frame = reading.frames == "first" and reading.bands is None
    if isinstance(image, Image.Image) and one_frame:
        return copy_frame(image, reading)
    if isinstance(image, str | os.PathLike | bytes):
        return image
    if isinstance(image, bytearray | memoryview):
        return bytes(image)
    if isinstance(image, ImageMeter) and image.pixels and reading.bands is None:
        return Measured(image._copy(), None, returned=run(reading.functions, None))
    return Profile(reading=reading)._measure("image", image, threads=1)


def measure_kept(kept: Any, reading: Reading) -> Measured | Profile | Failure:
    """Measure what `keep` returned or raised: an image, or several as their profile.

    Nothing about an image raises here.
    """
    try:
        if isinstance(kept, Exception):
            raise kept
        if isinstance(kept, Measured | Profile):
            return kept
        if isinstance(kept, Frame):
            return measure_frame(kept, reading, threads=1)
        return Profile(reading=reading)._measure("image", kept, threads=1)
    except TypeError as error:
        return Failure(None, "unsupported", str(error))
    except Exception as error:
        return Failure.of(error)


def weight(image: Any) -> int:
    """Bytes that an image takes in the queue, before or after `keep`. A path counts as 1 MB, and so
    does the profile of several images.
    """
    try:
        return max(_LEAST, _size(image))
    except Exception:  # as of a memoryview that was released: `keep` says what is wrong
        return _LEAST


def _size(image: Any) -> int:
    if isinstance(image, str | os.PathLike | Profile):
        return _PATH
    if isinstance(image, np.ndarray | memoryview):
        return image.nbytes
    if isinstance(image, bytes | bytearray):
        return len(image)
    if isinstance(image, Image.Image):
        return image.width * image.height * (1 if image.mode in ("1", "L", "P") else 4)
    if isinstance(image, Frame):
        return weight(image.picture)
    if isinstance(image, Measured):
        meter = image.meter
        meters = [meter] if isinstance(meter, ImageMeter) else meter.bands.values()
        return sum(sum(h.nbytes for h in each._core.histograms.values()) for each in meters)
    return 0  # measured by `keep`, and weighed then
