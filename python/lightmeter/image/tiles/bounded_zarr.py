"""Arrays of Zarr in folders, as zarr reads them, with bounds on what a file or chunk may take.

A chunk is decoded to no more than its shape has room for. A bomb of 1.4 MB makes the codecs of zarr
take 600 MB before they look how much it is.
"""

import asyncio
import bz2
import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numcodecs
import zarr
from numcodecs.abc import Codec
from zarr.abc.codec import BytesBytesCodec
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.storage import LocalStore

from lightmeter.errors import ImageError
from lightmeter.files import open_regular
from lightmeter.image.encoded import Deadline

__all__ = ["open_bounded"]

# Bytes that a chunk may have beyond its samples, where they do not compress, or an index of shards.
_SLACK = 2 << 20

# Decoders that stop where they are told to.
_STREAMS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    "zlib": zlib.decompressobj,
    "bz2": bz2.BZ2Decompressor,
}
_BLOSC_HEAD = 16
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def _blosc_size(data: bytes) -> int:
    """Return the decoded size. The library trusts the header to say how much there is to read."""
    if len(data) < _BLOSC_HEAD or int.from_bytes(data[12:16], "little") > len(data):
        raise ImageError("truncated", f"a chunk of {len(data)} bytes by blosc")
    return int.from_bytes(data[4:8], "little")


def _zstd_size(data: bytes) -> int | None:
    """Return the decoded size; None for a frame that does not tell. RFC 8878, 3.1.1.1."""
    if data[:4] != _ZSTD_MAGIC or len(data) < 5:
        raise ImageError("corrupt", "a chunk that is no frame of Zstandard")
    flags = data[4]
    is_single = flags >> 5 & 1
    start = 5 + (1 - is_single) + (0, 1, 2, 4)[flags & 3]
    count = (is_single, 2, 4, 8)[flags >> 6]
    size = int.from_bytes(data[start : start + count], "little")
    return size + (256 if count == 2 else 0) if count else None


_SIZES: dict[str, Callable[[bytes], int | None]] = {
    "blosc": _blosc_size,
    "lz4": lambda data: int.from_bytes(data[:4], "little"),
    "zstd": _zstd_size,
}
_COMPRESSORS = frozenset({*_STREAMS, *_SIZES})


class _Bounded(Codec):  # type: ignore[misc]
    """A codec of numcodecs by its name, as version 2 takes it."""

    codec_id = "bounded"

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self._codec = numcodecs.get_codec({"id": name})

    def encode(self, buf: Any) -> Any:
        raise NotImplementedError

    def decode(self, buf: Any, out: Any = None) -> Any:
        data = bytes(memoryview(buf))
        if self._name in _STREAMS:
            decoded = _STREAMS[self._name]().decompress(data, self._most + 1)
            self._check(len(decoded))
            return decoded
        size = _SIZES[self._name](data)
        if size is None:
            return self._unsized(data)
        self._check(size)
        return self._codec.decode(data)

    def _check(self, size: int) -> None:
        if size > self._most:
            raise ImageError("corrupt", f"a chunk that decodes to more than {self._most} bytes")

    def _unsized(self, data: bytes) -> Any:
        try:
            import imagecodecs
        except ImportError:
            raise ImageError(
                "unsupported",
                "Zstandard of unknown size; this needs: pip install 'lightmeter[large]' "
                "(imagecodecs)",
            ) from None
        return imagecodecs.zstd_decode(data, out=self._most)


class _BoundedBytes(BytesBytesCodec):
    """The same, as version 3 takes it."""

    is_fixed_size = False

    def __init__(self, name: str, most: int) -> None:
        self._codec = _Bounded(name, most)

    async def _decode_single(self, chunk_data: Any, chunk_spec: Any) -> Any:
        decoded = await asyncio.to_thread(self._codec.decode, chunk_data.to_bytes())
        return chunk_spec.prototype.buffer.from_bytes(decoded)

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
        raise NotImplementedError


class _Folder(LocalStore):
    """A folder of regular files, of which at most so many bytes are read at once, until a deadline.

    Zarr takes a missing file for a chunk that was never written.
    """

    def __init__(self, root: Path, most: int, deadline: Deadline) -> None:
        super().__init__(root, read_only=True)
        self._most, self._deadline = most, deadline

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        self._deadline.check()
        try:
            file = open_regular(self.root / key)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        with file:
            whole = os.fstat(file.fileno()).st_size
            start, stop = _range_of(byte_range, whole)
            if not 0 <= start <= stop <= whole:
                raise ImageError("truncated", f"no bytes {start} to {stop} of {whole} of a shard")
            if stop - start > self._most:
                raise ImageError("too_large", f"a chunk of {stop - start} encoded bytes")
            data = bytearray()
            file.seek(start)
            while len(data) < stop - start and (piece := file.read(stop - start - len(data))):
                data += piece
        return prototype.buffer.from_bytes(bytes(data))


def _range_of(byte_range: Any, whole: int) -> tuple[int, int]:
    match byte_range:
        case RangeByteRequest(start, end):
            return start, end
        case OffsetByteRequest(offset):
            return offset, whole
        case SuffixByteRequest(suffix):
            return whole - suffix, whole
    return 0, whole


def open_bounded(folder: Path, file_bytes: int, chunk_bytes: int, deadline: Deadline) -> Any:
    """Open the `zarr.Array` in a folder, of which a file or a chunk takes hardly more than so much.

    Args:
        folder: it holds the metadata of an array.
        file_bytes: of the samples in a file.
        chunk_bytes: of those in a chunk.
        deadline: until when it may be read.
    """
    store = _Folder(folder, file_bytes + _SLACK, deadline)
    array = zarr.open_array(store, mode="r")
    metadata: Any = array.metadata
    most = chunk_bytes + _SLACK
    if array.metadata.zarr_format == 3:
        metadata = replace(metadata, codecs=_bounded(metadata.codecs, most))
    elif metadata.compressor is not None:
        metadata = replace(metadata, compressor=_Bounded(metadata.compressor.codec_id, most))
    return zarr.Array(zarr.AsyncArray(metadata=metadata, store_path=array.store_path))


def _bounded(codecs: Any, most: int) -> tuple[Any, ...]:
    """Return the same codecs, in shards too, each of which decodes to at most so many bytes."""
    bounded = []
    for codec in codecs:
        name = codec.to_dict()["name"]
        if name in _COMPRESSORS:
            codec = _BoundedBytes(name, most)
        elif name == "sharding_indexed":
            codec = replace(codec, codecs=_bounded(codec.codecs, most))
        bounded.append(codec)
    return tuple(bounded)
