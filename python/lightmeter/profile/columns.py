"""Values of rows, columns and tables as numbers, strings, images, vectors and missing values."""

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.arrays import as_numpy, is_array
from lightmeter.image.meter import ImageMeter
from lightmeter.profile.table_files import parquet
from lightmeter.text import near
from lightmeter.times import EPOCH

_Key = TypeVar("_Key", bound=Hashable)

# What an image has in common with others, such as its slide or its burst.
GroupName = str | int | None

_ACCEPTED = (
    "a number, a bool, a string, a date or time, None, a vector (an array of floats of one "
    "dimension), or an image (PIL, an array or tensor of two or three dimensions, or an ImageMeter)"
)

# In place of what a row does not have, so that it is not missing either.
ABSENT = object()

# Columns that a library gives as Python objects, as NumPy would lose something: categories of any
# type (and of chunks of Arrow that some are missing), time zones, and that dates are no times.
_NOT_FOR_NUMPY = re.compile(r"^category$|^dictionary<|^date64|, tz=|time_zone='|^datetime64\[\w+, ")
_DATES = ("Y", "M", "W", "D")  # units of NumPy that have no time of the day
_QUARTER = 900  # seconds in which clocks do not change
_MISSING = ("NAType", "NaTType")  # of pandas, for which only the type is a safe test


@dataclass
class Values:
    """The values of a column by kind, without the order of its rows."""

    integers: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    fractions: NDArray[np.float64] = field(default_factory=lambda: np.empty(0, np.float64))
    strings: Counter[str] = field(default_factory=Counter)
    images: list[Any] = field(default_factory=list)
    missing: int = 0
    bools: int = 0  # of the integers
    dates: int = 0  # of the fractions
    vectors: list[NDArray[np.float64]] = field(default_factory=list)  # a row each


def columns_of(table: Any) -> dict[str, Any]:
    """Return the columns of a table by the text of their names, as `as_array` takes them.

    Args:
        table: a DataFrame of pandas or polars, a pyarrow Table, or anything else that gives an
            Arrow stream.

    Raises:
        TypeError: it is no table.
        ValueError: two columns have one name.
        ImportError: only pyarrow could read it, and that is not installed.
    """
    if not hasattr(table, "iloc") and not hasattr(table, "iter_columns"):  # of pandas and polars
        table = _arrow_table(table)
    names = getattr(table, "column_names", None) or list(table.columns)
    counts = Counter(map(str, names))
    for name, count in counts.items():
        if count > 1:
            raise ValueError(f"several columns are named {name}; rename them")
    return {str(name): table[name] for name in names}


def _arrow_table(table: Any) -> Any:
    got = f"table is a {type(table).__name__}"
    streams = any(hasattr(table, name) for name in ("__arrow_c_stream__", "__arrow_c_array__"))
    if isinstance(table, type) or not streams:
        raise TypeError(
            f"{got}; expected a DataFrame of pandas or polars, a pyarrow Table, or an object with "
            "__arrow_c_stream__; a dict of columns goes to columns=, and rows of lm.measure go "
            "with roles='image'"
        )
    try:
        return parquet().table(table)
    except ValueError as error:
        raise TypeError(f"{got}, which Arrow cannot read as a table: {error}") from error


def arrays_of(columns: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return columns as arrays of one length.

    Raises:
        TypeError: a name is no text, or what should be a column is none.
        ValueError: columns have different lengths, or a name cannot be that of a feature.
    """
    check_names(columns)
    arrays = {name: as_array(values, name) for name, values in columns.items()}
    lengths = {name: array.shape[0] if array.ndim else 0 for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different lengths: {lengths}")
    return arrays


def as_array(values: Any, column: str) -> NDArray[Any]:
    """Return the values of a column in the order of its rows, as numbers or as Python objects.

    Args:
        values: an array, a Series of pandas or polars, an array of Arrow, or an iterable.
        column: its name, for errors.

    Raises:
        TypeError: `values` is nothing of these.
    """
    if isinstance(values, np.ndarray):
        return values
    as_list = getattr(values, "to_list", getattr(values, "to_pylist", None))
    if as_list is None:
        if isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping):
            return np.fromiter(values, object)
        raise TypeError(f"column {column!r} is a {type(values).__name__}; expected its values")
    kind = str(values.dtype if hasattr(values, "dtype") else values.type).lower()
    if kind == "category":  # of any type: they are names
        as_list = values.cat.rename_categories(str).to_list
    array = None if _NOT_FOR_NUMPY.search(kind) else np.asarray(values)
    if array is None or ("int" in kind and array.dtype.kind == "f"):  # integers and missing ones
        array = np.fromiter(as_list(), object)
    if array.dtype == object and hasattr(values, "isna"):  # pandas says it in several ways
        array = array.copy()
        array[np.asarray(values.isna())] = None
    return array


def listed(array: NDArray[Any]) -> list[Any]:
    """Return the values of an array as Python has them, None where one is masked."""
    if array.dtype.kind in "mM" and np.datetime_data(array.dtype)[0] == "ns":
        array = array.astype(f"{array.dtype.kind}8[us]")
    values: list[Any] = array.tolist()
    return values


def rows_in(
    columns: Mapping[str, NDArray[Any]], names: Iterable[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the rows of columns as dicts, of the columns of these names or of all.

    Raises:
        ValueError: there is no such column.
    """
    names = list(columns) if names is None else list(dict.fromkeys(names))
    for name in names:
        if name not in columns:
            hint = near(name, columns, f"expected one of {list(columns)}")
            raise ValueError(f"got the column {name!r}; {hint}")
    for cells in zip(*(listed(columns[name]) for name in names), strict=True):
        yield dict(zip(names, cells, strict=True))


def split_rows(
    columns: Mapping[str, NDArray[Any]], keys: Sequence[_Key]
) -> Iterator[tuple[_Key, dict[str, NDArray[Any]]]]:
    """Yield the rows of each key, in the order in which keys first come.

    Args:
        columns: arrays by name.
        keys: one of each row.
    """
    members: dict[_Key, list[int]] = {}
    for row, key in enumerate(keys):
        members.setdefault(key, []).append(row)
    for key, rows in members.items():
        yield key, {name: array[rows] for name, array in columns.items()}


def check_names(names: Iterable[Any]) -> None:
    """Check that each can be the name of a feature.

    Raises:
        TypeError: a name is not a string.
        ValueError: a name is empty, or holds a lone surrogate, so that it is no Unicode text.
    """
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"got {name!r} as a name; expected a string, such as {str(name)!r}")
        if not name:
            raise ValueError("got an empty name; expected one that says what the values are")
        if not name.isascii() and name != name.encode(errors="replace").decode():
            raise ValueError(f"got the name {name!r}, which is no Unicode text; rename it")


