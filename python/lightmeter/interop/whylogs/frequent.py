"""The frequent strings of DataSketches, as whylogs stores them.

Little-endian: u8 preamble longs (1 empty, 4) | u8 version 1 | u8 family 10 | u8 lg of the most
counters | u8 lg of the counters there | u8 flags | 2 unused; empty ends here. u32 entries |
4 unused | u64 total | u64 offset | u64 weight of each | u32 length and UTF-8 of each. A value
occurred at least `weight` times and at most `weight + offset` times, and one that is not listed
at most `offset` times.
"""

import struct
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeVar

from lightmeter import _core
from lightmeter.interop.whylogs.protobuf import require, text_of

_T = TypeVar("_T", str, int)

# The largest count in a profile.
MOST = 2**56

_PREAMBLE = 32
_EMPTY_FLAGS = 0b101  # which of the two bits is set depends on the version of the library
_MOST_BYTES = 128  # of a string in a profile
_MOST_ENTRIES, _MOST_LIST = 512, 8192  # entries of a list in a profile, and the bytes of its values


class Frequent(NamedTuple):
    """How often each value occurred: at least the count, at most `offset` more."""

    total: int
    offset: int
    counts: dict[str, int]


def read_frequent(data: memoryview) -> Frequent:
    """Return the values and counts of a sketch.

    Raises
    ------
    DecodeError
        The bytes are not such a sketch.
    """
    require(len(data) >= 8, f"frequent strings of {len(data)} bytes; expected at least 8")
    longs, version, family, _, _, flags = data[:6]
    is_empty, is_known = flags & _EMPTY_FLAGS, (version, family) == (1, 10)
    if is_known and longs == 1 and len(data) == 8 and is_empty:
        return Frequent(0, 0, {})
    is_full = is_known and longs == 4 and not is_empty and len(data) >= _PREAMBLE
    require(is_full, f"frequent strings with a preamble of {longs}, flags {flags}")
    entries, total, offset = struct.unpack_from("<1I4x2Q", data, 8)
    at = _PREAMBLE + 8 * entries
    require(at <= len(data), f"{entries} frequent strings in {len(data)} bytes")
    counts: dict[str, int] = {}
    for weight in struct.unpack_from(f"<{entries}Q", data, _PREAMBLE):
        size = int.from_bytes(data[at : at + 4], "little")
        at += 4 + size
        require(at <= len(data), "the bytes end within the frequent strings")
        counts[text_of(data[at - size : at])] = weight
    require(at == len(data), "bytes after the frequent strings")
    left = total - sum(counts.values())
    # The sketch decrements several counters at once, so the rest is at least twice the offset.
    is_sum = total <= MOST and left >= 2 * offset and (offset > 0 or left == 0)
    require(is_sum, f"counts of frequent strings that do not make their total of {total}")
    return Frequent(total, offset, counts)


def strings_of(frequent: Frequent) -> _core.FrequentStrings:
    """Return the same strings as a list of a profile, which has fewer and shorter strings."""
    cut: dict[str, int] = {}
    merged = 1
    for value, count in frequent.counts.items():
        short = value.encode()[:_MOST_BYTES].decode(errors="ignore")
        merged += short in cut
        cut[short] = cut.get(short, 0) + count
    # Each of the strings that were cut to the same text may have `offset` more occurrences.
    error = min(frequent.offset * merged, (frequent.total - sum(cut.values())) // 2)
    ranked = sorted(cut, key=lambda value: (-cut[value], value.encode()))
    sizes = accumulate(len(value.encode()) for value in ranked)
    fitting = sum(size <= _MOST_LIST for size in sizes)
    floor, entries = _listed(cut, error, ranked, min(_MOST_ENTRIES, max(1, fitting)))
    entries.sort(key=lambda entry: entry[0].encode())
    return _core.FrequentStrings.from_state(frequent.total, floor, entries)


def integers_of(offset: int, counts: Mapping[int, int]) -> tuple[int, list[tuple[int, int, int]]]:
    """Return frequent integers as the floor and entries of the shorter list of a profile."""
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    floor, entries = _listed(counts, offset, ranked, _MOST_ENTRIES)
    return floor, sorted(entries)


def _listed(
    counts: Mapping[_T, int], error: int, ranked: Sequence[_T], most: int
) -> tuple[int, list[tuple[_T, int, int]]]:
    """Return the largest possible count of an unlisted value, and the listed values."""
    floor = max([error, *(counts[value] + error for value in ranked[most : most + 1])])
    return floor, [(value, counts[value] + error, error) for value in ranked[:most]]
