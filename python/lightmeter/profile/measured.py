"""Profiles of images that were measured before: of the rows of `lightmeter.measure`."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from lightmeter import _core
from lightmeter.files import path_bytes
from lightmeter.image.encoded import short_path
from lightmeter.image.exif import DATES, ExifPolicy
from lightmeter.image.exif.tags import KNOWN
from lightmeter.image.metrics import ERROR, TAKEN
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.image.reading import Reading
from lightmeter.image.reading_text import checked_text
from lightmeter.nesting import parse_json
from lightmeter.profile.columns import arrays_of, check_names, columns_of, plain_cell, rows_in
from lightmeter.profile.features import Role
from lightmeter.profile.row import FACTS, NUMBERS, PREFIX, is_compared, numbers_of_bands
from lightmeter.text import shorten

_NAME = PREFIX.removesuffix(".")
_NOTHING = np.empty(0)
_ROLES: dict[str, Role] = {
    **{f"{PREFIX}{number.name}": number.role for number in IMAGE_NUMBERS},
    f"{PREFIX}Colorspace": "category",
}
_KINDS: dict[str, type] = NUMBERS | FACTS
_HASH = re.compile("[0-9a-f]{16}")
_MOST_REASON = 32  # bytes
_JSON = ("metrics", "exif")  # columns of files, with several values of an image


def rows_of(table: Any, columns: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a table, or the dicts of an iterable.

    Raises:
        TypeError: it is neither; or one of them is no dict.
        ValueError: none of them has one of `columns`.
    """
    unknown, last = set(columns), None
    if hasattr(table, "columns") or hasattr(table, "__arrow_c_stream__"):
        table = rows_in(arrays_of(columns_of(table)))
    for number, last in enumerate(table, 1):
        if not isinstance(last, Mapping):
            raise TypeError(f"row {number} is a {type(last).__name__}; expected a dict")
        unknown -= last.keys()
        yield last
    if unknown and last is not None:
        raise ValueError(f"got the column {min(unknown)!r}; expected one of {list(last)}")


def log_measured(core: _core.Profile, row: Mapping[str, Any], reading: Reading) -> None:
    """Add the row of an image, or of one that failed; on an error some of it may have been added.

    Args:
        core: to what.
        row: as `lightmeter.measure` gives it, or as a file of such rows has it. None and NaN say
            nothing, and neither does what does not begin with ``image.``.
        reading: how the image was read, but for what the row says of that.

    Raises:
        TypeError: a value is of another type.
        ValueError: it is out of range; the row has no number of an image.
    """
    cells = _cells(row)
    if "failure" in cells:
        _log_failure(core, cells["failure"], cells.get("detail", ""), row.get("path"))
        return
    bands = _bands_in(cells)
    kinds = _KINDS | numbers_of_bands(bands) if bands else _KINDS
    if not any(name in kinds and name not in FACTS for name in cells):
        raise ValueError("got no number of an image; expected such as image.entropy")
    read = plain_cell(row.get("reading"), "reading")
    text = reading.text() if read is None else checked_text(read)
    values: dict[str, Any] = {}
    hashes: dict[str, str] = {}
    tags: dict[str, Any] = {}
    errors: dict[str, str | None] = {}  # of every function of the user that was called
    for name, value in (dict.fromkeys(_missing(row)) | cells).items():
        short = name.removeprefix(PREFIX)
        function, _, key = short.partition(".")
        if name in kinds:
            checked = _checked(name, value, kinds[name])
            (hashes if _is_hash(name, checked) else values)[name] = checked
        elif short in KNOWN and value is not None:
            tags[short] = value
        elif key == ERROR:
            errors[function] = str(value)
        elif name.startswith(PREFIX) and function and function not in TAKEN:  # else newer than this
            values[name] = value
            errors.setdefault(function, None)
    for name in (f"{PREFIX}Failure", *_ROLES.keys() & (values.keys() | hashes.keys())):
        _begin(core, name, _ROLES.get(name, "failure"))
    for name, digits in hashes.items():
        core.log_hash(name, int(digits, 16), short_path(row.get("path")))
    core.log_facts(values)
    for function, error in errors.items():
        feature = f"{PREFIX}{function}.{ERROR}"
        _begin(core, feature, "failure")
        core.log_facts({feature: error})
    core.count_image(_NAME, 1, text)
    if core.rows:
        shorts = {name: name.removeprefix(PREFIX) for name in values}
        core.sample_row({name: v for name, v in values.items() if is_compared(shorts[name], v)})
    _log_exif(core, tags, f"{PREFIX}FileSize" in cells, reading.exif)


