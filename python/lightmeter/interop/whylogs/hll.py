"""The distinct count of whylogs: the estimate of its HyperLogLog sketch, with bounds.

Little-endian: u8 preamble ints | u8 version 1 | u8 family 7 | u8 lg k | u8 lg of the list | u8
flags (4 empty, 8 compact, 16 merged) | u8 count of a list, or least register | u8 mode (bits 0 and
1: 0 list, 1 set, 2 registers; bits 2 and 3: bits of a register). A list: u32 x count. A set: u32
count | u32 x count. Registers: f64 estimate unless merged | f64 x 2 sum of 2^-register | u32
registers at the least | u32 exceptions | registers | u32 x exceptions.
"""

import math
import struct
from typing import NamedTuple

from lightmeter.interop.whylogs.protobuf import require

_EMPTY, _MERGED = 4, 16
_LIST, _SET, _REGISTERS = range(3)  # modes
_BITS = (4, 6, 8)
_COUPONS = 2.0**26
_MOST = 2.0**56

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
    ints, version, family, lg_k, _, flags, count, modes = data[:8]
    mode, width = modes & 3, modes >> 2
    is_known = (version, family) == (1, 7) and 4 <= lg_k <= 21 and width < len(_BITS)
    is_known = is_known and (mode, ints) in ((_LIST, 2), (_SET, 3), (_REGISTERS, 10))
    require(is_known, "a HyperLogLog with an invalid header")
    start = 4 * ints
    require(len(data) >= start, "the bytes end within a HyperLogLog")
    if mode == _REGISTERS:
        return _of_registers(data, lg_k, width, count, merged=bool(flags & _MERGED))
    if mode == _SET:
        (count,) = struct.unpack_from("<1I", data, 8)
    is_whole = count <= 2**lg_k and len(data) >= start + 4 * count
    is_whole = is_whole and bool(flags & _EMPTY) == (count == 0)
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
    is_whole = len(data) >= 40 + registers + 4 * exceptions and at_least <= k
    require(is_whole, f"a HyperLogLog of 2^{lg_k} registers in {len(data)} bytes")
    is_possible = 0 < total <= k and 0 <= kept <= _MOST  # also false of NaN
    require(is_possible, "a HyperLogLog whose registers have an impossible sum")
    zeros = at_least if least == 0 else 0
    different = float(k - zeros)  # a lower bound
    estimate, unit = kept, math.sqrt(math.log(2))
    if merged:  # linear counting with many zero registers, else the raw estimate
        unit = math.sqrt(3 * math.log(2) - 1)
        estimate = 0.7213 / (1 + 1.079 / k) * k * k / total
        if zeros and estimate < 3 * k:
            estimate = k * math.log(k / zeros)
    error = unit / math.sqrt(k)  # one standard error
    lower = max(estimate / (1 + error), different)
    upper = min(max(estimate, different) / (1 - error), _MOST)
    return Distinct(lower, min(max(estimate, lower), upper), upper)
