"""Reading chunked arrays: zarr.Array, h5py.Dataset, xarray.DataArray, dask arrays.

Folders of Zarr are OME-Zarr (NGFF) with its levels, or plain arrays; zarr reads them.
"""

from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import numpy as np

from lightmeter.errors import ImageError
from lightmeter.image.arrays import GRAY_MODES, Array, Channels, check_samples, dimensions_of
from lightmeter.image.frame import Frame
from lightmeter.image.header import Facts
from lightmeter.image.limits import check_frames, check_level
from lightmeter.image.reading import Reading
from lightmeter.image.tiles.raster import Block, Raster

_PIXELS_AT_ONCE = 1 << 20  # of an array that is not stored in chunks
_COLOUR_MODES = {1: "", 3: "RGB", 4: "RGBA"}


class ChunkedArray(Protocol):
    """Describe an array of which parts can be read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the length of each dimension."""

    @property
    def chunks(self) -> Any:
        """Return the shape of a chunk; None if the array is not chunked."""

    def __getitem__(self, selection: Any, /) -> Any:
        """Return the samples in a selection of slices."""


def is_chunked(value: object) -> TypeGuard[ChunkedArray]:
    """Return whether `value` is an array of which parts can be read."""
    names = ("shape", "dtype", "chunks", "__getitem__")
    return all(hasattr(value, name) for name in names)


