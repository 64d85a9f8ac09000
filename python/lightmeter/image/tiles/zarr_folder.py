"""Pictures in folders of Zarr: OME-Zarr (NGFF) with its levels, and plain arrays, read by zarr."""

import os
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from lightmeter.errors import ImageError
from lightmeter.files import read_regular
from lightmeter.image.encoded import Deadline
from lightmeter.image.reading import Reading
from lightmeter.image.tiles.array_raster import axes_of
from lightmeter.nesting import parse_json

__all__ = ["ZARR_FILES", "ZarrPicture", "is_zarr"]

ZARR_FILES = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
_MOST_BYTES = 4 << 20
_MOST_DIMENSIONS = 8
_MOST_INNER = 1 << 16  # chunks of a shard
_LONGEST = 1 << 47

_RGB = ("FF0000", "00FF00", "0000FF")  # what converters write of colours
_OLD_AXES = "tczyx"  # before NGFF 0.3 they were not said
_MOST_LEVELS = 64

_PLAIN_CODECS = ("bytes", "transpose")
# Those whose results are bounded, by whether the version is 3.
_CODECS = {
    False: ("blosc", "zstd", "gzip", "zlib", "lz4", "bz2"),
    True: ("blosc", "zstd", "gzip", "crc32c"),
}

# What damaged metadata raise where they are looked into.
_DAMAGE = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


def is_zarr(path: object) -> bool:
    """Return whether it is the path of a folder of Zarr, by its suffix or its metadata."""
    if not isinstance(path, str | os.PathLike) or not os.path.isdir(path):
        return False
    folder = os.fsdecode(path).rstrip(os.sep)
    if folder.lower().endswith(".zarr"):
        return True
    return any(os.path.exists(os.path.join(folder, name)) for name in ZARR_FILES)


class ZarrPicture:
    """A folder of Zarr.

    Attributes:
        array: the `zarr.Array` of the level, whose chunks are decoded within bounds.
        axes: a letter for each of its axes, such as ``tczyx``.
        is_colour: whether its channels are red, green and blue.
        is_encoded: whether its chunks are not stored as they are.
    """

    def __init__(self, folder: Path, reading: Reading) -> None:
        """Open the level of the first picture in it.

        Raises:
            ImageError: there is no picture, no such level, or zarr is not installed.
        """
        level = reading.pyramid_level or 0
        bands = None if reading.bands is None else len(reading.bands)
        attributes = _attributes_of(folder)
        if attributes and "bioformats2raw.layout" in attributes and "multiscales" not in attributes:
            folder = folder / "0"
            attributes = _attributes_of(folder)
        if attributes is None:
            _check_level(level, 1)
            self.array, self.is_encoded = _open(folder, reading)
            self.axes = axes_of(self.array.shape, reading.layout, bands)
            self.is_colour = "c" in self.axes
            return
        try:
            path, self.axes, colours = _level_of(attributes, level)
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            detail = f"{type(error).__name__} in the attributes of OME-Zarr: {error}"
            raise ImageError("corrupt", detail[:200]) from None
        self.array, self.is_encoded = _open(folder / path, reading)
        expected = self.array.ndim
        if len(set(self.axes)) != len(self.axes) or len(self.axes) != expected:
            raise ImageError("corrupt", f"axes {self.axes!r:.100} of {expected} dimensions")
        if not {"x", "y"} <= set(self.axes):
            raise ImageError("unsupported", f"axes {self.axes!r:.100}; expected x and y among them")
        is_rgb = self.array.dtype == np.uint8 and colours == _RGB
        self.is_colour = is_rgb and self.array.shape[self.axes.find("c")] == len(_RGB)

    @property
    def facts(self) -> dict[str, int | str | None]:
        """What is known of the file."""
        channels = dict(zip(self.axes, self.array.shape, strict=True)).get("c", 1)
        bits = 8 * self.array.dtype.itemsize
        return {"Format": "Zarr", "BitDepth": bits, "Channels": channels}


def _check_level(level: int, levels: int) -> None:
    if level >= levels:
        raise ImageError("unsupported", f"no level {level}; the picture has 0 to {levels - 1}")


def _level_of(attributes: Any, level: int) -> tuple[PurePosixPath, str, tuple[str, ...]]:
    """Return where the array of a level is, its axes, and the colours of its channels."""
    if "plate" in attributes:
        raise ImageError(
            "unsupported", "a plate of many pictures; give one of its fields, as x.zarr/A/1/0"
        )
    if "multiscales" not in attributes:
        raise ImageError("unsupported", "a group of Zarr without a picture (multiscales)")
    scales = attributes["multiscales"][0]
    names = [str(scale["path"]) for scale in scales["datasets"][:_MOST_LEVELS]]
    axes = "".join(
        str(axis["name"] if isinstance(axis, dict) else axis)
        for axis in scales.get("axes", _OLD_AXES)
    )
    _check_level(level, len(names))
    path = PurePosixPath(names[level])
    if path.is_absolute() or ".." in path.parts:
        raise ImageError("corrupt", f"a level outside of its folder: {names[level]!r:.100}")
    channels = attributes.get("omero", {}).get("channels", [])[:4]
    return path, axes, tuple(str(channel.get("color")).upper() for channel in channels)