def _log_exif(
    core: _core.Profile, tags: Mapping[str, Any], has_size: bool, policy: ExifPolicy
) -> None:
    # Where there is no `has_gps` to say so, what has the size of a file could have Exif.
    if tags or (has_size and "has_gps" in policy.withheld):
        tracked = {tag: value for tag, value in tags.items() if tag not in policy.withheld}
        core.log_file(_NAME, None, tracked, None, list(policy.allow), list(policy.deny), DATES)


def _is_hash(name: str, value: object) -> bool:
    """Numbers of an image, or of a band of it, are hashes where they are texts."""
    return isinstance(value, str) and name not in FACTS


def _log_failure(core: _core.Profile, reason: object, detail: object, path: object) -> None:
    if not isinstance(reason, str) or not 0 < len(reason.encode()) <= _MOST_REASON:
        raise ValueError(f"failure is {_shown(reason)}; expected a reason such as 'corrupt'")
    core.log_failure(_NAME, path_bytes(path if isinstance(path, str) else ""), reason, str(detail))


def _cells(row: Mapping[str, Any]) -> dict[str, int | float | str]:
    """The values that the row of an image has, those of columns of JSON too."""
    check_names(row)
    given = {
        name: value
        for name, value in row.items()
        if name.startswith(PREFIX) or name in ("failure", "detail")
    }
    for column in _JSON:
        if isinstance(row.get(column), str):
            values = parse_json(row[column])
            if not isinstance(values, dict):
                raise ValueError(f"{column} is {_shown(values)}; expected a JSON object")
            given |= {f"{PREFIX}{name}": value for name, value in values.items()}
    plain = {name: plain_cell(value, name) for name, value in given.items()}
    return {name: value for name, value in plain.items() if value is not None}


def _missing(row: Mapping[str, Any]) -> list[str]:
    """The names of what the image could have; a list, or one in JSON."""
    names = row.get("missing")
    if isinstance(names, str):
        names = parse_json(names)
    if names is None or isinstance(names, float):  # NaN, in a table
        return []
    check_names(names)
    return [name for name in names if name.startswith(PREFIX)]


def _begin(core: _core.Profile, name: str, role: Role) -> None:
    """Say what the values of a feature are, before there is one."""
    if name not in core:
        core.log_numbers(name, _NOTHING, role, "image")


def _bands_in(cells: Mapping[str, Any]) -> set[str]:
    """The bands of a row, which has no entropy of its whole picture, but that of each band."""
    if f"{PREFIX}entropy" in cells:
        return set()
    names = (name.removeprefix(PREFIX).partition(".") for name in cells)
    return {band for band, _, number in names if number == "entropy"}


def _checked(name: str, value: Any, kind: type) -> Any:
    if value is None:
        return None
    if kind is str:
        is_right = isinstance(value, str) and (name in FACTS or _HASH.fullmatch(value))
    else:
        is_right = not isinstance(value, str) and abs(value) < 2**63
        is_right = is_right and (kind is float or value == int(value))
    if not is_right:
        expected = kind.__name__ if kind is not str or name in FACTS else "16 hexadecimal digits"
        raise ValueError(f"{name} is {_shown(value)}; expected {expected}")
    return kind(value)  # tables make floats of integers


def _shown(value: object) -> str:
    return shorten(repr(value), 80)
