"""Counting the pixels of one image exactly, without a copy where possible."""

import math
import operator
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.arrays import (
    DEEP_GRAY,
    DTYPES,
    GRAY,
    GRAY_MODES,
    Array,
    ArrayLike,
    Channels,
    Pair,
    Range,
    Samples,
    as_batch,
    as_numpy,
    is_array,
    measurable,
    range_of,
    samples_of,
)
from lightmeter.image.numbers import BAND_NUMBERS, IMAGE_NUMBERS, SETS, WHOLE_NUMBERS, MetricSet
from lightmeter.image.reading import Reading

_core.prepare_numpy()  # before a daemon thread uses it first, and the process ends meanwhile

# Pillow keeps an image over 16 MB in several blocks, which it cannot export without a copy. Crops
# of this height for each thread stay in the cache between the copy and the measurement.
_STRIP_ROWS = 60
_BLOCK_BYTES = 1 << 24

_THREADED_PIXELS = 4_000_000
_MAX_THREADS = 4


# Marks pixels of an image, or of the tile at (x, y), as ignored in a mask before they are measured.
Mark = Callable[[_core.Mask, Any, Pair], None]


class ImageMeter:
    """Measure one image: whole, in strips from top to bottom, or in tiles in any order.

    All numbers derive from exact integers, so they do not depend on tiles, threads or the
    processor. Colour is Pillow's HSV, with 8 bits or, for deeper samples, 16; alpha is not
    measured.

    Only one thread at a time may use a meter. A forked process has its own copy.

    Examples
    --------
    >>> meter = lm.ImageMeter()
    >>> for top in range(0, len(frame), 60):
    ...     meter.update(frame[top : top + 60])
    >>> meter.measurement()["Brightness.mean"]
    """

    mode = ""
    _samples: Samples = ""
    _order: Channels | None = None  # of an array of colour
    _threads: int | None = None
    _mask: Any = None
    _features: _core.ImageFeatures | None = None  # of all that was measured, if at hand
    _expected: int | None = None  # pixels to measure, of an image of known size

    def __init__(
        self,
        *,
        channels: Channels = "RGB",
        value_range: Range | None = None,
        threads: int | None = None,
        metrics: MetricSet = "default",
        size: Pair | None = None,
    ) -> None:
        """Start an image.

        Parameters
        ----------
        channels
            As for `lightmeter.Reading`.
        value_range
            See `lightmeter.Reading`.
        threads
            Threads that share the rows of a strip; None means 1, or up to 4 above 4 megapixels.
        metrics
            Metric set: ``"whylogs"``, ``"default"``, ``"camera"`` or ``"all"``.
        size
            (width, height) of the image in pixels. Tiles need it, and so do some numbers of
            ``"camera"`` and ``"all"``, such as those of parts of the image.

        Raises
        ------
        TypeError
            `size` does not hold integers.
        ValueError
            An argument is out of range, or the metrics need a size.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}; expected at least 1")
        known = None if size is None else _integers(size)
        self._reading = Reading(channels=channels, value_range=value_range, metrics=metrics)
        self._core = _core.ImageMeter(metrics, known, None)
        self._expected = known and math.prod(known)
        self._threads = threads

    @classmethod
    def _of(cls, _core: _core.ImageMeter, _reading: Reading, **known: Any) -> "ImageMeter":
        meter = object.__new__(cls)
        vars(meter).update(known, _core=_core, _reading=_reading)
        return meter

    @classmethod
    def _new(cls, reading: Reading, size: Pair, threads: int | None, **known: Any) -> "ImageMeter":
        """Return a new meter of an image of this width and height.

        Parameters
        ----------
        reading
            How to measure it.
        size
            Width and height.
        threads
            Threads that share the rows of a strip, as for `ImageMeter`.
        known
            Attributes of the meter that its first tile need not determine.

        Raises
        ------
        ImageError
            A mask has another size, or all pixels are ignored.
        """
        whole = None if 0 in size else size
        mask = None if reading.mask_of is None or whole is None else reading.mask_of(*whole)
        core = _core.ImageMeter(reading.metric_set, whole, mask)
        return cls._of(core, reading, _threads=threads, _mask=mask, **known)

    def update(self, tile: Image.Image | ArrayLike, *, at: Pair | None = None) -> None:
        """Measure a tile: a PIL image, an array, or a tensor (DLPack, on the CPU).

        Arrays are HxW or, with 1, 3 or 4 channels, HxWxC, of bool, uint8, uint16, float32 or
        float64, and may have any strides and byte order. A fourth channel is alpha.

        Parameters
        ----------
        tile
            The pixels.
        at
            (x, y) of its first pixel in an image of known size. None places the tile below all rows
            measured so far.

        Raises
        ------
        ImageError
            It has no pixels, or samples that are unsupported or out of range. The meter is
            unchanged.
        IncompatibleError
            Its width, channels or depth differ from those of earlier tiles, it lies outside the
            image, or it covers pixels that were already measured.
        TypeError
            It is neither an image nor an array, or `at` does not hold integers.
        ValueError
            `at` is not (x, y), or has an x although the size is unknown.

        Examples
        --------
        >>> meter = lm.ImageMeter()
        >>> meter.update(frame)
        """
        if at is not None:
            at = _integers(at)
        self._features = None
        if is_array(tile):
            mode = self._update_array(as_numpy(tile), at)
        elif isinstance(tile, Image.Image):
            mode = tile.mode
            self._update_image(measurable(tile), at)
        else:
            raise TypeError(f"cannot measure {type(tile).__name__}; expected an image or an array")
        self.mode = self.mode or mode

    @property
    def pixels(self) -> int:
        """Return the number of measured pixels, without ignored ones."""
        return self._core.pixels

    def _with(self, core: _core.ImageMeter) -> "ImageMeter":
        """Return a meter of the same image with the counts of `core`."""
        return ImageMeter._of(**{**vars(self), "_core": core})

    def _as_features(self) -> _core.ImageFeatures:
        """Return the features that the meter adds to a profile."""
        return self._features or _core.features_of(self._core)

    def _cells(self) -> dict[str, Any]:
        """Return the numbers of the metric set by name; an undefined one is None."""
        sets = SETS[: SETS.index(self._reading.metric_set) + 1]
        names = [name for name, number in IMAGE_NUMBERS.items() if number.set in sets]
        return dict.fromkeys(names) | self.measurement()

    def measurement(self) -> dict[str, float | str]:
        """Return the numbers of the image by name, such as ``Hue.mean``, with samples on 0..255.

        An undefined number, such as the circular hue of a gray image, is absent. A hash is a string
        of 16 hexadecimal digits.

        Examples
        --------
        >>> meter = lm.ImageMeter()
        >>> meter.update(frame)
        >>> meter.measurement()["Brightness.mean"]
        """
        return self._core.measurement()

    def _update_array(self, array: Array, at: Pair | None) -> str:
        (image,) = as_batch(array, None, white=self._reading.value_range)
        bands = image.shape[2]
        mode = {3: "RGB", 4: "RGBA"}.get(bands) or GRAY_MODES[array.dtype.name]
        self._samples = samples_of(array.dtype)
        self._order = None if bands < 3 else self._reading.channels
        white = self._reading.value_range or range_of(image.dtype)
        if image.dtype == np.bool_:
            image = np.multiply(image, np.uint8(255))
        elif image.dtype.name not in DTYPES:
            image = image.astype(np.promote_types(image.dtype, np.float32))
        is_turned = self._reading.channels == "BGR"
        threads = self._threads_for(image.size // bands)
        self._core.update(image, is_turned, white, threads, at)
        return mode

    def _update_image(self, image: Image.Image, at: Pair | None) -> None:
        if 0 in image.size:
            raise ImageError("empty", f"got an image of {image.width}x{image.height} pixels")
        dtype = np.dtype(DEEP_GRAY.get(image.mode, "u1"))
        channels = 1 if image.mode in GRAY or image.mode in DEEP_GRAY else 3
        white = self._reading.value_range or range_of(dtype)
        threads = self._threads_for(math.prod(image.size))
        self._samples = samples_of(dtype)
        try:
            # Pillow 11.2.1 crashes when it exports memory that it does not own, such as that of an
            # image made from an array or mapped from a file. It owns the memory of crops.
            if image.readonly:
                raise ValueError
            exported = image.__arrow_c_array__()[1]
        except ValueError:  # in several blocks
            core, (x, y) = self._core.empty(), at or (0, self._core.rows)
            rows = max(1, min(threads * _STRIP_ROWS, _BLOCK_BYTES // (4 * image.width)))
            for row in range(0, image.height, rows):
                crop = image.crop((0, row, image.width, min(row + rows, image.height)))
                exported, place = crop.__arrow_c_array__()[1], (x, y + row)
                core.update_arrow(exported, *crop.size, channels, dtype, white, threads, place)
            self._core.add(core)  # only now, so that an error leaves all as it was
        else:
            size = image.width, image.height
            self._core.update_arrow(exported, *size, channels, dtype, white, threads, at)

    def _threads_for(self, pixels: int) -> int:
        if self._threads is not None:
            return self._threads
        return 1 if pixels < _THREADED_PIXELS else min(_MAX_THREADS, available_cpus())


class BandMeter(NamedTuple):
    """Hold the measurement of an image's bands, each measured as a gray image.

    Attributes
    ----------
    bands
        Meter of each band, by name; all have one size.
    """

    bands: dict[str, ImageMeter]

    @property
    def mode(self) -> str:
        """Return the number of bands as text, in place of Pillow's mode."""
        return f"{len(self.bands)} bands"

    def _cells(self) -> dict[str, Any]:
        """Return the numbers by name, such as ``DAPI.mean``; width and height have no band."""
        cells: dict[str, Any] = {}
        for band, meter in self.bands.items():
            own = {f"{band}.{name}": number for name, number in BAND_NUMBERS.items()}
            names, known = own | WHOLE_NUMBERS, meter._cells()
            cells |= {name: known[names[name]] for name in names if names[name] in known}
        return cells


def _integers(pair: Pair) -> Pair:
    x, y = map(operator.index, pair)
    return x, y


def available_cpus() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
