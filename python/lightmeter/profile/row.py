"""Rows of images, which hold measurements by feature name, and profiles of such rows."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from lightmeter import _core
from lightmeter.files import path_bytes
from lightmeter.image.encoded import short_path
from lightmeter.image.exif import DATES, KNOWN
from lightmeter.image.measure import Measured
from lightmeter.image.metrics import ERROR, TAKEN
from lightmeter.image.metrics import FACTS as HEADER_FACTS
from lightmeter.image.numbers import BAND_NUMBERS, IMAGE_NUMBERS
from lightmeter.image.reading import Reading
from lightmeter.nesting import parse_json
from lightmeter.profile.columns import (
    arrays_of,
    check_names,
    columns_of,
    is_vector,
    plain_cell,
    plain_value,
    rows_in,
)
from lightmeter.profile.features import Role
from lightmeter.profile.functions import returned_values
from lightmeter.profile.reading_text import checked_text
from lightmeter.text import shorten

Cell = str | int | float | list[str]
Row = dict[str, Cell]

# Prefix of the feature names in a row.
PREFIX = "image."

# Numbers of an image by the name of their feature, with the types of their values; hashes are
# texts.
NUMBERS: dict[str, type] = {
    f"{PREFIX}{name}": str if number.scale == "hash" else int if number.integral else float
    for name, number in IMAGE_NUMBERS.items()
}
# Other features of an image, except Exif tags.
FACTS: dict[str, type] = {
    f"{PREFIX}Colorspace": str,
    **{f"{PREFIX}{name}": kind for name, kind in HEADER_FACTS.items()},
}

# Linear numbers of hues, and hashes, which are strings.
_LEFT_OUT = {name for name, each in IMAGE_NUMBERS.items() if each.role not in ("plain", "angle")}

_NAME = PREFIX.removesuffix(".")
_NOTHING = np.empty(0)
_FAILURE = f"{PREFIX}Failure"
_ROLES: dict[str, Role] = {
    **{f"{PREFIX}{name}": number.role for name, number in IMAGE_NUMBERS.items()},
    f"{PREFIX}Colorspace": "category",
    _FAILURE: "failure",
}
_KINDS = NUMBERS | FACTS
_TEXTS = ("failure", "detail", "reading")
_HASH = re.compile("[0-9a-f]{16}")
_MOST_REASON = 32  # bytes


def is_compared(name: str, value: object) -> bool:
    """Return whether a value takes part in comparisons of images; `name` has no prefix."""
    return isinstance(value, int | float) and math.isfinite(value) and name not in _LEFT_OUT


def cells_of(measured: Measured) -> dict[str, Any]:
    """Return the measurements of an image except Exif, by names without a prefix.

    A value that is missing or not finite is None. Vectors are left out. The exception type of a
    user's function is in a value such as ``glare.Error``.
    """
    cells = measured.meter._cells()
    for name, value in cells.items():
        kind = NUMBERS.get(f"{PREFIX}{name}")
        cells[name] = value if value is None or kind is None else kind(value)
    cells["Colorspace"] = measured.meter.mode
    for name, returned in measured.returned:
        for feature, value in returned_values(name, returned).items():
            plain = plain_value(value, feature)
            if is_vector(plain) or (plain is None and feature == f"{name}.{ERROR}"):
                continue
            is_finite = not isinstance(plain, float) or math.isfinite(plain)
            cells[feature] = plain if is_finite else None
    return cells | (measured.facts or {})


def numbers_of(prefix: str, measured: Measured) -> dict[str, float]:
    """Return the numbers by which images are compared as a whole, by feature name.

    These are numbers of the image, numbers of the file's header, and numbers that functions of the
    reading returned. Missing numbers are absent.
    """
    cells = cells_of(measured).items()
    return {f"{prefix}.{name}": value for name, value in cells if is_compared(name, value)}


def rows_of(table: Any, columns: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a table, or the dicts of an iterable.

    Raises
    ------
    TypeError
        `table` is neither, or an item is not a dict.
    ValueError
        No row has a column in `columns`.
    """
    unknown, last = set(columns), None
    if hasattr(table, "columns") or not hasattr(table, "__iter__"):
        table = rows_in(arrays_of(columns_of(table)))
    for number, last in enumerate(table, 1):
        if not isinstance(last, Mapping):
            raise TypeError(f"row {number} is a {type(last).__name__}; expected a dict")
        unknown -= last.keys()
        yield last
    if unknown and last is not None:
        raise ValueError(f"got the column {min(unknown)!r}; expected one of {list(last)}")


