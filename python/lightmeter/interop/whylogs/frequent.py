"""The frequent strings of DataSketches, as whylogs stores them.

Little-endian: u8 preamble longs (1 empty, 4) | u8 version 1 | u8 family 10 | u8 lg of the most
counters | u8 lg of the counters there | u8 flags | 2 unused; empty ends here. u32 entries |
4 unused | u64 total | u64 offset | u64 weight of each | u32 length and UTF-8 of each. A value
occurred at least `weight` times and at most `weight + offset` times, and one that is not listed
at most `offset` times.
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple

from lightmeter import _core
from lightmeter.errors import DecodeError
from lightmeter.interop.whylogs.protobuf import text_of

# A profile counts no more of anything.
MOST = 2**56

_PREAMBLE = 32
_EMPTY_FLAGS = 0b101  # which of the two says so depends on the version of the library
_MOST_BYTES = 128  # of a string in a profile
_MOST_ENTRIES, _MOST_LIST = 512, 8192  # entries of a list in a profile, and the bytes of its values


class Frequent(NamedTuple):
    """How often each value occurred: at least the count, at most `offset` more."""

    total: int
    offset: int
    counts: dict[str, int]


def read_frequent(data: memoryview) -> Frequent:
    """All that the bytes say.

    Raises:
        DecodeError: they are no such sketch.
    """
    if len(data) < 8:
        raise DecodeError(f"frequent strings of {len(data)} bytes; expected at least 8")
    longs, version, family, _, _, flags = data[:6]
    if version != 1 or family != 10:
        raise DecodeError(f"frequent strings of version {version}, family {family}; expected 1, 10")
    if longs == 1 and len(data) == 8 and flags & _EMPTY_FLAGS:
        return Frequent(0, 0, {})
    if longs != 4 or flags & _EMPTY_FLAGS or len(data) < _PREAMBLE:
        raise DecodeError(f"frequent strings with a preamble of {longs}, flags {flags}")
    entries, total, offset = struct.unpack_from("<1I4x2Q", data, 8)
    strings = _PREAMBLE + 8 * entries
    if strings > len(data):
        raise DecodeError(f"{entries} frequent strings in {len(data)} bytes")
    weights = struct.unpack_from(f"<{entries}Q", data, _PREAMBLE)
    counts: dict[str, int] = {}
    at = strings
    for weight in weights:
        if at + 4 > len(data):
            raise DecodeError("the bytes end within the frequent strings")
        (size,) = struct.unpack_from("<1I", data, at)
        at += 4
        if size > len(data) - at:
            raise DecodeError("the bytes end within a frequent string")
        value = text_of(data[at : at + size])
        at += size
        if value in counts or not 0 < weight <= MOST:
            raise DecodeError("a frequent string that comes twice, or has no proper count")
        counts[value] = weight
    if at != len(data):
        raise DecodeError("bytes after the frequent strings")
    left = total - sum(counts.values())
    # What was taken from one counter was taken from others too.
    if total > MOST or left < 2 * offset or (offset == 0 and left != 0):
        raise DecodeError(f"counts of frequent strings that do not make their total of {total}")
    return Frequent(total, offset, counts)


def strings_of(frequent: Frequent) -> _core.FrequentStrings:
    """The same as a list of a profile, which cuts long strings and holds fewer of them."""
    cut: dict[str, int] = {}
    merged = 1
    for value, count in frequent.counts.items():
        short = value.encode()[:_MOST_BYTES].decode(errors="ignore")
        merged += short in cut
        cut[short] = cut.get(short, 0) + count
    # Strings that have become one may each have occurred `offset` times more than was counted.
    error = min(frequent.offset * merged, (frequent.total - sum(cut.values())) // 2)
    ranked = sorted(cut, key=lambda value: (-cut[value], value.encode()))
    floor, size = error, sum(len(value.encode()) for value in ranked)
    while len(ranked) > _MOST_ENTRIES or (size > _MOST_LIST and len(ranked) > 1):
        dropped = ranked.pop()
        size -= len(dropped.encode())
        floor = max(floor, cut[dropped] + error)
    ranked.sort(key=str.encode)
    entries = [(value, cut[value] + error, error) for value in ranked]
    return _core.FrequentStrings.from_state(frequent.total, floor, entries)


def integers_of(offset: int, counts: Mapping[int, int]) -> tuple[int, list[tuple[int, int, int]]]:
    """Frequent integers as a list of a profile, which holds fewer of them: floor and entries."""
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    floor = offset
    for dropped in ranked[_MOST_ENTRIES:]:
        floor = max(floor, counts[dropped] + offset)
    kept = sorted(ranked[:_MOST_ENTRIES])
    return floor, [(value, counts[value] + offset, offset) for value in kept]
