"""The numbers of a KLL sketch of Apache DataSketches, of which whylogs stores one per column.

Little-endian:

    0 u8 preamble ints: 2 empty or one value, 5 full, 6 full as whylogs writes it
    1 u8 version: 1, 2 for one value | 2 u8 family: 15 | 3 u8 flags: 1 empty, 2 sorted, 4 one value
    4 u16 k | 6 u8 m: 8 | 7 u8 unused
    empty ends here; one value: f64
    8 u64 n | 16 u16 least k merged | 18 u8 levels L | 19 unused: 1 byte, of whylogs 5
    u32 x L: index of the first value of each level; level h has weight 2^h
    f64 min | f64 max | f64 x values
"""

import math
import struct
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from lightmeter.interop.whylogs.protobuf import require
from lightmeter.sketch import QuantileSketch

_EMPTY, _ONE_VALUE = 1, 4
_KNOWN_FLAGS = 7
_LEAST_ROOM = 8
_MOST = 2**56  # values
_MOST_LEVELS = 57
_HEADER, _FULL_HEADER = 8, {5: 20, 6: 24}


def read_quantiles(data: memoryview, key: int = 0) -> QuantileSketch:
    """Return the numbers of a sketch.

    A sketch with all its values is converted exactly. The error of any other is the one that
    DataSketches publishes for its k, which is measured and not proved.

    Raises
    ------
    DecodeError
        The bytes are not such a sketch.
    """
    _require(len(data) >= _HEADER, "the data ends early")
    preamble, version, family, flags, k, m = struct.unpack_from("<4B1H1B", data)
    is_known = family == 15 and not flags & ~_KNOWN_FLAGS and k >= _LEAST_ROOM == m
    _require(is_known, "an invalid header")
    if not flags & (_EMPTY | _ONE_VALUE):
        _require(preamble in _FULL_HEADER and version == 1, "an invalid header")
        return _read_full(data, _FULL_HEADER[preamble], k, key)
    values, count = _values(data[_HEADER:]), 0 if flags & _EMPTY else 1
    _require(preamble == 2 and version == 1 + count, "an invalid header")
    _require(len(values) == count, "the length does not fit")
    return _exact(values, key)


def _read_full(data: memoryview, start: int, k: int, key: int) -> QuantileSketch:
    _require(len(data) >= start, "the data ends early")
    n, least_k, depth = struct.unpack_from("<1Q1H1B", data, _HEADER)
    is_possible = 2 <= n <= _MOST and _LEAST_ROOM <= least_k <= k and 1 <= depth <= _MOST_LEVELS
    _require(is_possible, "an impossible n, least k or number of levels")
    _require(len(data) >= start + 4 * depth, "the data ends early")
    begins = struct.unpack_from(f"<{depth}I", data, start)
    values = _values(data[start + 4 * depth :])
    _require(len(values) >= 2, "the data ends early")
    least, greatest, kept = float(values[0]), float(values[1]), values[2:]
    bounds = [*begins, begins[0] + len(kept)]
    _require(bounds == sorted(bounds), "levels that overlap")
    sizes = [end - begin for begin, end in pairwise(bounds)]
    _require(sum(size << h for h, size in enumerate(sizes)) == n, "the weights do not sum to n")
    inside = np.all((least <= kept) & (kept <= greatest))
    _require(least <= greatest and bool(inside), "invalid extrema")
    levels = np.split(kept, np.cumsum(sizes[:-1]))
    if sizes[0] == n:
        return _exact(kept, key)
    error = 2.296 / least_k**0.9723  # of ranks at 99 % confidence
    return _sampled(levels, least, greatest, error * n, key)


def _exact(values: NDArray[np.float64], key: int) -> QuantileSketch:
    sketch = QuantileSketch(key)
    sketch.update(values)
    return sketch


def _sampled(
    levels: list[NDArray[np.float64]], least: float, greatest: float, ranks: float, key: int
) -> QuantileSketch:
    # Infinite extrema hide the finite ones, so those of the kept values are used.
    finite = [level[np.isfinite(level)].tolist() for level in levels]
    kept = list(chain.from_iterable(finite))
    sketch = QuantileSketch(key)
    if kept:
        least = least if math.isfinite(least) else min(kept)
        greatest = greatest if math.isfinite(greatest) else max(kept)
        sketch = QuantileSketch.from_levels(finite, least, greatest, ranks, key)
    for infinity in (math.inf, -math.inf):
        counts = (int(np.count_nonzero(level == infinity)) << h for h, level in enumerate(levels))
        sketch.update_counts([infinity], [sum(counts)])
    return sketch


def _values(data: memoryview) -> NDArray[np.float64]:
    _require(len(data) % 8 == 0, "the length does not fit")
    values = np.frombuffer(data, "<f8")
    _require(not np.isnan(values).any(), "a value is NaN")
    return values + 0.0  # without -0.0


def _require(holds: bool, wrong: str) -> None:
    require(holds, f"DataSketches KLL: {wrong}")
