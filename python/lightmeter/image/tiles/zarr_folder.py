"""Reading images in Zarr folders: OME-Zarr (NGFF) with its levels, and plain arrays."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lightmeter.errors import ImageError
from lightmeter.image.frame import Frame
from lightmeter.image.header import Facts
from lightmeter.image.limits import check_level
from lightmeter.image.reading import Reading
from lightmeter.image.tiles.array_raster import axes_of, planes_of

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
        raise ImageError("unsupported", "a folder of Zarr without a picture") from None
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
        detail = "a group of Zarr without a picture (multiscales); of a plate give x.zarr/A/1/0"
        raise ImageError("unsupported", detail)
    scales = attributes["multiscales"][0]
    datasets = scales["datasets"][:_MOST_LEVELS]
    check_level(level, len(datasets))
    axes = "".join(str(axis["name"] if isinstance(axis, dict) else axis) for axis in scales["axes"])
    channels = attributes.get("omero", {}).get("channels", [])[:4]
    colours = [str(channel.get("color")).upper() for channel in channels]
    return node[str(datasets[level]["path"])], axes, colours == _RGB
