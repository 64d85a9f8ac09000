"""What the metadata of Zarr say, versions 2 and 3, each number checked before it is used."""

import os
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from lightmeter.errors import ImageError
from lightmeter.files import read_regular
from lightmeter.image.large.codecs import inflated
from lightmeter.image.large.raster import MOST_DECODED
from lightmeter.nesting import parse_json

__all__ = ["ZARR_FILES", "Layout", "Sharding", "attributes_of", "is_zarr", "layout_of"]

ZARR_FILES = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
_MOST_BYTES = 4 << 20
_MOST_DIMENSIONS = 8
_MOST_INNER = 1 << 16  # chunks of a shard
_LONGEST = 1 << 47

_DECODERS = frozenset({"blosc", "zstd", "gzip", "zlib", "lz4", "bz2"})
_CHECKSUM, _CHECKSUM_BYTES = "crc32c", 4

# What damaged metadata raise where they are looked into.
_DAMAGE = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


@dataclass(frozen=True)
class Sharding:
    """How chunks lie in files of many.

    Attributes:
        inner: how many chunks a shard has along each dimension.
        at_end: whether the index is at the end of a shard, and not at its start.
        index_bytes: of the index.
    """

    inner: tuple[int, ...]
    at_end: bool
    index_bytes: int


@dataclass(frozen=True)
class Layout:
    """How the samples of an array are stored.

    Attributes:
        shape: of the array.
        chunks: of a chunk, or of one inside of a shard.
        stored: the type of its samples, in their byte order.
        empty: the sample of chunks that are not there.
        order: the order of dimensions in a chunk; None is that of the array.
        decoders: what undoes the encoding of a chunk, one after the other.
        prefix, separator: of the names of files.
        sharding: None without shards.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    stored: np.dtype[Any]
    empty: Any
    order: tuple[int, ...] | None
    decoders: tuple[str, ...]
    prefix: str
    separator: str
    sharding: Sharding | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its samples in the byte order of this machine."""
        return self.stored.newbyteorder("=")

    @property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk as it is decoded."""
        return prod(self.chunks) * self.stored.itemsize

    def decoded(self, data: bytes | memoryview) -> bytes | memoryview:
        """The bytes of a chunk's samples, no more than they can be.

        Raises:
            Exception: it is damaged.
        """
        room = self.chunk_bytes + _CHECKSUM_BYTES * len(self.decoders)
        for name in self.decoders:
            if name == _CHECKSUM:
                data = data[:-_CHECKSUM_BYTES]
            else:
                options = {"header": True} if name == "lz4" else {}
                data = inflated(name, bytes(data), np.empty(room, np.uint8), **options).data
        return data


def is_zarr(path: object) -> bool:
    """Whether it is the path of a folder of Zarr, by its suffix or its metadata."""
    if not isinstance(path, str | os.PathLike) or not os.path.isdir(path):
        return False
    folder = os.fsdecode(path).rstrip(os.sep)
    if folder.lower().endswith(".zarr"):
        return True
    return any(os.path.exists(os.path.join(folder, name)) for name in ZARR_FILES)


def attributes_of(folder: Path) -> dict[str, Any] | None:
    """The attributes of a group; None where the folder holds an array.

    Raises:
        ImageError: they are damaged.
    """
    if (folder / ".zarray").exists():
        return None
    found: Any = {}
    if (folder / "zarr.json").exists():
        metadata = _json_of(folder / "zarr.json")
        if isinstance(metadata, dict) and metadata.get("node_type") == "array":
            return None
        found = metadata.get("attributes", {}) if isinstance(metadata, dict) else None
    elif (folder / ".zattrs").exists():
        found = _json_of(folder / ".zattrs")
    if not isinstance(found, dict):
        raise ImageError("corrupt", "attributes of Zarr that are no object")
    return found


def layout_of(folder: Path) -> Layout:
    """How the array in a folder is stored.

    Raises:
        ImageError: there is none, it is damaged, or it is stored as nothing here can read.
    """
    try:
        if (folder / "zarr.json").exists():
            layout = _of_version_3(_json_of(folder / "zarr.json"))
        else:
            layout = _of_version_2(_json_of(folder / ".zarray"))
        layout = replace(layout, empty=_empty(layout.empty, layout.dtype))
    except ImageError:
        raise
    except _DAMAGE as error:
        detail = f"metadata of Zarr: {type(error).__name__}: {error}"
        raise ImageError("corrupt", detail[:200]) from None
    _check(layout)
    return layout


def _of_version_2(metadata: Any) -> Layout:
    if metadata.get("filters"):
        raise ImageError("unsupported", f"Zarr with the filters {metadata['filters']!r:.100}")
    shape, compressor = _sizes(metadata["shape"]), metadata.get("compressor")
    return Layout(
        shape=shape,
        chunks=_sizes(metadata["chunks"]),
        stored=_dtype(metadata["dtype"]),
        empty=metadata.get("fill_value"),
        order=tuple(range(len(shape)))[::-1] if metadata.get("order") == "F" else None,
        decoders=() if compressor is None else (_decoder(compressor["id"]),),
        prefix="",
        separator=_separator(metadata.get("dimension_separator", ".")),
    )


def _of_version_3(metadata: Any) -> Layout:
    if metadata["node_type"] != "array":
        raise ImageError("unsupported", "a group of Zarr, not an array")
    shape, grid = _sizes(metadata["shape"]), metadata["chunk_grid"]
    if grid["name"] != "regular":
        raise ImageError("unsupported", f"Zarr with a grid of chunks {grid['name']!r:.100}")
    chunks = _sizes(grid["configuration"]["chunk_shape"])
    keys, codecs = metadata["chunk_key_encoding"], metadata["codecs"]
    is_usual = keys["name"] == "default"
    usual = "/" if is_usual else "."
    separator = _separator((keys.get("configuration") or {}).get("separator", usual))
    sharding = None
    if codecs[0]["name"] == "sharding_indexed":
        if len(codecs) > 1:
            raise ImageError("unsupported", "Zarr with shards that are encoded once more")
        configuration = codecs[0]["configuration"]
        inner = _sizes(configuration["chunk_shape"])
        sharding = _sharding(configuration, chunks, inner)
        chunks, codecs = inner, configuration["codecs"]
    stored, order = _dtype(metadata["data_type"]), None
    decoders: list[str] = []
    for codec in codecs:
        name, configuration = codec["name"], codec.get("configuration") or {}
        if name == "transpose" and order is None and not decoders:
            order = tuple(map(int, configuration["order"]))
            if sorted(order) != list(range(len(shape))):
                raise ImageError("corrupt", f"Zarr with the order {order!r:.100}")
        elif name == "bytes":
            stored = stored.newbyteorder(">" if configuration.get("endian") == "big" else "<")
        else:
            decoders.append(_decoder(name))
    return Layout(
        shape=shape,
        chunks=chunks,
        stored=stored,
        empty=metadata.get("fill_value"),
        order=order,
        decoders=tuple(reversed(decoders)),
        prefix=f"c{separator}" if is_usual else "",
        separator=separator,
        sharding=sharding,
    )


def _sharding(configuration: Any, outer: tuple[int, ...], chunks: tuple[int, ...]) -> Sharding:
    names = [codec["name"] for codec in configuration["index_codecs"]]
    if names not in (["bytes"], ["bytes", _CHECKSUM]):
        raise ImageError("unsupported", f"Zarr with an index of shards by {names!r:.100}")
    inner = tuple(whole // part for whole, part in zip(outer, chunks, strict=True))
    if any(whole % part for whole, part in zip(outer, chunks, strict=True)):
        raise ImageError("corrupt", "shards that are no whole number of chunks")
    if not 0 < prod(inner) <= _MOST_INNER:
        raise ImageError("too_large", f"shards of {prod(inner)} chunks")
    at_end = configuration.get("index_location", "end") == "end"
    return Sharding(inner, at_end, 16 * prod(inner) + _CHECKSUM_BYTES * (len(names) - 1))


def _check(layout: Layout) -> None:
    if not 2 <= len(layout.shape) == len(layout.chunks) <= _MOST_DIMENSIONS:
        raise ImageError("unsupported", f"an array of shape {layout.shape!r:.100}")
    if layout.chunk_bytes > MOST_DECODED:
        raise ImageError(
            "too_large",
            f"chunks of {layout.chunks!r:.100}, which are decoded whole; more than {MOST_DECODED} "
            "bytes; write smaller ones",
        )


def _empty(said: Any, dtype: np.dtype[Any]) -> Any:
    """The sample of chunks that are not there."""
    said = 0 if said is None else said
    if isinstance(said, str) and said.startswith("0x") and dtype.kind == "f":  # its bits
        said = np.frombuffer(bytes.fromhex(said[2:]), f">f{dtype.itemsize}")[0]
    if dtype.kind in "iu" and not np.iinfo(dtype).min <= said <= np.iinfo(dtype).max:
        raise ImageError("corrupt", f"Zarr of {dtype} with the fill value {said!r:.100}")
    with np.errstate(over="ignore"):
        empty = np.array(said).astype(dtype)
    if empty.ndim:
        raise ImageError("corrupt", f"Zarr with the fill value {said!r:.100}")
    return empty


def _separator(said: Any) -> str:
    """What is between the numbers in the names of files: nothing else, as they are paths."""
    if said not in ("/", "."):
        raise ImageError("corrupt", f"Zarr with the separator {said!r:.100}")
    return str(said)


def _decoder(name: str) -> str:
    if name not in _DECODERS and name != _CHECKSUM:
        raise ImageError("unsupported", f"Zarr with the codec {name!r:.100}")
    return name


def _dtype(name: Any) -> np.dtype[Any]:
    dtype = np.dtype(str(name))
    if dtype.kind not in "buif" or dtype.itemsize > 8:
        raise ImageError("unsupported", f"Zarr with samples of {dtype}")
    return dtype


def _sizes(numbers: Any) -> tuple[int, ...]:
    sizes = tuple(numbers)
    if not all(type(size) is int and 0 < size < _LONGEST for size in sizes):
        raise ImageError("corrupt", f"Zarr with sides of {sizes!r:.100}")
    return sizes


def _json_of(path: Path) -> Any:
    return parse_json(read_regular(path, _MOST_BYTES))
