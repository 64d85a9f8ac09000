"""An object's bytes: a digest of all that follows, a header of JSON, and a body."""

import hashlib
import json
import struct
from typing import Any

from lightmeter.errors import DecodeError, StoreError
from lightmeter.nesting import parse_json

__all__ = ["MOST_BYTES", "seal_object", "unseal"]

# magic, SHA-256 of the rest, length of the header (little endian), header, body
_MAGIC = b"LMo1"
_START = struct.Struct("<4s32sI")
# A profile of thousands of features has some megabytes. A reader holds a few objects at a time.
MOST_BYTES = 2**28


def seal_object(header: dict[str, Any], body: bytes = b"") -> bytes:
    """The bytes of an object.

    Raises:
        StoreError: they are too many for readers to take.
    """
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    rest = len(text).to_bytes(4, "little") + text + body
    data = _MAGIC + hashlib.sha256(rest).digest() + rest
    if len(data) > MOST_BYTES:
        raise StoreError(f"got {len(data)} bytes for one object; expected at most {MOST_BYTES}")
    return data


def unseal(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and body.

    Raises:
        DecodeError: these are not the bytes of an object as it was written.
    """
    if len(data) < _START.size or not data.startswith(_MAGIC):
        raise DecodeError("it is no object of a store, or only the beginning of one")
    _, digest, length = _START.unpack_from(data)
    if hashlib.sha256(memoryview(data)[36:]).digest() != digest:
        raise DecodeError("its bytes are not those that were written")
    try:
        header = parse_json(data[_START.size : _START.size + length])
    except ValueError as error:
        raise DecodeError(f"its header cannot be read: {error}") from error
    if not isinstance(header, dict):
        raise DecodeError("its header is no JSON object")
    return header, data[_START.size + length :]
