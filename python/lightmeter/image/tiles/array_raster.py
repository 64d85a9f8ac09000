"""Arrays that are read in pieces: zarr.Array, h5py.Dataset, xarray.DataArray, dask arrays."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from lightmeter.errors import ImageError
from lightmeter.image.arrays import dimensions_of
from lightmeter.image.limits import check_frames
from lightmeter.image.reading import Reading
from lightmeter.image.tiles.raster import (
    MOST_DECODED,
    Block,
    LargePicture,
    Raster,
    band_count,
    check_tile,
)

__all__ = ["ArrayRaster", "ChunkedArray", "axes_of", "is_chunked", "open_array", "planes_of"]

_PIXELS_AT_ONCE = 1 << 20  # of an array that is not stored in chunks
_EXACT = ("int8", "int16", "int32", "uint32")
_MODES = {"bool": "1", "uint8": "L", "uint16": "I;16", **dict.fromkeys(_EXACT, "I")}
_MODES |= dict.fromkeys(("float16", "float32", "float64"), "F")
_COLOUR_MODES = {1: "", 3: "RGB", 4: "RGBA"}


class ChunkedArray(Protocol):
    """An array of which parts can be read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sides."""

    @property
    def chunks(self) -> Any:
        """The sides of the parts in which it is stored; None for one in no parts."""

    def __getitem__(self, selection: Any, /) -> Any:
        """The samples in these slices."""


def is_chunked(value: object) -> TypeGuard[ChunkedArray]:
    """Return whether it is an array of which parts can be read."""
    names = ("shape", "dtype", "chunks", "__getitem__")
    return all(hasattr(value, name) for name in names)


class ArrayRaster(Raster):
    """One plane of an array, or its channels together. Threads may read it at once.

    Args:
        array: it has `shape`, `dtype`, `chunks` and slices.
        axes: a letter for each of its dimensions, such as ``tczyx``.
        place: the index of the plane on other axes than x, y and that of channels.
        mode: what Pillow calls the picture; "" for gray. Any other has all channels.

    Raises:
        ImageError: its samples are not known here, or its chunks are too large.
    """

    def __init__(self, array: Any, axes: str, place: dict[str, int], mode: str) -> None:
        self._array, self._axes, self._place = array, axes, place
        sides = dict(zip(axes, array.shape, strict=True))
        self.height, self.width = sides["y"], sides["x"]
        self.channels = sides["c"] if mode else 1
        self.dtype = np.dtype(array.dtype).newbyteorder("=")
        if self.dtype.name not in _MODES:
            raise ImageError("unsupported", f"an array with samples of {self.dtype}")
        self.mode = mode or _MODES[self.dtype.name]
        self.white = 1.0 if self.dtype.kind == "f" else 65535.0
        chunks = _chunks_of(array)
        if chunks is None:
            self._chunk_bytes, self.tile_width = 0, self.width
            self.tile_height = max(1, min(self.height, _PIXELS_AT_ONCE // max(1, self.width)))
        else:
            self._chunk_bytes = prod(chunks) * self.dtype.itemsize
            sides = dict(zip(axes, chunks, strict=True))
            self.tile_height, self.tile_width = sides["y"], sides["x"]
        if self._chunk_bytes > MOST_DECODED:
            raise ImageError(
                "too_large",
                f"chunks of {chunks!r:.100}, which are decoded whole; more than {MOST_DECODED} "
                "bytes; write smaller ones",
            )
        check_tile(self, "chunk")

    @property
    def bytes_at_once(self) -> int:
        """As of any raster, with a chunk that may be of many planes."""
        return super().bytes_at_once + 2 * self._chunk_bytes

    def block(self, block: Block, buffer: NDArray[Any]) -> NDArray[Any]:
        """As `Raster.block` says; all its chunks are read at once."""
        parts: dict[str, Any] = dict.fromkeys(self._axes, slice(None)) | self._place
        parts["y"] = slice(block.y, block.y + block.height)
        parts["x"] = slice(block.x, block.x + block.width)
        samples = np.asarray(self._array[tuple(parts[axis] for axis in self._axes)])
        kept = [axis for axis in self._axes if isinstance(parts[axis], slice)]
        samples = samples.transpose([kept.index(axis) for axis in "yxc" if axis in kept])
        return self.colours(samples.reshape(block.height, block.width, self.channels))

    def colours(self, samples: NDArray[Any]) -> NDArray[Any]:
        """As `Raster.colours` says."""
        if self.dtype.name in _EXACT:
            return samples.astype(np.float64)
        kind = np.float32 if self.dtype == np.float16 else self.dtype
        return samples.astype(kind, copy=False)


def axes_of(shape: Sequence[int], reading: Reading) -> str:
    """Return the axes of an array that says nothing of them.

    Raises:
        ImageError: it has other dimensions than the layout.
    """
    dimensions = dimensions_of(shape, reading.layout, band_count(reading))
    return dimensions.translate(str.maketrans("HWCN", "yxct"))


def open_array(array: Any, reading: Reading) -> LargePicture:
    """Open an array whose parts can be read, as `is_chunked` says; of a batch all pictures.

    Raises:
        ImageError: it has other dimensions than `Reading.layout`.
    """
    axes = axes_of(array.shape, reading)
    planes = planes_of(array, axes, reading, is_colour=True, is_batch=True)
    return LargePicture(([raster] for raster in planes), order=reading.channels)


def planes_of(
    array: Any, axes: str, reading: Reading, *, is_colour: bool, is_batch: bool = False
) -> Iterator[ArrayRaster]:
    """Yield all planes, the first axis slowest; of colours or bands the channels of each together.

    Args:
        array: as `ArrayRaster` takes it.
        axes: of its dimensions.
        reading: says how many channels are no colours, and which planes of a file are wanted.
        is_colour: whether channels are red, green and blue.
        is_batch: whether all planes are wanted.

    Raises:
        ImageError: there are not as many channels, or too many planes.
    """
    bands, whole = band_count(reading), is_batch or reading.frames == "all"
    sides = dict(zip(axes, array.shape, strict=True))
    count, mode = sides.get("c", 1), ""
    if bands is not None:
        if count != bands:
            raise ImageError("unsupported", f"got {count} channels; expected {bands} bands")
        mode = f"{bands} bands"
    elif is_colour:
        mode = _COLOUR_MODES[count]
    others = [axis for axis in axes if axis not in ("yxc" if mode else "yx")]
    counts = [sides[axis] if whole else 1 for axis in others]
    if not is_batch:
        check_frames(prod(counts), reading.limits)
    for number in range(prod(counts)):  # which `itertools.product` would hold all of
        place = dict(zip(others, map(int, np.unravel_index(number, counts)), strict=True))
        yield ArrayRaster(array, axes, place, mode)


def _chunks_of(array: Any) -> tuple[int, ...] | None:
    """Return the shape of its chunks, of which those of dask may differ; None without any."""
    if array.chunks is not None:
        return tuple(max(size) if isinstance(size, tuple) else size for size in array.chunks)
    preferred = getattr(array, "encoding", {}).get("preferred_chunks")  # of xarray
    return preferred and tuple(preferred.get(name, 1) for name in array.dims)
