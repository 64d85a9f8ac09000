"""Images as grids of tiles, measured in threads, with a few tiles in memory at a time.

Arrays of which parts can be read are such images: zarr.Array, h5py.Dataset, xarray.DataArray, dask
arrays. Folders of Zarr are OME-Zarr (NGFF) with its levels, or plain arrays; zarr reads them.
"""

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, Protocol, TypeGuard

import numpy as np
from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.arrays import (
    GRAY_MODES,
    Array,
    Channels,
    DType,
    LoadedImage,
    Pair,
    check_samples,
    dimensions_of,
    range_of,
    samples_of,
)
from lightmeter.image.frame import Frame
from lightmeter.image.limits import check_frames, check_level, check_size
from lightmeter.image.meter import ImageMeter, Mark, available_cpus
from lightmeter.image.open import Facts
from lightmeter.image.reading import Reading

# Maximum bytes of a decoded tile; 4096 x 4096 pixels of 8-bit RGB have fewer.
MOST_DECODED = 1 << 26

# Maximum bytes of an image that is held whole.
MOST_WHOLE = 1 << 27

# Pixels that are measured at once. With fewer, the tables of the measurement cost more than
# counting.
_BLOCK_PIXELS = 1 << 21

# Maximum length of a side in pixels. Some metrics keep a number for each row and column.
_LONGEST = 1 << 20


class Block(NamedTuple):
    """Describe a rectangle of whole tiles, clipped to the image, in pixels."""

    x: int
    y: int
    width: int
    height: int


