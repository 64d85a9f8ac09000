"""Reading Zarr folders with zarr, with bounds on the memory of a file or chunk.

A chunk is decoded to at most the size of its shape. Without this bound, a bomb of 1.4 MB makes
zarr's codecs allocate 600 MB before they check the size.
"""

import asyncio
import zlib
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numcodecs
import zarr
from numcodecs.abc import Codec
from zarr.abc.codec import BytesBytesCodec
from zarr.abc.store import RangeByteRequest
from zarr.codecs import ShardingCodec
from zarr.storage import LocalStore

from lightmeter.errors import ImageError
from lightmeter.nesting import parse_json

# Bytes that a chunk may have beyond its samples, if they do not compress, or for an index of
# shards.
_SLACK = 2 << 20
_MOST_INNER = 1 << 16  # chunks of a shard

_BLOSC_HEAD = 16
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def _check(size: int, most: int) -> None:
    if size > most:
        raise ImageError("corrupt", f"a chunk that decodes to more than {most} bytes")


def _of_blosc(data: bytes, most: int) -> Any:
    """Decode a chunk of Blosc, whose library trusts the lengths in the header."""
    if len(data) < _BLOSC_HEAD or int.from_bytes(data[12:16], "little") > len(data):
        raise ImageError("truncated", f"a chunk of {len(data)} bytes by blosc")
    _check(int.from_bytes(data[4:8], "little"), most)
    return numcodecs.Blosc().decode(data)


def _of_zstd(data: bytes, most: int) -> Any:
    """Decode a chunk of Zstandard, whose frames may omit the size (RFC 8878, 3.1.1.1)."""
    if data[:4] != _ZSTD_MAGIC or len(data) < 5:
        raise ImageError("corrupt", "a chunk that is no frame of Zstandard")
    flags = data[4]
    is_single = flags >> 5 & 1
    start = 5 + (1 - is_single) + (0, 1, 2, 4)[flags & 3]
    count = (is_single, 2, 4, 8)[flags >> 6]
    if count == 0:
        raise ImageError("unsupported", "Zstandard that does not tell its size")
    size = int.from_bytes(data[start : start + count], "little") + (256 if count == 2 else 0)
    _check(size, most)
    return numcodecs.Zstd().decode(data)


def _of_zlib(data: bytes, most: int) -> Any:
    stream = zlib.decompressobj(zlib.MAX_WBITS | 32)  # with the head of gzip or of zlib
    decoded = stream.decompress(data, most + 1)
    _check(len(decoded), most)
    if not stream.eof:  # behind the samples is their checksum
        raise ImageError("truncated", f"a chunk of {len(data)} bytes by zlib")
    return decoded


_DECODERS = {"blosc": _of_blosc, "zstd": _of_zstd, "gzip": _of_zlib, "zlib": _of_zlib}
_KNOWN = {"bytes", "transpose", "sharding_indexed", "crc32c", *_DECODERS}


class _Bounded(Codec):  # type: ignore[misc]
    """Wrap a codec of Zarr version 2, which then decodes to at most `most` bytes."""

    codec_id = "bounded"

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most

    def encode(self, buf: Any) -> Any:
        raise NotImplementedError

    def decode(self, buf: Any, out: Any = None) -> Any:
        return _DECODERS[self._name](bytes(memoryview(buf)), self._most)


class _BoundedBytes(BytesBytesCodec):
    """Wrap a codec of Zarr version 3 likewise."""

    is_fixed_size = False

    def __init__(self, codec: _Bounded) -> None:
        self._codec = codec

    async def _decode_single(self, chunk_data: Any, chunk_spec: Any) -> Any:
        decoded = await asyncio.to_thread(self._codec.decode, chunk_data.to_bytes())
        return chunk_spec.prototype.buffer.from_bytes(decoded)

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
        raise NotImplementedError


class _Folder(LocalStore):
    """Read a folder of regular files, whose metadata are checked before zarr reads them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, read_only=True)
        self.most_at_once = _SLACK

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        path, size = self.root / key, 0
        if isinstance(byte_range, RangeByteRequest):
            size = byte_range.end - byte_range.start
        elif path.exists():
            if not path.is_file():
                raise ImageError("corrupt", f"{key!r:.100} of Zarr, which is no regular file")
            size = path.stat().st_size if byte_range is None else 0
        if not 0 <= size <= self.most_at_once:
            raise ImageError("too_large", f"{key!r:.100} of {size} encoded bytes")
        data = await super().get(key, prototype, byte_range)
        if data is not None and path.name.startswith((".z", "zarr.json")):
            _check_codecs(parse_json(data.to_bytes()))
        return data


def _check_codecs(metadata: dict[str, Any]) -> None:
    """Raise an error for unknown codecs, also within shards."""
    codecs = [codec["name"] for codec in metadata.get("codecs", ())]
    if metadata.get("filters"):
        codecs.append(f"filters {metadata['filters']!r:.50}")  # whose results are not bounded
    if metadata.get("compressor"):
        codecs.append(metadata["compressor"]["id"])
    for name in codecs:
        if name not in _KNOWN:
            raise ImageError("unsupported", f"Zarr with the codec {name!r:.100}")
    for codec in metadata.get("codecs", ()):
        _check_codecs(codec.get("configuration") or {})


def open_folder(folder: Path) -> Any:
    """Open a `zarr.Array` or `zarr.Group`.

    Raises
    ------
    ImageError
        Its metadata name unknown codecs, or are too large.
    FileNotFoundError
        It has no metadata.
    Exception
        Zarr cannot open it.
    """
    return zarr.open(_Folder(folder), mode="r", use_consolidated=False)


def bounded(array: Any) -> Any:
    """Return a zarr array whose chunks take little more memory than their shape.

    The bound also applies to the files of a folder. In an array that a caller opened, unknown
    codecs are not replaced.

    Raises
    ------
    ImageError
        Shards have too many chunks, or an index that is encoded.
    """
    metadata = array.metadata
    most = prod(array.chunks) * array.dtype.itemsize + _SLACK
    inner = prod(array.shards or array.chunks) // max(1, prod(array.chunks))
    if inner > _MOST_INNER:
        raise ImageError("too_large", f"shards of {inner} chunks")
    if isinstance(array.store, _Folder):
        array.store.most_at_once = inner * most
    if metadata.zarr_format == 3:
        metadata = replace(metadata, codecs=_bounded(metadata.codecs, most))
    elif metadata.compressor is not None and metadata.compressor.codec_id in _DECODERS:
        metadata = replace(metadata, compressor=_Bounded(metadata.compressor.codec_id, most))
    return zarr.Array(zarr.AsyncArray(metadata=metadata, store_path=array.store_path))


def _bounded(codecs: Any, most: int) -> tuple[Any, ...]:
    """Return the same codecs, also within shards, with a bound of `most` bytes."""
    bounded = []
    for codec in codecs:
        name = codec.to_dict()["name"]
        if isinstance(codec, ShardingCodec):
            if not {index.to_dict()["name"] for index in codec.index_codecs} <= {"bytes", "crc32c"}:
                raise ImageError("unsupported", "Zarr with an index of shards that is encoded")
            codec = replace(codec, codecs=_bounded(codec.codecs, most))
        elif name in _DECODERS:
            codec = _BoundedBytes(_Bounded(name, most))
        bounded.append(codec)
    return tuple(bounded)
