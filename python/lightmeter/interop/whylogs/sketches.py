"""The sketches of Apache DataSketches that whylogs stores for a column; all are little-endian.

KLL: the numbers.

    0 u8 preamble ints: 2 empty or one value, 5 full, 6 full as whylogs writes it
    1 u8 version: 1, 2 for one value | 2 u8 family: 15 | 3 u8 flags
    4 u16 k | 6 u8 m: 8 | 7 u8 unused
    empty ends here; one value: f64
    8 u64 n | 16 u16 least k merged | 18 u8 levels L | 19 unused: 1 byte, of whylogs 5
    u32 x L: index of the first value of each level; level h has weight 2^h
    f64 min | f64 max | f64 x values

HyperLogLog: how many different values were counted, and the bounds.

u8 preamble ints | u8 version 1 | u8 family 7 | u8 lg k | u8 lg of the list | u8
flags (4 empty, 8 compact, 16 merged) | u8 count of a list, or least register | u8 mode (bits 0 and
1: 0 list, 1 set, 2 registers; bits 2 and 3: bits of a register). A list: u32 x count. A set: u32
count | u32 x count. Registers: f64 estimate unless merged | f64 x 2 sum of 2^-register | u32
registers at the least | u32 exceptions | registers | u32 x exceptions.

Frequent strings.

u8 preamble longs (1 empty, 4) | u8 version 1 | u8 family 10 | u8 lg of the most
counters | u8 lg of the counters there | u8 flags | 2 unused; empty ends here. u32 entries |
4 unused | u64 total | u64 offset | u64 weight of each | u32 length and UTF-8 of each. A value
occurred at least `weight` times and at most `weight + offset` times, and one that is not listed
at most `offset` times.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain, pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.interop.whylogs.protobuf import require, text_of
from lightmeter.sketch import QuantileSketch

MOST = 2**56  # a profile counts no more of anything

# --- KLL ---

_HEADERS = {(2, 1): 8, (2, 2): 8, (5, 1): 20, (6, 1): 24}  # bytes by preamble and version
_LEAST_ROOM = 8
_CUT, _ODD = (f"DataSketches KLL: {wrong}" for wrong in ("the data ends early", "a wrong header"))


def read_quantiles(data: memoryview, key: int = 0) -> QuantileSketch:
    """Return the numbers of a sketch.

    A sketch with all its values is converted exactly. The error of any other is the one that
    DataSketches publishes for its k, which is measured and not proved.

    Raises
    ------
    DecodeError
        The bytes are not such a sketch.
    """
    require(len(data) >= 8, _CUT)
    preamble, version, family, _, k, m = struct.unpack_from("<4B1H1B", data)
    start = _HEADERS.get((preamble, version), 0)
    require(start > 0 and family == 15 and k >= _LEAST_ROOM == m, _ODD)
    require(len(data) >= start, _CUT)
    if preamble == 2:
        values = _values(data[start:])
        require(len(values) == version - 1, _ODD)
        return _exact(values, key)
    n, least_k, depth = struct.unpack_from("<1Q1H1B", data, 8)
    require(_LEAST_ROOM <= least_k <= k and depth > 0, _ODD)
    end = start + 4 * depth
    require(len(data) >= end + 16, _CUT)
    begins = struct.unpack_from(f"<{depth}I", data, start)
    least, greatest = _values(data[end : end + 16]).tolist()
    values = _values(data[end + 16 :])
    bounds = [*begins, begins[0] + len(values)]
    sizes = [end - begin for begin, end in pairwise(bounds)]
    is_whole = min(sizes) >= 0 and sum(size << h for h, size in enumerate(sizes)) == n
    require(is_whole, "DataSketches KLL: levels that overlap, or whose weights do not sum to n")
    if sizes[0] == n:
        return _exact(values, key)
    error = 2.296 / least_k**0.9723  # of ranks at 99 % confidence
    return _sampled(np.split(values, np.cumsum(sizes[:-1])), least, greatest, error * n, key)


def _exact(values: NDArray[np.float64], key: int) -> QuantileSketch:
    sketch = QuantileSketch(key)
    sketch.update(values)
    return sketch


def _sampled(
    levels: Sequence[NDArray[np.float64]], least: float, greatest: float, ranks: float, key: int
) -> QuantileSketch:
    finite = [level[np.isfinite(level)].tolist() for level in levels]
    sketch, kept = QuantileSketch(key), list(chain(*finite))
    if kept:  # infinite extrema hide the finite ones, so those of the kept values are used
        least = least if math.isfinite(least) else min(kept)
        greatest = greatest if math.isfinite(greatest) else max(kept)
        sketch = QuantileSketch.from_levels(finite, least, greatest, ranks, key)
    for infinity in (math.inf, -math.inf):
        counts = (int((level == infinity).sum()) << h for h, level in enumerate(levels))
        sketch.update_counts([infinity], [sum(counts)])
    return sketch


def _values(data: memoryview) -> NDArray[np.float64]:
    require(len(data) % 8 == 0, _CUT)
    values = np.frombuffer(data, "<f8")
    require(not np.isnan(values).any(), "DataSketches KLL: a value is NaN")
    return values + 0.0  # without -0.0


# --- HyperLogLog ---

_MERGED = 16
_LIST, _SET, _REGISTERS = range(3)  # modes
_STARTS = 8, 12, 40  # bytes before the values, by mode
_BITS = 4, 6, 8
_COUPONS = 2.0**26

_COUPON_ERROR = 0.409 / 2**13


class Distinct(NamedTuple):
    """An estimate with its bounds at one standard error."""

    lower: float
    estimate: float
    upper: float


def read_distinct(data: memoryview) -> Distinct:
    """Return the distinct count of a sketch.

    Raises
    ------
    DecodeError
        The bytes are not such a sketch.
    """
    require(len(data) >= 8, f"a HyperLogLog of {len(data)} bytes; expected at least 8")
    _, version, family, lg_k, _, flags, count, modes = data[:8]
    mode, width = modes & 3, modes >> 2
    is_known = (version, family) == (1, 7) and 4 <= lg_k <= 21 and max(mode, width) <= 2
    require(is_known, "a HyperLogLog with an invalid header")
    require(len(data) >= _STARTS[mode], "the bytes end within a HyperLogLog")
    if mode == _REGISTERS:
        return _of_registers(data, lg_k, width, count, merged=bool(flags & _MERGED))
    if mode == _SET:
        (count,) = struct.unpack_from("<1I", data, 8)
    is_whole = len(data) >= _STARTS[mode] + 4 * count
    require(is_whole, f"a HyperLogLog that lists {count} values in {len(data)} bytes")
    # Values are 26-bit positions with a geometric rest; add the expected number of collisions.
    estimate = count + count * (count - 1) / (6 * _COUPONS)
    lower = max(estimate / (1 + _COUPON_ERROR), float(count))
    return Distinct(lower, estimate, estimate / (1 - _COUPON_ERROR))


def _of_registers(data: memoryview, lg_k: int, width: int, least: int, *, merged: bool) -> Distinct:
    kept, first, second, at_least, exceptions = struct.unpack_from("<3d2I", data, 8)
    k, total = 1 << lg_k, first + second
    registers = k * _BITS[width] // 8 + (width == 1)
    # Exceptions may be stored with gaps between them.
    is_whole = len(data) >= 40 + registers + 4 * exceptions and 0 < total <= k
    is_whole = is_whole and 0 <= kept <= MOST  # also false of NaN
    require(is_whole, f"a HyperLogLog of 2^{lg_k} registers in {len(data)} bytes")
    zeros = at_least if least == 0 else 0
    different = float(k - zeros)  # a lower bound
    estimate, unit = kept, math.sqrt(math.log(2))
    if merged:  # linear counting with many zero registers, else the raw estimate
        unit = math.sqrt(3 * math.log(2) - 1)
        estimate = 0.7213 / (1 + 1.079 / k) * k * k / total
        if zeros and estimate < 3 * k:
            estimate = k * math.log(k / zeros)
    error, estimate = unit / math.sqrt(k), max(estimate, different)  # of one standard error
    lower, upper = max(estimate / (1 + error), different), min(estimate / (1 - error), float(MOST))
    return Distinct(lower, estimate, upper)


# --- frequent strings ---

_T = TypeVar("_T", str, int)

_PREAMBLE = 32
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
    longs, version, family = data[:3]
    is_known = (version, family) == (1, 10) and len(data) >= {1: 8, 4: _PREAMBLE}.get(longs, MOST)
    require(is_known, f"frequent strings of {len(data)} bytes with a preamble of {longs}")
    if longs == 1:
        return Frequent(0, 0, {})
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
