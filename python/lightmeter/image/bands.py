"""Bands: images whose channels are no colours, such as the stains of a microscope."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.meter import ImageMeter
from lightmeter.image.metrics import TAKEN
from lightmeter.image.numbers import IMAGE_NUMBERS

_LEAST, _MOST = 2, 32
_LONGEST = 64  # characters of a name

# Names of no band. The channels of colour have the same numbers.
NO_BANDS = TAKEN - {"Red", "Green", "Blue"}

# Modes of samples that are bands as they are, and of one band.
_SAMPLES = frozenset({"LA", "La", "RGB", "RGBA", "RGBa", "RGBX", "CMYK"})

# The name below that of a band, such as ``mean`` -> the number of a gray image.
BAND_NUMBERS = {n.band: n.name for n in IMAGE_NUMBERS if n.band and n.group != "size"}

# Those of an image of bands that are of no one band, such as its width, likewise.
WHOLE_NUMBERS = {n.band: n.name for n in IMAGE_NUMBERS if n.band and n.group == "size"}


class BandMeter(NamedTuple):
    """The measurement of the bands of one image, each of them as a gray image.

    Attributes
    ----------
    bands
        The meter of each band, by its name; all are of one size.
    """

    bands: dict[str, ImageMeter]

    @property
    def mode(self) -> str:
        """Return how many they are, where other images have Pillow's mode."""
        return f"{len(self.bands)} bands"

    def measurement(self) -> dict[str, float | str]:
        """Return the numbers by name, such as ``DAPI.mean``; the width and height are of no
        band.
        """
        return self._of_bands([meter.measurement() for meter in self.bands.values()])

    @property
    def _names(self) -> list[str]:
        every = [dict.fromkeys(meter._names) for meter in self.bands.values()]
        return list(self._of_bands(every))

    def _of_bands(self, numbers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Return what is known of each band as of a gray image by the names of bands."""
        found: dict[str, Any] = {}
        for band, known in zip(self.bands, numbers, strict=True):
            own = {f"{band}.{name}": number for name, number in BAND_NUMBERS.items()}
            names = (own | WHOLE_NUMBERS).items()
            found |= {name: known[number] for name, number in names if number in known}
        return found


def as_bands(bands: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the names of bands, checked.

    Raises
    ------
    TypeError
        It is no sequence of strings.
    ValueError
        They are too few or too many, or a name cannot be a part of that of a feature.
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


def bands_of(picture: Image.Image | NDArray[Any], count: int) -> NDArray[Any]:
    """Return the samples of an image of so many bands, HxWxC.

    Raises
    ------
    ImageError
        It has another number of bands.
    """
    if isinstance(picture, Image.Image):
        if picture.mode not in _SAMPLES or len(picture.getbands()) != count:
            expected = f"expected {count} bands; give another picture as an array HxWxC"
            raise ImageError("unsupported", f"got a picture of mode {picture.mode}; {expected}")
        return np.asarray(picture)
    return picture
