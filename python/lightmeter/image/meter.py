"""Counts the pixels of one image exactly, and without a copy where possible."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.arrays import (
    ArrayLike,
    Channels,
    Layout,
    as_numpy,
    as_range,
    check_channels,
    check_layout,
    is_array,
    pictures,
    range_of,
)

__all__ = ["ImageMeter", "available_cpus", "measurable"]

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
    "LAB": "RGB",
}
# Modes of deeper samples, as Pillow keeps them.
_DEEP_MODES: dict[str, np.dtype[Any]] = {
    "I;16": np.dtype("<u2"),
    "I;16L": np.dtype("<u2"),
    "I;16B": np.dtype(">u2"),
    "I;16N": np.dtype("=u2"),
    "I": np.dtype("=i4"),
    "F": np.dtype("=f4"),
}
_UINT8: np.dtype[Any] = np.dtype(np.uint8)
_ARRAY_MODES = {"b1": "1", "u1": "L", "u2": "I;16", "f4": "F", "f8": "F"}

# Pillow keeps an image over 16 MB in several blocks, which it cannot export without a copy. Crops
# this high stay in the cache between the copy and the measurement.
_STRIP_ROWS = 60

_THREADED_PIXELS = 4_000_000
_MAX_THREADS = 4


class ImageMeter:
    """Measures one image, whole or in horizontal strips from top to bottom.

    Every number follows from integer counts of all pixels, so it does not depend on the strips, the
    threads or the processor. Colour is Pillow's HSV, of 8 bits or, from deeper samples, 16; alpha
    is not measured. A meter belongs to one thread at a time.

    >>> meter = lm.ImageMeter()
    >>> for top in range(0, len(frame), 60):
    ...     meter.update(frame[top : top + 60])
    >>> meter.measurement()["Brightness.mean"]
    """

    def __init__(
        self,
        *,
        channels: Channels = "RGB",
        layout: Layout | None = None,
        value_range: tuple[float, float] | None = None,
        threads: int | None = None,
    ) -> None:
        """Start an image.

        Args:
            channels: as for `lightmeter.Reading`.
            layout: likewise, of an image: ``"HW"``, ``"HWC"`` or ``"CHW"``.
            value_range: likewise.
            threads: threads that share the rows of a strip; None takes 1, or up to 4 above 4
                megapixels.

        Raises:
            ValueError: an argument is out of range.
        """
        check_channels(channels)
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}; expected at least 1")
        check_layout(layout)
        if layout is not None and "N" in layout:
            raise ValueError(f"layout is {layout!r}; a meter measures one image, not a batch")
        self.mode = ""
        self._core = _core.ImageMeter()
        self._bgr = channels == "BGR"
        self._layout = layout
        self._value_range = as_range(value_range)
        self._threads = threads

    def __reduce__(self) -> NoReturn:
        """A copy would share the counts."""
        raise TypeError("an ImageMeter cannot be copied or pickled; take its measurement() instead")

    def update(self, strip: Image.Image | ArrayLike) -> None:
        """Count the pixels of a strip: a PIL image, an array or a tensor (DLPack, on the CPU).

        Arrays are HxW or, with 1, 3 or 4 channels, HxWxC, of bool, uint8, uint16, float32 or
        float64, and may have any strides and byte order. A fourth channel is alpha.

        Raises:
            ImageError: it has no pixels, or samples that are not supported or outside their range;
                the counts are what they were.
            IncompatibleError: its width, channels or depth differ from those of the strips before.
            TypeError: it is neither an image nor an array.
        """
        if is_array(strip):
            mode = self._update_array(as_numpy(strip))
        elif isinstance(strip, Image.Image):
            mode = strip.mode
            self._update_pil(measurable(strip))
        else:
            raise TypeError(
                f"cannot measure {type(strip).__name__}; expected a PIL image or an array"
            )
        self.mode = self.mode or mode

    def measurement(self) -> dict[str, float]:
        """The numbers of the image by name, such as ``Hue.mean``, on the 0..255 scale.

        A number that does not exist, such as the circular hue of a gray image, is absent.
        """
        return self._core.measurement()

    def _update_array(self, array: NDArray[Any]) -> str:
        (picture,) = pictures(array, self._layout)
        bands = picture.shape[2]
        mode = {3: "RGB", 4: "RGBA"}.get(bands) or _ARRAY_MODES[array.dtype.str[1:]]
        if picture.dtype == np.bool_:
            picture = np.multiply(picture, np.uint8(255))
        self._core.update(
            picture,
            self._bgr,
            self._range_of(picture.dtype),
            self._threads_for(picture.size // bands),
        )
        return mode

    def _range_of(self, dtype: np.dtype[Any]) -> tuple[float, float]:
        return self._value_range or range_of(dtype)

    def _update_pil(self, image: Image.Image) -> None:
        if 0 in image.size:
            raise ImageError("empty", f"got an image of {image.width}x{image.height} pixels")
        threads = self._threads_for(image.width * image.height)
        try:
            # Pillow 11.2.1 crashes when it exports memory that is not its own, as that of an image
            # made from an array or mapped from a file. Crops are its own.
            if image.readonly:
                raise ValueError
            exported = image.__arrow_c_array__()
        except ValueError:  # in several blocks
            self._update_crops(image, threads)
        else:
            self._update_exported(self._core, image, exported, threads)

    def _update_exported(
        self,
        meter: _core.ImageMeter,
        image: Image.Image,
        exported: tuple[object, object],
        threads: int,
    ) -> None:
        dtype = _DEEP_MODES.get(image.mode, _UINT8)
        channels = 1 if image.mode in _GRAY_MODES or image.mode in _DEEP_MODES else 3
        meter.update_arrow(
            exported[1],
            image.width,
            image.height,
            channels,
            dtype,
            self._range_of(dtype),
            threads,
        )

    def _update_crops(self, image: Image.Image, threads: int) -> None:
        def measure_band(top: int, bottom: int) -> _core.ImageMeter:
            meter = _core.ImageMeter()
            for row in range(top, bottom, _STRIP_ROWS):
                crop = image.crop((0, row, image.width, min(row + _STRIP_ROWS, bottom)))
                self._update_exported(meter, crop, crop.__arrow_c_array__(), threads=1)
            return meter

        bands = min(threads, image.height)
        if bands == 1:
            self._core.add(measure_band(0, image.height))
            return
        edges = [image.height * band // bands for band in range(bands + 1)]
        with ThreadPoolExecutor(bands) as pool:
            whole, *others = pool.map(measure_band, edges, edges[1:])
        for below in others:
            whole.add(below)
        self._core.add(whole)  # only now, so that an error leaves the counts as they were

    def _threads_for(self, pixels: int) -> int:
        if self._threads is not None:
            return self._threads
        return 1 if pixels < _THREADED_PIXELS else min(_MAX_THREADS, available_cpus())


def available_cpus() -> int:
    """Processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def measurable(image: Image.Image) -> Image.Image:
    """The image, or its conversion, in a mode whose samples are measured as they are."""
    if image.mode in _GRAY_MODES or image.mode in _RGB_MODES or image.mode in _DEEP_MODES:
        return image
    if image.mode not in _CONVERTED_MODES:
        supported = sorted(_GRAY_MODES | _RGB_MODES | _CONVERTED_MODES.keys() | _DEEP_MODES.keys())
        raise ImageError(
            "unsupported",
            f"mode {image.mode!r} is not supported; "
            f"convert the image to one of {', '.join(supported)}",
        )
    if "transparency" in image.info:  # alpha is not measured, and Pillow warns of some kinds
        image = image.copy()
        del image.info["transparency"]
    return image.convert(_CONVERTED_MODES[image.mode])
