"""The numbers in a struct of Thrift's compact protocol, as the headers of pages of Parquet are."""

_MOST_FIELDS = 256  # of a header; there are about ten
_FIXED = {1: 0, 2: 0, 3: 1, 7: 8}  # bytes of a value: true, false, a byte, a double


def read_numbers(data: bytes) -> tuple[dict[tuple[int, ...], int], int]:
    """Return the numbers of 32 bits by the fields that lead to them, and where the struct ends.

    Of one that comes twice the last holds, as for Thrift's own reader. Lists are not read: there
    are none in the headers of pages.

    Raises:
        ValueError: it is damaged.
        IndexError: it ends early.
    """
    found: dict[tuple[int, ...], int] = {}
    path, place = [0], 0
    for _ in range(_MOST_FIELDS):
        head, place = data[place], place + 1
        if head == 0:
            path.pop()
            if not path:
                return found, place
            continue
        step, kind = head >> 4, head & 15
        path[-1] += step
        if not step:
            number, place = _varint(data, place)
            path[-1] = _int32(number)
        if kind in _FIXED:
            place += _FIXED[kind]
        elif kind == 12:
            path.append(0)
        elif kind in (4, 5, 6, 8):  # integers of 16, 32 and 64 bits, and the length of bytes
            value, place = _varint(data, place)
            if kind == 5:
                found[tuple(path)] = _int32(value)
            place += value if kind == 8 else 0
        else:
            raise ValueError(f"a field of kind {kind}")
    raise ValueError("too many fields")


def _int32(value: int) -> int:
    value &= 0xFFFFFFFF
    return (value >> 1) ^ -(value & 1)


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for number in range(10):
        byte = data[place + number]
        value |= (byte & 127) << 7 * number
        if byte < 128:
            return value, place + number + 1
    raise ValueError("a number of too many bytes")
