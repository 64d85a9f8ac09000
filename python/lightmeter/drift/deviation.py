"""How far the numbers of one image lie from those of the rows of a reference, taken together."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter.image.bands import BAND_NUMBERS
from lightmeter.image.metrics import FACTS
from lightmeter.image.numbers import IMAGE_NUMBERS, Group, Scale

Array = NDArray[np.float64]


class _Axis(NamedTuple):
    """How a number becomes a coordinate.

    Attributes:
        resolution: what is little of it: no deviation of that size matters, and where all rows are
            equal, it takes its place beside their spread. 0 takes a part of the spread.
        offset: differences of log(value + offset) count; None takes the value as it is.
    """

    resolution: float
    offset: float | None = None


_OWN = _Axis(0.0)
_BY_SCALE: dict[Scale, _Axis] = {
    "sample": _Axis(0.25),
    "squares": _Axis(0.01, 0.1),
    "bits": _Axis(0.01),
    "share": _Axis(0.0025),
    "percent": _Axis(0.25),
    "ratio": _Axis(0.01, 0.01),
    "length": _Axis(0.01, 1.0),
}
_DETAIL = _Axis(0.01, 0.05)  # of the groups focus and noise, be they in steps of a sample
_FACTS = {
    **{name: _Axis(0.5) for name, kind in FACTS.items() if kind is int},
    "FileSize": _Axis(0.02, 1.0),
}
# Cells of the grid depend on what is where in a picture, and they are many.
_CELL = 8.0

_OWN_SHARE = 0.05  # of the standard deviation of the rows
_CIRCLE = 255.0
_HUE = 0.5  # the resolution of either coordinate, in steps
_MOST = float(np.finfo(np.float32).max)
_ROUNDING = 1e-9  # an image of the rows is as far as its own row
_ONE_THREAD = 2**18  # multiplications
_FARTHEST = 1e5  # in resolutions; no number on its own may swallow the precision of all


def _axis_of(scale: Scale, group: Group) -> _Axis:
    axis = _BY_SCALE[scale]
    if scale == "sample" and group in ("focus", "noise"):
        return _DETAIL
    return axis._replace(resolution=_CELL * axis.resolution) if group == "where" else axis


_AXES = {
    **{
        number.name: _axis_of(number.scale, number.group)
        for number in IMAGE_NUMBERS
        if number.role == "plain"
    },
    **_FACTS,
}
_BAND_AXES = {name: _AXES[number] for name, number in BAND_NUMBERS.items() if number in _AXES}
_ANGLES = {number.name for number in IMAGE_NUMBERS if number.role == "angle"}


class Deviation(NamedTuple):
    """Of one image from the rows.

    Attributes:
        p_value: the share of rows, counting the image as one, that lie as far out.
        oddest: the name of the number that goes least with the others of the image; empty if
            that is a hue.
        expected: what the others of the image go with.
    """

    p_value: float
    oddest: str
    expected: float


class Rows:
    """The rows of a reference, and what follows from them for any image.

    A deviation is Mahalanobis' distance: the largest over all weighted sums of the numbers, in
    standard deviations of that sum. So a sharpness that is ordinary by itself deviates where the
    entropy beside it says that the picture should be sharper.

    The p-value is conformal. The image joins the rows, the mean and the covariances are those of
    all of them, and the share of them is counted that deviate at least as much. Were all of them
    drawn alike, each would be the farthest equally often, whatever their distribution. So p is at
    most `level` in at most a share `level` of such images: exactly, not in the limit. It does not
    hold for a burst of images that are like each other and unlike the rows; see docs/checks.md.
    """

    def __init__(
        self,
        prefix: str,
        names: Sequence[str],
        values: NDArray[Any],
        bands: Collection[str] = (),
    ) -> None:
        """Prepare for images with just these numbers.

        Args:
            prefix: that the names have before a dot.
            names: the features.
            values: a row per image.
            bands: names of bands among the features.
        """
        self.names = tuple(names)
        self.n = len(values)
        short = [name.removeprefix(f"{prefix}.") for name in names]
        self._angles = [i for i, name in enumerate(short) if name in _ANGLES]
        self._plain = [i for i, name in enumerate(short) if name not in _ANGLES]
        axes = [_axis(short[i], bands) for i in self._plain]
        self._logs = np.array([axis.offset is not None for axis in axes], bool)
        self._offsets = np.array([axis.offset or 0.0 for axis in axes])
        self._resolutions = np.array([axis.resolution for axis in axes])
        self._own = self._resolutions == 0
        self._values = values.astype(np.float64)

    def deviation(self, numbers: Sequence[float]) -> Deviation:
        """Of the image with these numbers, in the order of the names."""
        image = np.array([numbers], np.float64).clip(-_MOST, _MOST)
        # Where resolutions follow from the values, those of the image count with those of the rows:
        # else the image would be the only one that they do not know, and not one of equals.
        values = np.vstack([self._values, image.astype(np.float32)])
        centre, unit = self._axes(values)
        place = self._place(values, centre, unit)
        points = place - place.mean(axis=0)
        scatter = points.T @ points
        scatter[np.diag_indices_from(scatter)] += len(points)
        inverse = np.asarray(np.linalg.inv(scatter), np.float64)
        # OpenBLAS takes threads for a larger product, and they spin for longer than this one takes.
        some = max(1, _ONE_THREAD // len(inverse) ** 2)
        parts = [points[at : at + some] @ inverse for at in range(0, len(points), some)]
        weighted = np.vstack(parts)
        squares = np.einsum("ij,ij->i", weighted, points)
        as_far = int(np.count_nonzero(squares >= squares[-1] * (1 - _ROUNDING)))
        # What goes with the other numbers follows from the rows without the image. By Sherman and
        # Morrison, but for the resolutions, in which the image counts.
        weights = weighted[-1]
        part = max(self.n / (self.n + 1) - squares[-1], 1e-12)
        precision = inverse.diagonal() + weights**2 / part
        at, shift = _oddest(weights / part, precision)
        return Deviation(as_far / (self.n + 1), *self._named(at, place[-1] - shift, centre, unit))

    def _named(self, at: int, expected: Array, centre: Array, unit: Array) -> tuple[str, float]:
        if at >= len(self._plain):
            return "", 0.0
        value = expected[at] * unit[at] + centre[at]
        if self._logs[at]:
            value = np.exp(value) - self._offsets[at]
        return self.names[self._plain[at]], float(value)

    def _axes(self, values: Array) -> tuple[Array, Array]:
        """Where the coordinates of plain numbers are 0, and their resolutions."""
        centre = np.zeros(len(self._plain))
        unit = self._resolutions.copy()
        if self._own.any():
            table = values[:, self._plain][:, self._own]
            centre[self._own] = np.median(table, axis=0)
            spread = _OWN_SHARE * table.std(axis=0)
            least = 1e-6 * np.maximum(1.0, np.abs(centre[self._own]))
            unit[self._own] = np.maximum(spread, least)
        return centre, unit

    def _place(self, values: Array, centre: Array, unit: Array) -> Array:
        """Coordinates, in resolutions."""
        plain = values[:, self._plain]
        logs = self._logs
        plain[:, logs] = np.log(np.maximum(plain[:, logs], 0.0) + self._offsets[logs])
        parts = [(plain - centre) / unit]
        if self._angles:
            turns = values[:, self._angles] * (2 * np.pi / _CIRCLE)
            radius = _CIRCLE / (2 * np.pi) / _HUE
            parts += [radius * np.cos(turns), radius * np.sin(turns)]
        points: Array = np.hstack(parts).clip(-_FARTHEST, _FARTHEST)
        return points


def _axis(name: str, bands: Collection[str]) -> _Axis:
    first, _, rest = name.partition(".")
    return _BAND_AXES.get(rest, _OWN) if first in bands else _AXES.get(name, _OWN)


def _oddest(weights: Array, precision: Array) -> tuple[int, Array]:
    """The coordinate that goes least with the others, and by how much each does not."""
    return int(np.argmax(weights**2 / precision)), weights / precision