class Raster(ABC):
    """Describe an image as a grid of tiles, which several threads may read at once.

    Attributes
    ----------
    width, height
        Size of the image in pixels.
    tile_width, tile_height
        Size of a tile in pixels.
    chunk_bytes
        Bytes of a chunk of an array, which may span many planes.
    channels
        Samples per pixel.
    dtype
        dtype of the samples, in native byte order.
    mode
        Pillow's mode of such an image.
    order
        Channel order of a colour array; None for any other image, whose colours are RGB.
    takes_fourth
        Whether a fourth channel is assumed to be alpha.
    """

    width: int
    height: int
    tile_width: int
    tile_height: int
    channels: int
    dtype: DType
    mode: str
    order: Channels | None = None
    chunk_bytes: int = 0
    takes_fourth: bool = False

    @abstractmethod
    def read(self, block: Block) -> Array:
        """Return the samples of a block, HxWxC: gray, RGB or bands.

        Raises
        ------
        ImageError
            It is damaged.
        Exception
            Decoders and files may raise any exception.
        """

    def check_sides(self, tile: str) -> None:
        """Check the sizes of the image and of its tiles, which errors describe as `tile`.

        Raises
        ------
        ImageError
            A size is zero or too large.
        """
        if min(self.width, self.height, self.tile_width, self.tile_height) <= 0:
            raise ImageError("corrupt", f"an image of {self.width}x{self.height} pixels")
        if max(self.width, self.height) > _LONGEST:
            raise ImageError("too_large", f"an image of {self.width}x{self.height} pixels")
        if max(self.chunk_bytes, self._bytes_of(self.tile_width * self.tile_height)) > MOST_DECODED:
            advice = "which is decoded whole; write the image in smaller tiles"
            raise ImageError("too_large", f"{tile}, {advice}")

    @property
    def decoded_bytes(self) -> int:
        """Return the bytes of all samples."""
        return self._bytes_of(self.width * self.height)

    @property
    def bytes_at_once(self) -> int:
        """Return the bytes of the largest block, and of the data decoded for it at a time."""
        tile = self.tile_width * self.tile_height
        return self._bytes_of(max(_BLOCK_PIXELS, tile) + tile) + 2 * self.chunk_bytes

    def _bytes_of(self, pixels: int) -> int:
        return pixels * self.channels * self.dtype.itemsize

    def blocks(self) -> Iterator[Block]:
        """Yield rectangles that cover the image, row by row of tiles."""
        across = max(1, _BLOCK_PIXELS // (self.tile_width * self.tile_height)) * self.tile_width
        down = self.tile_height
        if across > self.width:
            down *= max(1, _BLOCK_PIXELS // (max(self.width, self.tile_width) * down))
        for y in range(0, self.height, down):
            for x in range(0, self.width, across):
                yield Block(x, y, min(across, self.width - x), min(down, self.height - y))


# Called before each read; it raises an exception if the result is no longer needed.
Watch = Callable[[], None]

_MAX_THREADS = 4
_MOST_MASKED = 1 << 31  # pixels, of a bit each

# Bytes of tiles that all threads hold together, if one thread fits.
_MOST_AT_ONCE = 96 << 20

# Pixels that a thread measures before it merges its counts with those of other threads. Each merge
# reads the tables; counts that wait for pixels of other threads take memory.
_PIXELS_APART = 1 << 23


def measure_rasters(
    rasters: Sequence[Raster],
    reading: Reading,
    threads: int | None,
    watch: Watch | None,
    thumbnail: bool,
    mark: Mark | None,
) -> tuple[list[ImageMeter], LoadedImage | None]:
    """Measure an image in tiles, with the result of a whole array.

    Parameters
    ----------
    rasters
        The image, or each of its bands.
    reading
        How to measure it.
    threads
        Number of threads; None means up to 4.
    watch
        See `measure_images`.
    thumbnail
        Whether to return the image too, which is then read whole, as for functions of the reading.
    mark
        Called with each block and the masks of the meters that measure it.

    Returns
    -------
    tuple[list[ImageMeter], Image.Image | Array | None]
        The meter of the image, or of each band; and the image: a PIL image if it has 8 bits,
        otherwise an array HxWxC. It is None if not requested, or if too large.

    Raises
    ------
    ImageError
        The image is too large, damaged, or cannot be measured with this reading.
    Exception
        What decoders and files raise.
    """
    for raster in rasters:
        _check(raster, reading)
    threads = threads or min(_MAX_THREADS, available_cpus())
    seconds = reading.limits.seconds or math.inf
    end = monotonic() + seconds

    def check() -> None:
        if watch is not None:
            watch()
        if monotonic() > end:  # a hostile file may take any time
            raise ImageError("too_large", f"not measured within {seconds:g} seconds")

    meters, parts = list[ImageMeter](), list[Array]()
    for raster in rasters:
        added = [_meter(raster, reading) for _ in range(raster.channels if reading.bands else 1)]
        if (thumbnail or reading.functions) and raster.decoded_bytes <= MOST_WHOLE:
            parts.append(raster.read(Block(0, 0, raster.width, raster.height)))
            _update(added, parts[-1], (0, 0), mark)
        else:
            _count(raster, added, threads, check, mark)
        meters += added
    return meters, _image_of(np.concatenate(parts, axis=2), rasters[0], reading) if parts else None


def _image_of(samples: Array, raster: Raster, reading: Reading) -> LoadedImage:
    if reading.bands is not None or samples.dtype != np.uint8:
        return samples
    if samples.shape[2] < 3:
        return Image.fromarray(samples[..., 0])
    colours = samples[..., 2::-1] if raster.order == "BGR" else samples[..., :3]
    return Image.fromarray(np.ascontiguousarray(colours))


def _check(raster: Raster, reading: Reading) -> None:
    width, height = raster.width, raster.height
    check_size(width, height, reading.limits.pixels)
    if reading.functions and raster.decoded_bytes > MOST_WHOLE:
        what = "functions of yours need whole images"
    elif reading.ignore is not None and width * height > _MOST_MASKED:
        what = f"ignored pixels take a mask, of at most {_MOST_MASKED} pixels"
    else:
        return
    detail = f"{what}, but this one of {width}x{height} pixels is read in tiles"
    raise ImageError("unsupported", f"{detail}; measure a smaller level (pyramid_level=)")


def _meter(raster: Raster, reading: Reading) -> ImageMeter:
    white = reading.value_range or range_of(raster.dtype)
    own = replace(reading, channels=raster.order or "RGB", value_range=white)
    known = {"mode": raster.mode, "_samples": samples_of(raster.dtype), "_order": raster.order}
    return ImageMeter._new(own, (raster.width, raster.height), 1, **known)


def _update(meters: Sequence[ImageMeter], samples: Array, at: Pair, mark: Mark | None) -> None:
    colours = 3 if samples.shape[2] > 2 else 1  # before alpha
    for channel, meter in enumerate(meters):
        own = samples if len(meters) == 1 else samples[..., channel, None]
        if mark is not None:
            mark(meter._mask, own, at)
        meter.update(own[..., :colours], at=at)


def _count(raster: Raster, meters: list[ImageMeter], threads: int, check: Watch, mark: Any) -> None:
    """Measure a raster with one meter, or one for each channel, in as many threads as fit."""
    blocks, lock, ended = raster.blocks(), threading.Lock(), threading.Event()

    def work() -> None:
        block: Block | None = Block(0, 0, 0, 0)
        while block is not None:
            parts, pixels = [meter._with(meter._core.empty()) for meter in meters], 0
            while pixels < _PIXELS_APART:
                with lock:
                    block = None if ended.is_set() else next(blocks, None)
                if block is None:
                    break
                check()
                _update(parts, raster.read(block), (block.x, block.y), mark)
                pixels += block.width * block.height
            with lock:
                for meter, part in zip(meters, parts, strict=True):
                    meter._core.add(part._core)

    threads = max(1, min(threads, _MOST_AT_ONCE // raster.bytes_at_once))
    with ThreadPoolExecutor(threads, "lightmeter-tiles") as pool:
        futures = [pool.submit(work) for _ in range(threads)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # also by Ctrl-C
            ended.set()
    for future in futures:
        future.result()


# --- arrays ---

PIXELS_AT_ONCE = 1 << 20  # of samples that are not in chunks or tiles
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
    return all(hasattr(value, name) for name in ("shape", "dtype", "chunks", "__getitem__"))


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
            sides["y"] = max(1, min(self.height, PIXELS_AT_ONCE // max(1, self.width)))
        else:  # those of dask may differ
            chunks = tuple(max(size) if isinstance(size, tuple) else size for size in chunks)
            self.chunk_bytes = math.prod(chunks) * self.dtype.itemsize
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
        check_frames(math.prod(counts), reading.limits)
    for number in range(math.prod(counts)):  # which `itertools.product` would hold all of
        place = dict(zip(others, map(int, np.unravel_index(number, counts)), strict=True))
        yield [_ArrayRaster(array, axes, place, mode, order)]


MOST_LEVELS = 64

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
    datasets = scales["datasets"][:MOST_LEVELS]
    check_level(level, len(datasets))
    axes = "".join(str(axis["name"] if isinstance(axis, dict) else axis) for axis in scales["axes"])
    channels = attributes.get("omero", {}).get("channels", [])[:4]
    colours = [str(channel.get("color")).upper() for channel in channels]
    return node[str(datasets[level]["path"])], axes, colours == _RGB
