"""Arrays of Zarr in folders: their chunks, read and decoded within bounds."""

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmeter.errors import ImageError
from lightmeter.files import open_regular
from lightmeter.image.large.zarr_metadata import Sharding, layout_of

__all__ = ["ZarrArray"]

_INDICES_KEPT = 16
_MISSING = 2**64 - 1

# Bytes that a chunk may have beyond its samples, where they do not compress, or an index.
_SLACK = 2 << 20


class ZarrArray:
    """An array in a folder, whose chunks threads read at once.

    Attributes:
        layout: how it is stored.
    """

    def __init__(self, folder: Path) -> None:
        """Read the metadata.

        Raises:
            ImageError: they are damaged, or say what is not known here.
        """
        self.layout = layout_of(folder)
        self._folder = folder
        self._indices: dict[str, NDArray[np.uint64] | None] = {}
        self._lock = threading.Lock()

    def chunk(self, index: tuple[int, ...]) -> NDArray[Any]:
        """A chunk by its place among chunks. It is of the shape of a chunk at every border too.

        Raises:
            ImageError: it is damaged, or the time is over.
            Exception: what decoders and files raise.
        """
        layout = self.layout
        data = self._encoded(index)
        if data is None:
            return np.broadcast_to(layout.empty, layout.chunks)
        decoded = layout.decoded(data)
        if len(decoded) != layout.chunk_bytes:
            raise ImageError(
                "truncated", f"a chunk of {len(decoded)} bytes; expected {layout.chunk_bytes}"
            )
        samples = np.frombuffer(decoded, layout.stored).astype(layout.dtype, copy=False)
        if layout.order is None:
            return samples.reshape(layout.chunks)
        stored = [layout.chunks[axis] for axis in layout.order]
        return samples.reshape(stored).transpose(np.argsort(layout.order))

    def _encoded(self, index: tuple[int, ...]) -> bytes | None:
        sharding = self.layout.sharding
        if sharding is None:
            return self._part(self._name(index), None)
        inner = sharding.inner
        name = self._name(tuple(at // count for at, count in zip(index, inner, strict=True)))
        places = self._index(name, sharding)
        if places is None:
            return None
        within = tuple(at % count for at, count in zip(index, inner, strict=True))
        place, size = map(int, places[np.ravel_multi_index(within, inner)])
        return None if place == size == _MISSING else self._part(name, (place, size))

    def _name(self, index: tuple[int, ...]) -> str:
        return self.layout.prefix + self.layout.separator.join(map(str, index))

    def _index(self, name: str, sharding: Sharding) -> NDArray[np.uint64] | None:
        """Where the chunks of a shard are, and of how many bytes; None for no shard."""
        with self._lock:
            if name in self._indices:
                return self._indices[name]
        size = sharding.index_bytes
        data = self._part(name, (-size if sharding.at_end else 0, size))
        places = None if data is None else np.frombuffer(data, "<u8", size // 16 * 2)
        with self._lock:
            while len(self._indices) >= _INDICES_KEPT:
                del self._indices[next(iter(self._indices))]
            self._indices[name] = None if places is None else places.reshape(-1, 2)
            return self._indices[name]

    def _part(self, name: str, part: tuple[int, int] | None) -> bytes | None:
        """A file below the folder, or (place, size) of it; None for no file."""
        try:
            file = open_regular(self._folder / name)
        except FileNotFoundError:
            return None
        with file:
            whole = os.fstat(file.fileno()).st_size
            place, size = (0, whole) if part is None else part
            place += whole if place < 0 else 0
            if not 0 <= place <= place + size <= whole:
                raise ImageError("truncated", f"no {size} bytes at {place} of {whole} of a shard")
            if size > self.layout.chunk_bytes + _SLACK:
                raise ImageError("too_large", f"a chunk of {size} encoded bytes")
            data = bytearray()
            file.seek(place)
            while len(data) < size and (piece := file.read(size - len(data))):
                data += piece
        if len(data) < size:
            raise ImageError("truncated", f"got {len(data)} of {size} bytes of a chunk")
        return bytes(data)