def is_image(plain: Any) -> bool:
    """Whether what `plain_value` returned is an image."""
    return not isinstance(plain, int | float | str | None) and not is_vector(plain)


def is_vector(plain: Any) -> bool:
    """Whether what `plain_value` returned is a vector."""
    return isinstance(plain, np.ndarray) and plain.ndim == 1


def plain_value(value: Any, column: str) -> Any:
    """`value` as an int, float or str; None if it is missing; an image as it is.

    A vector is an array of floats of one dimension.

    Missing values are None, NaN, and pandas' NA and NaT. A bool is 0 or 1, so that the mean is the
    share of True. A date or time is its seconds since 1970 and a duration its seconds. A time
    without a zone is local time; a date is its midnight in UTC.

    Raises:
        TypeError: it is of another type. The message names `column`.
    """
    if isinstance(value, np.generic):
        value = _numpy_scalar(value)
    elif value is np.ma.masked:  # an array whose only item is itself
        return None
    elif isinstance(value, np.ndarray) and value.ndim == 0:
        return plain_value(value[()], column)
    if isinstance(value, str):
        return value.encode(errors="replace").decode()  # a lone surrogate is no text
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else _float(value)
    if value is None or type(value).__name__ in _MISSING:
        return None
    if isinstance(value, float | Decimal | Fraction):
        number = _float(value)
        return None if math.isnan(number) else number
    if isinstance(value, dt.date | dt.timedelta):
        return _seconds(value)
    if isinstance(value, Image.Image | ImageMeter) or _is_picture(value):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind == "f":
        return _floats(value)
    if not isinstance(value, np.ndarray) and is_array(value):
        return _of_other_library(value, column)
    raise TypeError(f"column {column!r} holds {type(value).__name__}; expected {_ACCEPTED}")


def plain_cell(value: Any, column: str) -> int | float | str | None:
    """Return the plain value of what is one number or string.

    Raises:
        TypeError: it is something else, also an image or a vector.
    """
    plain: int | float | str | None = plain_value(value, column)
    if not isinstance(plain, int | float | str | None):
        raise TypeError(f"{column} is a {type(value).__name__}; expected a number or a string")
    return plain