def log_measured(core: _core.Profile, row: Mapping[str, Any], reading: Reading) -> None:
    """Add the row of an image or of a failed image.

    If an error is raised, some values may have been added.

    Parameters
    ----------
    core
        The profile to extend.
    row
        A row from `lightmeter.measure`, or from a file of such rows. None, NaN and names that do
        not begin with ``image.`` are ignored.
    reading
        How the image was read, unless the row states it.

    Raises
    ------
    TypeError
        A value has the wrong type.
    ValueError
        A value is out of range, or the row has no number of an image.
    """
    path = row.get("path")
    reason, detail, read = (plain_cell(row.get(name), name) for name in _TEXTS)
    if reason is not None:
        if not isinstance(reason, str) or not 0 < len(reason.encode()) <= _MOST_REASON:
            raise ValueError(f"failure is {_shown(reason)}; expected a reason such as 'corrupt'")
        raw = path_bytes(path if isinstance(path, str) else "")
        core.log_failure(_NAME, raw, reason, str(detail or ""))
        return
    cells = _cells(row)
    kinds = _kinds_in(cells)
    if not cells.keys() & kinds.keys() - FACTS.keys():
        raise ValueError("got no number of an image; expected such as image.entropy")
    values: dict[str, Any] = {}
    tags: dict[str, Any] = {}
    functions: dict[str, None] = {}  # of the user that were called, whether they raised or not
    for name, value in cells.items():
        short = name.removeprefix(PREFIX)
        function = short.partition(".")[0]
        if name in kinds:
            values[name] = None if value is None else _checked(name, value, kinds[name])
            if value is not None and _is_hash(name, kinds[name]):
                core.log_hash(name, int(values.pop(name), 16), short_path(path))
        elif short in KNOWN:
            tags |= {} if value is None else {short: value}
        elif function and function not in TAKEN:  # else newer than this
            values[name] = value
            functions[f"{PREFIX}{function}.{ERROR}"] = None
    values = functions | values
    for name in (_FAILURE, *functions, *values):
        role = _ROLES.get(name, "failure" if name in functions else "plain")
        core.log_numbers(name, _NOTHING, role, "image")
    core.log_facts(values)
    core.count_image(_NAME, 1, reading.text() if read is None else checked_text(read))
    if core.rows:
        compared = {n: v for n, v in values.items() if is_compared(n.removeprefix(PREFIX), v)}
        core.sample_row(compared)
    policy = reading.exif
    # Without `has_gps`, a row with a file size is assumed to come from a file that can have Exif.
    if tags or (f"{PREFIX}FileSize" in cells and "has_gps" in policy.withheld):
        tags = {tag: value for tag, value in tags.items() if tag not in policy.withheld}
        core.log_file(_NAME, None, tags, None, list(policy.allow), list(policy.deny), DATES)


def _is_hash(name: str, kind: type) -> bool:
    """Return whether a number of an image or band is a hash, which is a text."""
    return kind is str and name not in FACTS


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a row, including those in JSON columns; None if missing."""
    check_names(row)
    given = {name: value for name, value in row.items() if name.startswith(PREFIX)}
    for column in ("metrics", "exif"):  # of files, with several values of an image
        given |= {f"{PREFIX}{name}": value for name, value in _json(row, column, dict).items()}
    missing = _json(row, "missing", list)
    check_names(missing)
    plain = {name: plain_cell(value, name) for name, value in given.items()}
    return {name: None for name in missing if name.startswith(PREFIX)} | {
        name: value for name, value in plain.items() if value is not None
    }


def _json(row: Mapping[str, Any], column: str, kind: type) -> Any:
    """Return a list or dict in a row, also from JSON; empty if there is none."""
    value = row.get(column)
    value = parse_json(value) if isinstance(value, str) else value
    if value is None or isinstance(value, float):  # NaN, in a table
        return kind()
    if not isinstance(value, kind):
        raise ValueError(f"{column} is {_shown(value)}; expected a {kind.__name__} in JSON")
    return value


def _kinds_in(cells: Iterable[str]) -> dict[str, type]:
    """Return the types of the numbers and facts that a row of these names can have.

    An image with bands has an entropy for each band, and none of its own.
    """
    names = (name.removeprefix(PREFIX).partition(".") for name in cells)
    return _KINDS | {
        f"{PREFIX}{band}.{name}": NUMBERS[f"{PREFIX}{number}"]
        for band in [band for band, _, last in names if last == "entropy"]
        for name, number in BAND_NUMBERS.items()
    }


def _checked(name: str, value: Any, kind: type) -> Any:
    is_hash = _is_hash(name, kind)
    if isinstance(value, str):
        is_right = kind is str and (not is_hash or _HASH.fullmatch(value))
    else:
        is_right = kind is not str and abs(value) < 2**63 and value == kind(value)
    if not is_right:
        expected = "16 hexadecimal digits" if is_hash else kind.__name__
        raise ValueError(f"{name} is {_shown(value)}; expected {expected}")
    return kind(value)  # tables make floats of integers


def _shown(value: object) -> str:
    return shorten(repr(value), 80)
