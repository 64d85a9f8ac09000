"""Bands: images whose channels are not colours, such as the stains of a microscope."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.arrays import Array
from lightmeter.image.meter import ImageMeter, LoadedImage
from lightmeter.image.metrics import TAKEN
from lightmeter.image.numbers import IMAGE_NUMBERS

_LEAST, _MOST = 2, 32
_LONGEST = 64  # characters of a name

# Names that no band may have. Colour channels have the same numbers as bands.
NO_BANDS = TAKEN - {"Red", "Green", "Blue"}

# Modes whose samples can be used as bands directly.
_SAMPLES = frozenset({"LA", "La", "RGB", "RGBA", "RGBa", "RGBX", "CMYK"})

# The name below that of a band, such as ``mean`` -> the number of a gray image.
BAND_NUMBERS = {n.band: n.name for n in IMAGE_NUMBERS.values() if n.band and n.topic != "size"}

# The same for numbers of the whole image, such as its width.
WHOLE_NUMBERS = {n.band: n.name for n in IMAGE_NUMBERS.values() if n.band and n.topic == "size"}


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


def as_bands(bands: Sequence[str] | None) -> tuple[str, ...] | None:
    """Check and return the names of bands.

    Raises
    ------
    TypeError
        `bands` is not a sequence of strings.
    ValueError
        There are too few or too many names, or a name cannot be part of the name of a feature.
    """
    if bands is None:
        return None
    is_list = isinstance(bands, Sequence) and not isinstance(bands, str)
    if not is_list or not all(isinstance(name, str) for name in bands):
        raise TypeError(f"bands is {bands!r}; expected a list of names, such as ['DAPI', 'GFP']")
    names = tuple(bands)
    if not _LEAST <= len(names) <= _MOST:
        raise ValueError(f"bands has {len(names)} names; expected {_LEAST} to {_MOST}")
    for name in names:
        if not name or len(name) > _LONGEST or "." in name or not name.isprintable():
            expected = f"expected 1 to {_LONGEST} visible characters without a dot"
            raise ValueError(f"bands has the name {name!r}; {expected}")
        if name in NO_BANDS:
            raise ValueError(f"bands has {name!r}, the name of a built-in feature; rename it")
    return names


def bands_of(image: LoadedImage, count: int) -> Array:
    """Return the samples of an image of `count` bands, as an array HxWxC.

    Raises
    ------
    ImageError
        The image has another number of bands.
    """
    if isinstance(image, Image.Image):
        if image.mode not in _SAMPLES or len(image.getbands()) != count:
            expected = f"expected {count} bands; pass other images as an array HxWxC"
            raise ImageError("unsupported", f"got an image of mode {image.mode}; {expected}")
        return np.asarray(image)
    return image
