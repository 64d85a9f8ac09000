"""Arrays of Zarr, versions 2 and 3: their metadata, and their chunks decoded within bounds."""

import json
import os
import threading
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightmeter.errors import ImageError
from lightmeter.files import open_regular, read_regular
from lightmeter.image.large.codecs import inflated
from lightmeter.image.large.raster import MOST_DECODED

__all__ = ["ZarrArray", "attributes_of", "is_zarr"]

_METADATA = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
_MOST_METADATA = 4 << 20  # bytes
_MOST_DIMENSIONS = 8
_MOST_INNER = 1 << 16  # chunks of a shard
_SHARDS_KEPT = 16
_MISSING = 2**64 - 1

# What a chunk may have beyond its samples where they do not compress.
_SLACK = 1 << 16

_DECODERS = frozenset({"blosc", "zstd", "gzip", "zlib", "lz4", "bz2"})
_CHECKSUM_BYTES = 4


class _Sharding(NamedTuple):
    inner: tuple[int, ...]
    at_end: bool
    checked: bool  # whether a checksum follows the index


class ZarrArray:
    """An array in a folder, whose chunks threads read at once.

    Attributes:
        shape: of the array.
        chunks: of a chunk, or of those inside of a shard.
        dtype: of samples in the byte order of this machine.
        attributes: what else is said of it.
    """

    def __init__(self, folder: Path) -> None:
        """Read the metadata.

        Raises:
            ImageError: there are none, or they say what is not known here.
        """
        self._folder = folder
        self._sharding: _Sharding | None = None
        self._order: tuple[int, ...] | None = None
        self._codecs: list[tuple[str, dict[str, Any]]] = []
        self._indices: dict[str, NDArray[np.uint64] | None] = {}
        self._lock = threading.Lock()
        try:
            if (folder / "zarr.json").exists():
                self._read_v3(_json_of(folder / "zarr.json"))
            else:
                self._read_v2(_json_of(folder / ".zarray"))
            fill = 0 if self._fill is None else self._fill
            self._empty = np.array(fill).astype(self.dtype)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
            if isinstance(error, ImageError):
                raise
            detail = f"Zarr metadata that are not understood: {type(error).__name__}: {error}"
            raise ImageError("corrupt", detail[:200]) from None
        self._check()

    @property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk as it is decoded."""
        return prod(self.chunks) * self.dtype.itemsize

    def chunk(self, index: tuple[int, ...]) -> NDArray[Any]:
        """A chunk by its place among chunks. It is of the shape of a chunk at every border too.

        Raises:
            ImageError: it is damaged.
        """
        data = self._encoded(index)
        if data is None:
            return np.broadcast_to(self._empty, self.chunks)
        for name, options in self._codecs:
            if name == "crc32c":
                data = data[:-_CHECKSUM_BYTES]
            else:
                room = self.chunk_bytes + _CHECKSUM_BYTES * len(self._codecs)
                data = inflated(name, bytes(data), room, **options)
        if len(data) != self.chunk_bytes:
            raise ImageError(
                "truncated", f"a chunk of {len(data)} bytes; expected {self.chunk_bytes}"
            )
        samples = np.frombuffer(data, self._stored).astype(self.dtype, copy=False)
        if self._order is None:
            return samples.reshape(self.chunks)
        stored = [self.chunks[axis] for axis in self._order]
        return samples.reshape(stored).transpose(np.argsort(self._order))

    def _read_v2(self, metadata: Any) -> None:
        self.shape, self.chunks = map(_sizes, (metadata["shape"], metadata["chunks"]))
        self._set_dtype(np.dtype(str(metadata["dtype"])))
        self._fill = metadata.get("fill_value")
        if metadata.get("filters"):
            raise ImageError("unsupported", f"Zarr with the filters {metadata['filters']!r:.100}")
        if metadata.get("order") == "F":
            self._order = tuple(range(len(self.shape)))[::-1]
        compressor = metadata.get("compressor")
        if compressor is not None:
            self._add_codec(compressor["id"])
        self._separator, self._prefix = metadata.get("dimension_separator", "."), ""
        attributes = self._folder / ".zattrs"
        self.attributes = _json_of(attributes) if attributes.exists() else {}

    def _read_v3(self, metadata: Any) -> None:
        if metadata["node_type"] != "array":
            raise ImageError("unsupported", "a group of Zarr, not an array")
        self.shape = _sizes(metadata["shape"])
        grid = metadata["chunk_grid"]
        if grid["name"] != "regular":
            raise ImageError("unsupported", f"Zarr with a grid of chunks {grid['name']!r:.100}")
        self._outer = self.chunks = _sizes(grid["configuration"]["chunk_shape"])
        self._set_dtype(np.dtype(str(metadata["data_type"])))
        self._fill = metadata.get("fill_value")
        keys = metadata["chunk_key_encoding"]
        usual = "/" if keys["name"] == "default" else "."
        self._separator = keys.get("configuration", {}).get("separator", usual)
        self._prefix = "c" + self._separator if keys["name"] == "default" else ""
        self.attributes = metadata.get("attributes", {})
        listed = metadata["codecs"]
        if listed[0]["name"] == "sharding_indexed":
            if len(listed) > 1:
                raise ImageError("unsupported", "Zarr with shards that are encoded once more")
            listed = self._read_sharding(listed[0]["configuration"])
        for codec in listed:
            self._read_codec(codec["name"], codec.get("configuration") or {})
        # They are undone in the other order.
        self._codecs.reverse()

    def _read_sharding(self, configuration: Any) -> Any:
        self.chunks = _sizes(configuration["chunk_shape"])
        names = [codec["name"] for codec in configuration["index_codecs"]]
        if names not in (["bytes"], ["bytes", "crc32c"]):
            raise ImageError("unsupported", f"Zarr with an index of shards by {names!r:.100}")
        inner = tuple(
            whole // part for whole, part in zip(self._outer, self.chunks, strict=True)
        )
        if any(whole % part for whole, part in zip(self._outer, self.chunks, strict=True)):
            raise ImageError("corrupt", "shards that are no whole number of chunks")
        if not 0 < prod(inner) <= _MOST_INNER:
            raise ImageError("too_large", f"shards of {prod(inner)} chunks")
        at_end = configuration.get("index_location", "end") == "end"
        self._sharding = _Sharding(inner, at_end, "crc32c" in names)
        return configuration["codecs"]

    def _read_codec(self, name: str, configuration: Any) -> None:
        if name == "transpose" and not self._codecs:
            self._order = tuple(map(int, configuration["order"]))
            if sorted(self._order) != list(range(len(self.shape))):
                raise ImageError("corrupt", f"Zarr with the order {self._order!r:.100}")
        elif name == "bytes":
            if configuration.get("endian") == "big":
                self._stored = self._stored.newbyteorder(">")
        else:
            self._add_codec(name)

    def _add_codec(self, name: str) -> None:
        if name not in _DECODERS and name != "crc32c":
            raise ImageError("unsupported", f"Zarr with the codec {name!r:.100}")
        self._codecs.append((name, {"header": True} if name == "lz4" else {}))

    def _set_dtype(self, dtype: np.dtype[Any]) -> None:
        if dtype.kind not in "buif" or dtype.itemsize > 8:
            raise ImageError("unsupported", f"Zarr with samples of {dtype}")
        self._stored, self.dtype = dtype, dtype.newbyteorder("=")

    def _check(self) -> None:
        if not 2 <= len(self.shape) == len(self.chunks) <= _MOST_DIMENSIONS:
            raise ImageError("unsupported", f"an array of shape {self.shape!r:.100}")
        if self.chunk_bytes > MOST_DECODED:
            raise ImageError(
                "too_large",
                f"chunks of {self.chunks!r:.100}, which are decoded whole; more than "
                f"{MOST_DECODED} bytes; write smaller ones",
            )

    def _encoded(self, index: tuple[int, ...]) -> Any:
        if self._sharding is None:
            return self._part(self._key(index), None)
        inner = self._sharding.inner
        key = self._key(tuple(i // n for i, n in zip(index, inner, strict=True)))
        places = self._index_of(key)
        if places is None:
            return None
        within = tuple(i % n for i, n in zip(index, inner, strict=True))
        place, size = map(int, places[np.ravel_multi_index(within, inner)])
        if place == size == _MISSING:
            return None
        return self._part(key, (place, size))

    def _key(self, index: tuple[int, ...]) -> str:
        return self._prefix + self._separator.join(map(str, index))

    def _index_of(self, key: str) -> NDArray[np.uint64] | None:
        """Where the chunks of a shard are, and of how many bytes; None for no shard."""
        with self._lock:
            if key in self._indices:
                return self._indices[key]
        assert self._sharding is not None
        size = 16 * prod(self._sharding.inner)
        stored = size + _CHECKSUM_BYTES * self._sharding.checked
        data = self._part(key, (-stored if self._sharding.at_end else 0, stored))
        places = None if data is None else np.frombuffer(data, "<u8", size // 8).reshape(-1, 2)
        with self._lock:
            while len(self._indices) >= _SHARDS_KEPT:
                del self._indices[next(iter(self._indices))]
            self._indices[key] = places
        return places

    def _part(self, key: str, part: tuple[int, int] | None) -> bytes | None:
        """A file below the folder, or (place, size) of it; None for no file."""
        try:
            file = open_regular(self._folder / key)
        except FileNotFoundError:
            return None
        with file:
            whole = os.fstat(file.fileno()).st_size
            place, size = (0, whole) if part is None else part
            place += whole if place < 0 else 0
            most = self.chunk_bytes + _SLACK + 16 * _MOST_INNER
            if not 0 <= place <= place + size <= whole:
                raise ImageError("truncated", f"no {size} bytes at {place} of {whole} of a shard")
            if size > most:
                raise ImageError("too_large", f"a chunk of {size} encoded bytes")
            data = b""
            file.seek(place)
            while len(data) < size and (piece := file.read(size - len(data))):
                data += piece
        if len(data) < size:
            raise ImageError("truncated", f"got {len(data)} of {size} bytes of a chunk")
        return data


def is_zarr(path: object) -> bool:
    """Whether it is the path of a folder that holds an array or a group of Zarr."""
    if not isinstance(path, str | os.PathLike) or not os.path.isdir(path):
        return False
    return any(os.path.isfile(os.path.join(os.fsdecode(path), name)) for name in _METADATA)


def attributes_of(folder: Path) -> dict[str, Any] | None:
    """The attributes of a group; None where the folder holds an array.

    Raises:
        ImageError: they are damaged.
    """
    found: Any = {}
    if (folder / "zarr.json").exists():
        metadata = _json_of(folder / "zarr.json")
        found = metadata.get("attributes", {}) if isinstance(metadata, dict) else None
        if isinstance(metadata, dict) and metadata.get("node_type") == "array":
            return None
    elif (folder / ".zarray").exists():
        return None
    elif (folder / ".zattrs").exists():
        found = _json_of(folder / ".zattrs")
    if not isinstance(found, dict):
        raise ImageError("corrupt", "Zarr attributes that are no object")
    return found


def _json_of(path: Path) -> Any:
    return json.loads(read_regular(path, _MOST_METADATA))


def _sizes(numbers: Any) -> tuple[int, ...]:
    sizes = tuple(numbers)
    if not all(type(size) is int and 0 < size < 2**47 for size in sizes):
        raise ImageError("corrupt", f"Zarr with sides of {sizes!r:.100}")
    return sizes
