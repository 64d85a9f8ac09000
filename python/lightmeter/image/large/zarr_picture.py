"""Pictures in folders of Zarr: OME-Zarr (NGFF) with its levels, and plain arrays."""

from collections.abc import Iterator
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmeter.errors import ImageError
from lightmeter.image.arrays import Layout
from lightmeter.image.large.raster import Raster, check_frames, check_tile
from lightmeter.image.large.zarr_array import ZarrArray
from lightmeter.image.large.zarr_metadata import attributes_of

__all__ = ["ZarrPicture", "ZarrRaster"]

_RGB = ("FF0000", "00FF00", "0000FF")  # what converters write of colours
_OLD_AXES = "tczyx"  # before NGFF 0.3 they were not said
_MOST_LEVELS = 64


class ZarrRaster(Raster):
    """One plane of an array, or its channels together. Threads may read it at once."""

    def __init__(
        self, array: ZarrArray, axes: str, at: dict[str, int], channels: int | None, mode: str
    ) -> None:
        """Take the plane `at` these places of all other axes.

        Raises:
            ImageError: its samples are not known here.
        """
        self._array, self._axes, self._at = array, axes, at
        self._together = channels is not None
        sides = dict(zip(axes, array.layout.shape, strict=True))
        self._chunks = dict(zip(axes, array.layout.chunks, strict=True))
        self.height, self.width = sides["y"], sides["x"]
        self.tile_height, self.tile_width = self._chunks["y"], self._chunks["x"]
        self.channels = channels or 1
        self.dtype = array.layout.dtype
        self._exact = array.layout.dtype.name in ("int8", "int16", "int32", "uint32")
        if not self._exact and array.layout.dtype.name not in (
            "bool", "uint8", "uint16", "float16", "float32", "float64",
        ):  # fmt: skip
            raise ImageError("unsupported", f"Zarr with samples of {array.layout.dtype}")
        self.white = 1.0 if array.layout.dtype.kind == "f" else 65535.0
        gray = {"b": "1", "u": "L" if array.layout.dtype.itemsize == 1 else "I;16", "f": "F"}
        self.mode = mode or ("I" if self._exact else gray[array.layout.dtype.kind])
        check_tile(self, "chunk")

    @property
    def bytes_at_once(self) -> int:
        """As of any raster, with a chunk that may be of many planes."""
        return super().bytes_at_once + 2 * self._array.layout.chunk_bytes

    def read(self, x: int, y: int, into: NDArray[Any]) -> None:
        """As `Raster.read` says."""
        index = {axis: self._at.get(axis, 0) // size for axis, size in self._chunks.items()}
        index |= {"x": x // self.tile_width, "y": y // self.tile_height}
        within: dict[str, Any] = {
            axis: self._at.get(axis, 0) % size for axis, size in self._chunks.items()
        }
        within |= {"y": slice(len(into)), "x": slice(into.shape[1])}
        step = self._chunks["c"] if self._together else 1
        for channel in range(0, self.channels, step):
            if self._together:
                index["c"] = channel // step
                within["c"] = slice(min(step, self.channels - channel))
            chunk = self._array.chunk(tuple(index[axis] for axis in self._axes))
            part = chunk[tuple(within[axis] for axis in self._axes)]
            kept = [axis for axis in self._axes if isinstance(within[axis], slice)]
            order = [kept.index(axis) for axis in "yxc" if axis in kept]
            samples = part.transpose(order)
            to = into[..., channel : channel + step] if self._together else into[..., 0]
            to[...] = samples

    def colours(self, samples: NDArray[Any]) -> NDArray[Any]:
        """As `Raster.colours` says."""
        if self._exact:
            return samples.astype(np.float64)
        return samples.astype(np.float32) if samples.dtype == np.float16 else samples


class ZarrPicture:
    """A folder of Zarr.

    Attributes:
        array: the array of the level.
        axes: a letter for each of its axes, such as ``tczyx``.
        levels: how many there are.
    """

    def __init__(
        self,
        folder: Path,
        level: int,
        layout: Layout | None,
        bands: int | None,
    ) -> None:
        """Open a level of the first picture in it; `layout` is that of an array without axes.

        Raises:
            ImageError: there is no picture, or no such level.
        """
        attributes = attributes_of(folder)
        said = {} if attributes is None else attributes.get("ome", attributes)
        if isinstance(said, dict) and "bioformats2raw.layout" in said and "multiscales" not in said:
            folder = folder / "0"
            attributes = attributes_of(folder)
            said = {} if attributes is None else attributes.get("ome", attributes)
        self.levels, self._is_rgb, self._bands = 1, False, bands
        if attributes is None:
            self._check_level(level)
            self.array = ZarrArray(folder)
            self.axes = _axes_of(self.array, layout, bands)
            self._is_rgb = "c" in self.axes
        else:
            self._open_level(folder, said, level)
        self._sides = dict(zip(self.axes, self.array.layout.shape, strict=True))

    def planes(self, *, most: int | None, whole: bool) -> Iterator[ZarrRaster]:
        """All planes, the first axis slowest; of colours or bands the channels of each together.

        Args:
            most: how many there may be; None does not look.
            whole: whether to give all, and not only the first.

        Raises:
            ImageError: there are not as many channels.
        """
        mode, channels, bands = "", None, self._bands
        if bands is not None:
            if self._sides.get("c", 1) != bands:
                got = self._sides.get("c", 1)
                raise ImageError("unsupported", f"got {got} channels; expected {bands} bands")
            mode, channels = f"{bands} bands", bands
        elif self._is_rgb:
            channels = self._sides["c"]
            mode = {1: "", 3: "RGB", 4: "RGBA"}[channels]
        others = [axis for axis in self.axes if axis not in ("yx" if channels is None else "yxc")]
        sides = [self._sides[axis] if whole else 1 for axis in others]
        check_frames(prod(sides), most)
        for number in range(prod(sides)):  # which `itertools.product` would hold all of
            at = dict(zip(others, map(int, np.unravel_index(number, sides)), strict=True))
            yield ZarrRaster(self.array, self.axes, at, channels, mode)

    @property
    def facts(self) -> dict[str, int | str | None]:
        """What is known of the file."""
        channels = self._sides.get("c", 1)
        bits = 8 * self.array.layout.dtype.itemsize
        return {"Format": "Zarr", "BitDepth": bits, "Channels": channels}

    def _check_level(self, level: int) -> None:
        if level >= self.levels:
            raise ImageError(
                "unsupported", f"no level {level}; the picture has 0 to {self.levels - 1}"
            )

    def _open_level(self, folder: Path, said: Any, level: int) -> None:
        try:
            if "plate" in said:
                raise ImageError(
                    "unsupported",
                    "a plate of many pictures; give one of its fields, as x.zarr/A/1/0",
                )
            if "multiscales" not in said:
                raise ImageError("unsupported", "a group of Zarr without a picture (multiscales)")
            scales = said["multiscales"][0]
            names = [str(scale["path"]) for scale in scales["datasets"][:_MOST_LEVELS]]
            axes = scales.get("axes", _OLD_AXES)
            self.axes = "".join(
                str(axis["name"] if isinstance(axis, dict) else axis) for axis in axes
            )
            self.levels = len(names)
            self._check_level(level)
            path = PurePosixPath(names[level])
            if path.is_absolute() or ".." in path.parts:
                raise ImageError("corrupt", f"a level outside of its folder: {names[level]!r:.100}")
            self.array = ZarrArray(folder / path)
            colours = [
                str(channel.get("color")).upper()
                for channel in said.get("omero", {}).get("channels", [])[:4]
            ]
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            detail = f"{type(error).__name__} in the attributes of OME-Zarr: {error}"
            raise ImageError("corrupt", detail[:200]) from None
        expected = len(self.array.layout.shape)
        if len(set(self.axes)) != len(self.axes) or len(self.axes) != expected:
            raise ImageError("corrupt", f"axes {self.axes!r:.100} of {expected} dimensions")
        if not {"x", "y"} <= set(self.axes):
            raise ImageError("unsupported", f"axes {self.axes!r:.100}; expected x and y among them")
        sides = dict(zip(self.axes, self.array.layout.shape, strict=True))
        eight_bits = self.array.layout.dtype == np.uint8
        self._is_rgb = eight_bits and sides.get("c") == 3 and tuple(colours) == _RGB


def _axes_of(array: ZarrArray, layout: Layout | None, bands: int | None) -> str:
    """The axes of an array that says nothing of them."""
    usual = layout or {2: "HW", 3: "HWC"}.get(len(array.layout.shape), "")
    sides = dict(zip(usual, array.layout.shape, strict=False))
    colours = (1, 3, 4) if bands is None else (bands,)
    if len(usual) != len(array.layout.shape) or sides.get("C", 1) not in colours:
        raise ImageError(
            "unsupported",
            f"an array of Zarr of shape {array.layout.shape!r:.100}; expected HxW or HxWxC with "
            "C = 1, 3 or 4, a layout such as layout='CHW', bands, or the attributes of OME-Zarr",
        )
    return usual.translate(str.maketrans("HWCN", "yxct"))