class _ArrayRaster(Raster):
    """Read one plane of an array.

    `place` is its index on the axes other than x, y and channels. The mode is "" for a gray plane;
    in any other mode, the raster has all channels.
    """

    def __init__(
        self, array: Any, axes: str, place: dict[str, int], mode: str, order: Channels | None
    ) -> None:
        self._array, self._axes, self._place, self.order = array, axes, place, order
        self.dtype = np.dtype(array.dtype).newbyteorder("=")
        self.mode = mode or GRAY_MODES[self.dtype.name]
        self.takes_fourth = mode == "RGBA"
        sides = dict(zip(axes, array.shape, strict=True))
        self.height, self.width = sides["y"], sides["x"]
        self.channels = sides["c"] if mode else 1
        chunks = array.chunks
        if chunks is None:
            sides["y"] = max(1, min(self.height, _PIXELS_AT_ONCE // max(1, self.width)))
        else:  # those of dask may differ
            chunks = tuple(max(size) if isinstance(size, tuple) else size for size in chunks)
            self.chunk_bytes = prod(chunks) * self.dtype.itemsize
            sides = dict(zip(axes, chunks, strict=True))
        self.tile_height, self.tile_width = sides["y"], sides["x"]
        self.check_sides(f"a chunk of {chunks!r:.100}")

    def read(self, block: Block) -> Array:
        """Return the samples of a block. All of its chunks are read at once."""
        parts: dict[str, Any] = dict.fromkeys(self._axes, slice(None)) | self._place
        parts["y"] = slice(block.y, block.y + block.height)
        parts["x"] = slice(block.x, block.x + block.width)
        samples = np.asarray(self._array[tuple(parts[axis] for axis in self._axes)])
        kept = [axis for axis in self._axes if isinstance(parts[axis], slice)]
        samples = samples.transpose([kept.index(axis) for axis in "yxc" if axis in kept])
        return samples.reshape(block.height, block.width, self.channels)


def axes_of(shape: Sequence[int], reading: Reading) -> str:
    """Return the axes of an array without named axes, such as ``yxc``.

    Raises
    ------
    ImageError
        The dimensions do not fit the layout.
    """
    dimensions = dimensions_of(shape, reading.layout, reading.band_count)
    return dimensions.translate(str.maketrans("HWCN", "yxct"))


def open_array(array: Any, reading: Reading) -> Iterator[Frame]:
    """Yield the image of a chunked array, or all images of a batch.

    Raises
    ------
    ImageError
        The dimensions do not fit `Reading.layout`, or there is no such level.
    """
    check_level(reading.pyramid_level, 1)
    if type(array).__module__.startswith("zarr."):
        from lightmeter.image.tiles.bounded_zarr import bounded

        array = bounded(array)
    axes = axes_of(array.shape, reading)
    return map(Frame, planes_of(array, axes, reading, is_colour=True, is_batch=True))


def planes_of(
    array: Any, axes: str, reading: Reading, *, is_colour: bool, is_batch: bool = False
) -> Iterator[list[Raster]]:
    """Yield all planes, the first axis slowest; colour channels or bands stay together.

    Parameters
    ----------
    array
        An array with `shape`, `dtype`, `chunks` and slices.
    axes
        A letter for each of its dimensions, such as ``tczyx``.
    reading
        How to read it: its `bands`, and which planes of a file to take.
    is_colour
        Whether channels are red, green and blue.
    is_batch
        Whether to take all planes.

    Raises
    ------
    ImageError
        The number of channels is wrong, there are too many planes, chunks are too large, or the
        dtype is not supported.
    """
    check_samples(np.dtype(array.dtype), reading.value_range)
    bands = reading.band_count
    sides = dict(zip(axes, array.shape, strict=True))
    count = sides.get("c", 1)
    if bands is not None and count != bands:
        raise ImageError("unsupported", f"got {count} channels; expected {bands} bands")
    plain = _COLOUR_MODES.get(count, "") if is_colour else ""
    mode = plain if bands is None else f"{bands} bands"
    order = reading.channels if mode in ("RGB", "RGBA") else None
    others = [axis for axis in axes if axis not in ("yxc" if mode else "yx")]
    is_whole = is_batch or reading.frames == "all"
    counts = [sides[axis] if is_whole else 1 for axis in others]
    if not is_batch:
        check_frames(prod(counts), reading.limits)
    for number in range(prod(counts)):  # which `itertools.product` would hold all of
        place = dict(zip(others, map(int, np.unravel_index(number, counts)), strict=True))
        yield [_ArrayRaster(array, axes, place, mode, order)]


_MOST_LEVELS = 64

_RGB = ["FF0000", "00FF00", "0000FF"]  # as converters write them


def open_zarr(folder: Path, reading: Reading) -> Iterator[Frame]:
    """Yield the selected level of the first image in a Zarr folder.

    Raises
    ------
    ImageError
        There is no image or no such level, the folder is damaged, or zarr is not installed.
    """
    try:
        from lightmeter.image.tiles.bounded_zarr import bounded, open_folder
    except ImportError:
        raise ImageError("unsupported", "this needs: pip install 'lightmeter[zarr]'") from None
    try:
        found, axes, is_rgb = _level_of(open_folder(folder), reading.pyramid_level or 0)
        array = bounded(found)
    except FileNotFoundError:
        raise ImageError("unsupported", "a Zarr folder without an image") from None
    except (ImageError, OSError):
        raise
    except Exception as error:  # zarr raises any exception
        detail = f"metadata of Zarr: {type(error).__name__}: {error}"
        raise ImageError("corrupt", detail[:200]) from None
    is_plain = axes is None
    axes = axes_of(array.shape, reading) if axes is None else axes
    if len(set(axes)) != len(axes) or len(axes) != len(array.shape):
        raise ImageError("corrupt", f"axes {axes!r:.100} of {len(array.shape)} dimensions")
    if not {"x", "y"} <= set(axes):
        raise ImageError("unsupported", f"axes {axes!r:.100}; expected x and y among them")
    channels = dict(zip(axes, array.shape, strict=True)).get("c", 1)
    is_colour = is_plain or (is_rgb and array.dtype == np.uint8 and channels == len(_RGB))
    facts: Facts | None
    facts = {"Format": "Zarr", "BitDepth": 8 * array.dtype.itemsize, "Channels": channels}
    for rasters in planes_of(array, axes, reading, is_colour=is_colour):
        yield Frame(rasters, None, facts)
        facts = None


def _level_of(node: Any, level: int) -> tuple[Any, str | None, bool]:
    """Return the array of a level, its axes if they are named, and whether its channels are RGB."""
    if hasattr(node, "shape"):
        check_level(level, 1)
        return node, None, False
    attributes = node.attrs.asdict()
    attributes = dict(attributes.get("ome", attributes))
    if "multiscales" not in attributes:
        if "bioformats2raw.layout" in attributes:
            return _level_of(node["0"], level)
        detail = "a Zarr group without an image (multiscales); of a plate, give x.zarr/A/1/0"
        raise ImageError("unsupported", detail)
    scales = attributes["multiscales"][0]
    datasets = scales["datasets"][:_MOST_LEVELS]
    check_level(level, len(datasets))
    axes = "".join(str(axis["name"] if isinstance(axis, dict) else axis) for axis in scales["axes"])
    channels = attributes.get("omero", {}).get("channels", [])[:4]
    colours = [str(channel.get("color")).upper() for channel in channels]
    return node[str(datasets[level]["path"])], axes, colours == _RGB
