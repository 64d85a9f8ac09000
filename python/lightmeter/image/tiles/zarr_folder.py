"""Pictures in folders of Zarr: OME-Zarr (NGFF) with its levels, and plain arrays, read by zarr."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from lightmeter.errors import ImageError
from lightmeter.files import read_regular
from lightmeter.image.decoders import decoder
from lightmeter.image.reading import Reading
from lightmeter.image.tiles.array_raster import axes_of, planes_of
from lightmeter.image.tiles.raster import LargePicture
from lightmeter.nesting import parse_json

__all__ = ["ZARR_FILES", "is_zarr", "open_zarr"]

ZARR_FILES = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
_MOST_BYTES = 4 << 20
_MOST_LEVELS = 64

_RGB = ("FF0000", "00FF00", "0000FF")  # what converters write of colours
_OLD_AXES = "tczyx"  # before NGFF 0.3 they were not said

# Codecs, of which all but the first ones have results that are bounded.
_PLAIN = ("bytes", "transpose", "sharding_indexed")
_CODECS = (*_PLAIN, "crc32c", "blosc", "zstd", "gzip", "zlib", "lz4", "bz2")


def is_zarr(path: object) -> bool:
    """Return whether it is the path of a folder of Zarr, by its suffix or its metadata."""
    if not isinstance(path, str | os.PathLike) or not os.path.isdir(path):
        return False
    folder = os.fsdecode(path).rstrip(os.sep)
    if folder.lower().endswith(".zarr"):
        return True
    return any(map(os.path.exists, map(partial(os.path.join, folder), ZARR_FILES)))


def open_zarr(folder: Path, reading: Reading) -> LargePicture:
    """Open the level of the first picture in a folder of Zarr.

    Raises:
        ImageError: there is no picture, no such level, it is damaged, or zarr is not installed.
    """
    attributes = _attributes_of(folder)
    if attributes and "bioformats2raw.layout" in attributes and "multiscales" not in attributes:
        folder = folder / "0"
        attributes = _attributes_of(folder)
    try:
        path, axes, colours = _level_of(attributes, reading.pyramid_level or 0)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        detail = f"{type(error).__name__} in the attributes of OME-Zarr: {error}"
        raise ImageError("corrupt", detail[:200]) from None
    array, is_encoded = _open(folder / path, reading)
    if attributes is None:
        axes, is_colour = axes_of(array.shape, reading), True
    elif len(set(axes)) != len(axes) or len(axes) != len(array.shape):
        raise ImageError("corrupt", f"axes {axes!r:.100} of {len(array.shape)} dimensions")
    elif not {"x", "y"} <= set(axes):
        raise ImageError("unsupported", f"axes {axes!r:.100}; expected x and y among them")
    else:
        is_colour = array.dtype == np.uint8 and colours == _RGB
    channels = dict(zip(axes, array.shape, strict=True)).get("c", 1)
    if attributes is not None:
        is_colour = is_colour and channels == len(_RGB)
    return LargePicture(
        ([raster] for raster in planes_of(array, axes, reading, is_colour=is_colour)),
        {"Format": "Zarr", "BitDepth": 8 * array.dtype.itemsize, "Channels": channels},
        decoder=decoder("Zarr", "zarr") if is_encoded else None,
        order=reading.channels,
    )


def _attributes_of(folder: Path) -> dict[str, Any] | None:
    """Return what the attributes of a group say of pictures; None where the folder is an array."""
    metadata = _metadata_of(folder, ".zattrs")
    if (folder / ".zarray").exists() or metadata.get("node_type") == "array":
        return None
    found = metadata.get("attributes", {}) if "node_type" in metadata else metadata
    attributes = found.get("ome", found) if isinstance(found, dict) else None
    if not isinstance(attributes, dict):
        raise ImageError("corrupt", "attributes of Zarr that are no object")
    return attributes


def _metadata_of(folder: Path, old: str) -> dict[str, Any]:
    """Return the metadata of version 3, or those of version 2 in a file `old`; none are empty."""
    path = next((path for path in (folder / "zarr.json", folder / old) if path.exists()), None)
    metadata = {} if path is None else parse_json(read_regular(path, _MOST_BYTES))
    if not isinstance(metadata, dict):
        raise ImageError("corrupt", "metadata of Zarr that are no object")
    return metadata


def _level_of(attributes: Any, level: int) -> tuple[str | PurePosixPath, str, tuple[str, ...]]:
    """Return where the array of a level is, its axes, and the colours of its channels."""
    if attributes is None:
        attributes = {"multiscales": [{"datasets": [{"path": "."}]}]}
    if "plate" in attributes:
        raise ImageError(
            "unsupported", "a plate of many pictures; give one of its fields, as x.zarr/A/1/0"
        )
    if "multiscales" not in attributes:
        raise ImageError("unsupported", "a group of Zarr without a picture (multiscales)")
    scales = attributes["multiscales"][0]
    names = [str(scale["path"]) for scale in scales["datasets"][:_MOST_LEVELS]]
    if level >= len(names):
        raise ImageError("unsupported", f"no level {level}; the picture has 0 to {len(names) - 1}")
    path = PurePosixPath(names[level])
    if path.is_absolute() or ".." in path.parts:
        raise ImageError("corrupt", f"a level outside of its folder: {names[level]!r:.100}")
    axes = "".join(
        str(axis["name"] if isinstance(axis, dict) else axis)
        for axis in scales.get("axes", _OLD_AXES)
    )
    channels = attributes.get("omero", {}).get("channels", [])[:4]
    return path, axes, tuple(str(channel.get("color")).upper() for channel in channels)


def _open(folder: Path, reading: Reading) -> tuple[Any, bool]:
    """Return an array whose chunks are decoded within bounds, and whether they are encoded."""
    try:
        from lightmeter.image.tiles.bounded_zarr import open_bounded
    except ImportError:
        raise ImageError("unsupported", "this needs: pip install 'lightmeter[zarr]'") from None
    try:
        metadata = _metadata_of(folder, ".zarray")
        names = [*_codecs_of(metadata)]
        for name in names:
            if name not in _CODECS:
                raise ImageError("unsupported", f"Zarr with the codec {name!r:.100}")
        array = open_bounded(folder)
    except (ImageError, OSError):
        raise
    except Exception as error:  # what zarr raises of metadata that it does not know
        detail = f"metadata of Zarr: {type(error).__name__}: {error}"
        raise ImageError("corrupt", detail[:200]) from None
    return array, any(name not in _PLAIN for name in names)


def _codecs_of(metadata: dict[str, Any]) -> Iterator[str]:
    """Yield the names of all codecs, in shards too."""
    for codec in metadata.get("codecs", ()):
        yield codec["name"]
        yield from _codecs_of(codec.get("configuration") or {})
    if metadata.get("filters"):
        yield f"filters {metadata['filters']!r:.50}"  # whose results nobody bounds
    if metadata.get("compressor"):
        yield metadata["compressor"]["id"]