def _is_picture(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim in (2, 3)


def _of_other_library(value: Any, column: str) -> Any:
    """Return the plain value of an array or tensor that is not NumPy's."""
    try:
        return plain_value(as_numpy(value), column)
    except ImageError:  # measuring it will raise the same error
        return value


def split_array(array: NDArray[Any], column: str) -> Values:
    """Return the values of an array by kind.

    Raises:
        TypeError: `plain_value` does not take one of the values.
        ValueError: it has more or less than one dimension, and is no array of vectors.
    """
    if array.ndim == 2 and array.dtype.kind == "f":
        return Values(vectors=[_floats(array)])
    if array.ndim != 1:
        raise ValueError(
            f"column {column!r} is an array of {array.dtype} of shape {array.shape}; expected one "
            "dimension, or two of floats: a vector in each row"
        )
    if isinstance(array, np.ma.MaskedArray):
        split = split_array(np.asarray(array.compressed()), column)
        split.missing += len(array) - array.count()
        return split
    match array.dtype.kind:
        case "b" | "i":
            bools = len(array) if array.dtype.kind == "b" else 0
            return Values(integers=array.astype(np.int64), bools=bools)
        case "u":
            fits = array < 2**63
            return Values(
                integers=array[fits].astype(np.int64), fractions=array[~fits].astype(np.float64)
            )
        case "f" | "M" | "m":
            missing = np.isnan(array)
            present = array[~missing]
            is_number = present.dtype.kind == "f"
            return Values(
                fractions=present.astype(np.float64) if is_number else _in_seconds(present),
                missing=int(missing.sum()),
                dates=len(present) if array.dtype.kind == "M" else 0,
            )
        case _:
            return _split_objects(array.tolist(), column)


def _split_objects(values: Sequence[Any], column: str) -> Values:
    kinds = set(map(type, values))
    if kinds == {float}:
        return split_array(np.array(values, dtype=np.float64), column)
    split = Values()
    if object in kinds:
        values = [value for value in values if value is not ABSENT]
    if kinds == {str}:  # counted first, then each different one is looked at once
        for text, count in Counter(values).items():
            split.strings[plain_value(text, column)] += count
        return split
    numbers: dict[type, list[Any]] = {int: [], float: []}
    vectors: dict[int, list[NDArray[np.float64]]] = {}
    for value in values:
        plain = plain_value(value, column)
        if plain is None:
            split.missing += 1
        elif isinstance(plain, str):
            split.strings[plain] += 1
        elif isinstance(plain, int | float):
            numbers[type(plain)].append(plain)
            split.bools += isinstance(value, bool | np.bool_)
            split.dates += isinstance(value, dt.date | np.datetime64)
        elif is_vector(plain):
            vectors.setdefault(len(plain), []).append(plain)
        else:
            split.images.append(plain)
    split.integers = np.array(numbers[int], np.int64)
    split.fractions = np.array(numbers[float], np.float64)
    split.vectors = list(map(np.stack, vectors.values()))
    return split


def _floats(array: NDArray[Any]) -> NDArray[np.float64]:
    """As float64; what is masked is NaN, so that its vector is missing."""
    floats = np.ma.filled(array.astype(np.float64), np.nan)
    return np.asarray(floats, np.float64)


def _in_seconds(times: NDArray[Any]) -> NDArray[np.float64]:
    if times.dtype.kind == "m":
        return np.asarray(times / np.timedelta64(1, "s"), np.float64)
    clock = np.asarray((times - np.datetime64(0, "s")) / np.timedelta64(1, "s"), np.float64)
    if np.datetime_data(times.dtype)[0] in _DATES:
        return clock
    quarters, places = np.unique(clock // _QUARTER, return_inverse=True)
    offsets = np.array([_offset(quarter * _QUARTER) for quarter in quarters], np.float64)
    return clock - offsets[places.reshape(clock.shape)]


def _offset(clock: float, fold: int = 0) -> float:
    """Seconds that local clocks are ahead of UTC where they show a time, given as though in UTC.

    0 beyond the years that a datetime can have.
    """
    try:
        shown = (EPOCH + dt.timedelta(seconds=clock)).replace(tzinfo=None, fold=fold)
        return float(round(clock - shown.timestamp()))
    except (OverflowError, ValueError, OSError):
        return 0.0


def _numpy_scalar(value: np.generic) -> Any:
    if isinstance(value, np.datetime64 | np.timedelta64):
        if np.isnat(value):
            return None
        return float(_in_seconds(np.asarray(value)))
    if isinstance(value, np.floating):
        return float(value)  # item() of a long double is itself
    return value.item()


def _seconds(value: dt.date | dt.timedelta) -> float:
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time(), dt.UTC)
    if value.tzinfo is not None:
        return (value - EPOCH).total_seconds()
    clock = (value.replace(tzinfo=dt.UTC) - EPOCH).total_seconds()
    return clock - _offset(clock, value.fold)


def _float(value: float | Decimal | Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except ValueError:  # of a signalling NaN
        return math.nan


def group_of(name: Any) -> str | None:
    """Return the group of that name; None for None, which says nothing about groups.

    A number is its digits, so that 7, 7.0 and "7" are one group. An empty string is a group of its
    own for each image.

    Raises:
        TypeError: it is neither a string nor a number.
    """
    return None if name is None else group_named(name, "group")


def group_named(value: Any, column: str) -> str:
    """Return the group that the cell of a column names; a missing one is a group of its own.

    Raises:
        TypeError: it is neither a string nor a number.
    """
    plain = plain_cell(value, column)
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    return "" if plain is None else str(plain)


def split_by_group(
    columns: Mapping[str, NDArray[Any]], column: str
) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
    """Yield the rows of each group, without the column that names it; groups in a fixed order.

    Args:
        columns: arrays of one length by name.
        column: which of them has the names of groups. A row without one is a group of its own.

    Raises:
        TypeError: a name of a group is neither a string nor a number.
        ValueError: there is no such column.
    """
    groups = [group_named(row[column], column) for row in rows_in(columns, [column])]
    others = {name: array for name, array in columns.items() if name != column}
    yield from split_rows(others, groups)
