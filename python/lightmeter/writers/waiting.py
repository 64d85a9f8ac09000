"""Images that wait to be measured: in a form that nobody else can change, and what they weigh."""

import io
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from lightmeter.image.failure import Failure
from lightmeter.image.measure import Frame, Measured, copy_frame, measure_frame, measure_image
from lightmeter.image.meter import ImageMeter
from lightmeter.image.reading import Reading
from lightmeter.profile import Profile

_LEAST = 1 << 10  # the objects around the pixels
_PATH = 1 << 20  # holds nothing, but stands for the work of reading a file
_MEASURED = 4 << 20  # as three histograms of 16 bits have


class Waiting(NamedTuple):
    """An image in the queue; `kept` is what `keep` made of it."""

    start: datetime
    kept: Any
    weight: int
    group: str | None


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


def attempt(measure: Callable[[Any, Reading], Any], image: Any, reading: Reading) -> Any:
    """Call `keep` or `measure_kept`; what they raise about an image becomes a failure."""
    try:
        return measure(image, reading)
    except TypeError as error:
        return Failure(None, "unsupported", str(error))
    except Exception as error:
        return Failure.of(error)


def keep(image: Any, reading: Reading) -> Any:
    """Return the image in a form that nobody else can change, as cheaply as it can be had."""
    if isinstance(image, Frame | Failure):  # of a stream, which nobody else has
        return image
    if isinstance(image, np.ndarray):
        return image.copy()
    if isinstance(image, Image.Image) and (reading.frames, reading.bands) == ("first", None):
        return copy_frame(image, reading)
    if isinstance(image, str | os.PathLike | bytes):
        return image
    if isinstance(image, bytearray | memoryview):
        return bytes(image)
    if isinstance(image, ImageMeter):
        return image._copy()
    return Profile(reading=reading)._measure("image", image, threads=1)


def measure_kept(kept: Any, reading: Reading) -> Measured | Profile | Failure:
    """Measure what `keep` returned: an image, or several as their profile."""
    if isinstance(kept, Measured | Profile | Failure):
        return kept
    if isinstance(kept, Frame):
        return measure_frame(kept, reading, threads=1)
    return Profile(reading=reading)._measure("image", kept, threads=1)


def weight(image: Any) -> int:
    """Return the bytes that an image takes in the queue, or more.

    A path counts as 1 MB, and as 4 MB what `keep` measures.
    """
    if isinstance(image, str | os.PathLike):
        return _PATH
    with suppress(Exception):  # as of a memoryview that was released: `keep` says what is wrong
        if isinstance(image, Image.Image):
            samples = 1 if image.mode in ("1", "L", "P") else 4
            return max(_LEAST, image.width * image.height * samples)
        return max(_LEAST, memoryview(image).nbytes)
    return _MEASURED
