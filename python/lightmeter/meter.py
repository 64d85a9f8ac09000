"""Exact counts of one image's pixels, taken without a copy where possible."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter import _core
from lightmeter.errors import ImageError

__all__ = ["ImageMeter", "available_cpus"]

# Modes that Pillow stores as 8-bit gray or red, green, blue; alpha and padding are skipped.
_GRAY_MODES = frozenset({"L", "LA"})
_RGB_MODES = frozenset({"RGB", "RGBA", "RGBX"})
# Modes that Pillow converts to one of those without a choice of range.
_CONVERTED_MODES = {
    "1": "L",
    "La": "LA",
    "P": "RGB",
    "PA": "RGB",
    "RGBa": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "HSV": "RGB",
}

# Pillow keeps an image over 16 MB in several blocks, which it cannot export without a copy. Crops
# this high stay in the cache between the copy and the measurement.
_STRIP_ROWS = 60

_THREADED_PIXELS = 4_000_000
_MAX_THREADS = 4


class ImageMeter:
    """Measures one image, whole or in horizontal strips from top to bottom.

    Every number follows from integer counts of all pixels, so it does not depend on the strips, the
    threads or the processor. Colour is Pillow's 8-bit HSV; alpha is not measured.

    >>> meter = ImageMeter()
    >>> for top in range(0, 1080, 60):
    ...     meter.update(frame[top : top + 60])
    >>> meter.measurement()["Brightness.mean"]
    """

    def __init__(self, *, channels: str = "RGB", threads: int | None = None) -> None:
        """Start an image.

        Args:
            channels: order of the colour channels of arrays, ``"RGB"`` or ``"BGR"`` (OpenCV).
            threads: threads that share the rows of a strip; None takes 1, or up to 4 above 4
                megapixels.

        Raises:
            ValueError: `channels` or `threads` is out of range.
        """
        if channels not in ("RGB", "BGR"):
            raise ValueError(f"channels is {channels!r}; expected 'RGB' or 'BGR'")
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}; expected at least 1")
        self.mode = ""
        self._core = _core.ImageMeter()
        self._bgr = channels == "BGR"
        self._threads = threads

    def update(self, strip: Image.Image | NDArray[np.uint8]) -> None:
        """Count the pixels of a strip: a PIL image, or a uint8 array HxW, HxWx1, HxWx3 or HxWx4.

        Arrays may have any strides. A fourth channel is alpha.

        Raises:
            ImageError: it has no pixels, or samples that are not supported.
            IncompatibleError: its width or channels differ from those of the strips before.
            TypeError: it is neither.
        """
        if isinstance(strip, np.ndarray):
            mode = self._update_array(strip)
        elif isinstance(strip, Image.Image):
            mode = strip.mode
            self._update_pil(_with_8_bit_samples(strip))
        else:
            raise TypeError(
                f"cannot measure {type(strip).__name__}; expected a PIL image or a uint8 array"
            )
        self.mode = self.mode or mode

    def measurement(self) -> dict[str, float]:
        """The numbers of the image by name, such as ``Hue.mean``, on the 0..255 scale.

        Statistics that do not exist, such as the circular hue of a gray image, are absent.
        """
        return self._core.measurement()

    def _update_array(self, array: NDArray[Any]) -> str:
        bands = 1 if array.ndim == 2 else array.shape[2] if array.ndim == 3 else 0
        if array.dtype != np.uint8 or bands not in (1, 3, 4):
            raise ImageError(
                "unsupported",
                f"got an array of {array.dtype} with shape {array.shape}; "
                "expected uint8 with shape HxW, HxWx1, HxWx3 or HxWx4",
            )
        if array.size == 0:
            raise ImageError("empty", f"got an array without pixels, of shape {array.shape}")
        self._core.update(array, self._bgr, self._threads_for(array.size // bands))
        return {1: "L", 3: "RGB", 4: "RGBA"}[bands]

    def _update_pil(self, image: Image.Image) -> None:
        if 0 in image.size:
            raise ImageError("empty", f"got an image of {image.width}x{image.height} pixels")
        threads = self._threads_for(image.width * image.height)
        try:
            _update_exported(self._core, image, threads)
        except ValueError:  # in several blocks
            self._update_crops(image, threads)

    def _update_crops(self, image: Image.Image, threads: int) -> None:
        def measure_band(top: int, bottom: int) -> _core.ImageMeter:
            meter = _core.ImageMeter()
            for row in range(top, bottom, _STRIP_ROWS):
                crop = image.crop((0, row, image.width, min(row + _STRIP_ROWS, bottom)))
                _update_exported(meter, crop, threads=1)
            return meter

        bands = min(threads, image.height)
        edges = [image.height * band // bands for band in range(bands + 1)]
        with ThreadPoolExecutor(bands) as pool:
            for meter in pool.map(measure_band, edges, edges[1:]):
                self._core.append(meter)

    def _threads_for(self, pixels: int) -> int:
        if self._threads is not None:
            return self._threads
        return 1 if pixels < _THREADED_PIXELS else min(_MAX_THREADS, available_cpus())


def available_cpus() -> int:
    """Processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _update_exported(meter: _core.ImageMeter, image: Image.Image, threads: int) -> None:
    _, array = image.__arrow_c_array__()
    channels = 1 if image.mode in _GRAY_MODES else 3
    meter.update_arrow(array, image.width, image.height, channels, threads)


def _with_8_bit_samples(image: Image.Image) -> Image.Image:
    if image.mode in _GRAY_MODES or image.mode in _RGB_MODES:
        return image
    if image.mode not in _CONVERTED_MODES:
        supported = sorted(_GRAY_MODES | _RGB_MODES | _CONVERTED_MODES.keys())
        raise ImageError(
            "unsupported",
            f"mode {image.mode!r} is not supported; "
            f"convert the image to one of {', '.join(supported)}",
        )
    if "transparency" in image.info:  # alpha is not measured, and Pillow warns of some kinds
        image = image.copy()
        del image.info["transparency"]
    return image.convert(_CONVERTED_MODES[image.mode])
