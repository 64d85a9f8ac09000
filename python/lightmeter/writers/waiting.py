"""Images that wait to be measured, in a form that no one else can change, and their sizes."""

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
_PATH = 1 << 20  # takes no memory, but stands for the work of reading a file
_MEASURED = 4 << 20  # the size of three 16-bit histograms


class Waiting(NamedTuple):
    """An image in the queue; `kept` is the result of `keep`."""

    start: datetime
    kept: Any
    weight: int
    group: str | None


@cache
def warm_up() -> None:
    """Import the modules that measuring needs, before a thread does.

    A child that is forked while another thread imports a module keeps it half-initialized.
    """
    file = io.BytesIO()
    Image.new("RGB", (1, 1)).save(file, "JPEG")
    for image in (np.zeros((1, 1, 3), np.uint8), file.getvalue()):
        measure_image(image, threads=1)
    Image.init()


def attempt(measure: Callable[[Any, Reading], Any], image: Any, reading: Reading) -> Any:
    """Call `keep` or `measure_kept`, and return an error about the image as a failure."""
    try:
        return measure(image, reading)
    except TypeError as error:
        return Failure(None, "unsupported", str(error))
    except Exception as error:
        return Failure.of(error)


def keep(image: Any, reading: Reading) -> Any:
    """Return the image in the cheapest form that no one else can change."""
    # No one else has a reference to what comes from a stream.
    if isinstance(image, Frame | Failure | str | os.PathLike | bytes):
        return image
    if isinstance(image, np.ndarray):
        return image.copy()
    if isinstance(image, Image.Image) and (reading.frames, reading.bands) == ("first", None):
        return copy_frame(image, reading)
    if isinstance(image, ImageMeter):
        return image._with(image._core.copy())
    return Profile(reading=reading)._measure("image", image, reading, threads=1)


def measure_kept(kept: Any, reading: Reading) -> Measured | Profile | Failure:
    """Measure the result of `keep`: an image, or several images as one profile."""
    if isinstance(kept, Measured | Profile | Failure):
        return kept
    if isinstance(kept, Frame):
        return measure_frame(kept, reading, threads=1)
    return Profile(reading=reading)._measure("image", kept, reading, threads=1)


def weight(image: Any) -> int:
    """Return an upper bound of the bytes that an image takes in the queue.

    A path counts as 1 MiB, and an image that `keep` measures as 4 MiB.
    """
    if isinstance(image, str | os.PathLike):
        return _PATH
    with suppress(Exception):  # such as a released memoryview; `keep` reports the error
        if isinstance(image, Image.Image):
            samples = 1 if image.mode in ("1", "L", "P") else 4
            return max(_LEAST, image.width * image.height * samples)
        return max(_LEAST, memoryview(image).nbytes)
    return _MEASURED
