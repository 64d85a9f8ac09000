"""Reading numbers of Thrift's compact protocol, the format of Parquet page headers."""

import io

_FIXED = {1: 0, 2: 0, 3: 1, 7: 8}  # bytes of a value: true, false, a byte, a double


def read_numbers(file: io.BytesIO, depth: int = 8) -> dict[tuple[int, ...], int]:
    """Return 32-bit numbers by the path of field numbers that leads to them.

    If a field is repeated, the last one counts, as in Thrift's own reader. Lists are not read,
    because page headers have none.

    Raises
    ------
    ValueError
        The data is damaged, or structs are nested deeper than `depth`.
    IndexError
        The data ends early.
    """
    found: dict[tuple[int, ...], int] = {}
    field = 0
    while head := file.read(1)[0]:
        step, kind = divmod(head, 16)
        field = (field + step if step else _int32(file)) & 0xFFFF  # Thrift has 16 bits for it
        if kind == 5:
            found[field,] = _int32(file)
        elif kind == 12 and depth:
            inner = read_numbers(file, depth - 1)
            found |= {(field, *path): number for path, number in inner.items()}
        elif kind in (4, 6):
            _varint(file)
        elif kind == 8 or kind in _FIXED:
            file.seek(_varint(file) if kind == 8 else _FIXED[kind], io.SEEK_CUR)
        else:
            raise ValueError(f"a field of kind {kind}")
    return found


def _int32(file: io.BytesIO) -> int:
    value = _varint(file) & 0xFFFFFFFF
    return (value >> 1) ^ -(value & 1)


def _varint(file: io.BytesIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)[0]
        value |= (byte & 127) << shift
        if byte < 128:
            return value
    raise ValueError("a number of too many bytes")