def _attributes_of(folder: Path) -> dict[str, Any] | None:
    """Return what the attributes of a group say of pictures; None where the folder is an array."""
    found: Any = {}
    if (folder / ".zarray").exists():
        return None
    if (folder / "zarr.json").exists():
        metadata = _json_of(folder / "zarr.json")
        if isinstance(metadata, dict) and metadata.get("node_type") == "array":
            return None
        found = metadata.get("attributes", {}) if isinstance(metadata, dict) else None
    elif (folder / ".zattrs").exists():
        found = _json_of(folder / ".zattrs")
    if not isinstance(found, dict):
        raise ImageError("corrupt", "attributes of Zarr that are no object")
    said = found.get("ome", found)
    return said if isinstance(said, dict) else {}


def _json_of(path: Path) -> Any:
    return parse_json(read_regular(path, _MOST_BYTES))


def _open(folder: Path, reading: Reading) -> tuple[Any, bool]:
    """Return an array whose chunks are decoded within bounds, and whether they are encoded."""
    try:
        from lightmeter.image.tiles.bounded_zarr import open_bounded
    except ImportError:
        raise ImageError("unsupported", "this needs: pip install 'lightmeter[zarr]'") from None
    is_new = (folder / "zarr.json").exists()
    metadata = _json_of(folder / ("zarr.json" if is_new else ".zarray"))
    try:
        names, chunks, file = _version_3(metadata) if is_new else _version_2(metadata)
        sample = _sample_bytes(metadata["data_type" if is_new else "dtype"])
        if not 2 <= len(_sizes(metadata["shape"])) == len(chunks) <= _MOST_DIMENSIONS:
            raise ImageError("unsupported", f"an array of shape {metadata['shape']!r:.100}")
        for name in names:
            if name not in _CODECS[is_new]:
                raise ImageError("unsupported", f"Zarr with the codec {name!r:.100}")
        file_bytes, chunk_bytes = prod(file) * sample, prod(chunks) * sample
        deadline = Deadline(reading.limits.seconds)
        return open_bounded(folder, file_bytes, chunk_bytes, deadline), bool(names)
    except ImageError:
        raise
    except _DAMAGE as error:
        detail = f"metadata of Zarr: {type(error).__name__}: {error}"
        raise ImageError("corrupt", detail[:200]) from None


def _version_2(metadata: Any) -> tuple[list[str], tuple[int, ...], tuple[int, ...]]:
    """Return the names of codecs, and the shape of a chunk and of what is in a file."""
    if metadata.get("filters"):
        raise ImageError("unsupported", f"Zarr with the filters {metadata['filters']!r:.100}")
    compressor, chunks = metadata.get("compressor"), _sizes(metadata["chunks"])
    return ([] if compressor is None else [compressor["id"]]), chunks, chunks


def _version_3(metadata: Any) -> tuple[list[str], tuple[int, ...], tuple[int, ...]]:
    """Return the same of version 3, without codecs that are of any array."""
    if metadata["node_type"] != "array":
        raise ImageError("unsupported", "a group of Zarr, not an array")
    grid, codecs = metadata["chunk_grid"], metadata["codecs"]
    if grid["name"] != "regular":
        raise ImageError("unsupported", f"Zarr with a grid of chunks {grid['name']!r:.100}")
    chunks = file = _sizes(grid["configuration"]["chunk_shape"])
    if codecs[0]["name"] == "sharding_indexed" and len(codecs) == 1:
        sharding = codecs[0]["configuration"]
        codecs, chunks = sharding["codecs"], _sizes(sharding["chunk_shape"])
        inner = prod(whole // part for whole, part in zip(file, chunks, strict=True))
        if inner > _MOST_INNER:
            raise ImageError("too_large", f"shards of {inner} chunks")
        if not {codec["name"] for codec in sharding["index_codecs"]} <= {"bytes", "crc32c"}:
            raise ImageError("unsupported", "Zarr with an index of shards that is encoded")
    names = [codec["name"] for codec in codecs]
    return [name for name in names if name not in _PLAIN_CODECS], chunks, file


def _sample_bytes(name: Any) -> int:
    dtype = np.dtype(str(name))
    if dtype.kind not in "buif" or dtype.itemsize > 8:
        raise ImageError("unsupported", f"Zarr with samples of {dtype}")
    return dtype.itemsize


def _sizes(numbers: Any) -> tuple[int, ...]:
    sizes = tuple(numbers)
    if not all(type(size) is int and 0 < size < _LONGEST for size in sizes):
        raise ImageError("corrupt", f"Zarr with sides of {sizes!r:.100}")
    return sizes
