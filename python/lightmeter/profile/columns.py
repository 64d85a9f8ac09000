"""Converting columns to arrays, and values to numbers, strings, images or vectors."""

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.arrays import as_numpy, is_array
from lightmeter.image.meter import ImageMeter
from lightmeter.profile.table_files import parquet
from lightmeter.text import near
from lightmeter.times import EPOCH

# The values of a column in row order, and columns by name.
Column = NDArray[Any]
Columns = dict[str, Column]

# Name of a group of related images, such as a slide or a burst.
GroupName = str | int | None

_ACCEPTED = (
    "a number, a bool, a string, a date or time, None, a vector (an array of floats of one "
    "dimension), or an image (PIL, an array or tensor of two or three dimensions, or an ImageMeter)"
)

# Stands for a column that a row does not have, which is different from a missing value.
ABSENT = object()

# Types of columns that are converted to Python objects, because NumPy would lose information:
# categories, missing values in chunks of Arrow, time zones, and the difference of dates and times.
_NOT_FOR_NUMPY = re.compile(r"^category$|^dictionary<|^date64|, tz=|time_zone='|^datetime64\[\w+, ")
_DATES = ("Y", "M", "W", "D")  # units of NumPy that have no time of the day
_MISSING = ("NAType", "NaTType")  # of pandas, for which only the type is a safe test


def columns_of(table: Any) -> dict[str, Any]:
    """Return the columns of a table by the text of their names, for `as_array`.

    Parameters
    ----------
    table
        A pandas or polars DataFrame, a pyarrow Table, or any other object with an Arrow stream.

    Raises
    ------
    TypeError
        `table` is not a table.
    ValueError
        Two columns have the same name.
    ImportError
        Reading it needs pyarrow, which is not installed.
    """
    got = f"table is a {type(table).__name__}"
    if not hasattr(table, "iloc") and not hasattr(table, "iter_columns"):  # of pandas and polars
        if not hasattr(table, "__arrow_c_stream__") and not hasattr(table, "__arrow_c_array__"):
            raise TypeError(
                f"{got}; expected a DataFrame of pandas or polars, a pyarrow Table, or an object "
                "with __arrow_c_stream__; a dict of columns goes to columns=, and rows of "
                "lm.measure go with roles='image'"
            )
        try:
            table = parquet().table(table)
        except ValueError as error:
            raise TypeError(f"{got}, which Arrow cannot read as a table: {error}") from error
    columns: dict[str, Any] = {}
    for name in getattr(table, "column_names", None) or list(table.columns):
        if str(name) in columns:
            raise ValueError(f"several columns are named {name}; rename them")
        columns[str(name)] = table[name]
    return columns


def arrays_of(columns: Mapping[str, Any]) -> Columns:
    """Return columns as arrays of equal length.

    Raises
    ------
    TypeError
        A name is not a string, or a value is not a column.
    ValueError
        Columns have different lengths, or a name cannot be the name of a feature.
    """
    check_names(columns)
    arrays = {name: as_array(values, name) for name, values in columns.items()}
    lengths = {name: array.shape[0] if array.ndim else 0 for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different lengths: {lengths}")
    return arrays


def as_array(values: Any, column: str) -> Column:
    """Return the values of a column in row order, as numbers or as Python objects.

    Parameters
    ----------
    values
        An array, a pandas or polars Series, an Arrow array, or an iterable.
    column
        Its name, for errors.

    Raises
    ------
    TypeError
        `values` is none of these.
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
    if array.dtype == object and hasattr(values, "isna"):  # pandas has several missing values
        array = array.copy()
        array[np.asarray(values.isna())] = None
    return array


def rows_in(columns: Columns, names: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield rows as dicts of the columns in `names`, or of all columns.

    A masked value is None.

    Raises
    ------
    ValueError
        There is no column of such a name.
    """
    names = list(dict.fromkeys(columns if names is None else names))
    lists = []
    for name in names:
        if name not in columns:
            hint = near(name, columns, f"expected one of {list(columns)}")
            raise ValueError(f"got the column {name!r}; {hint}")
        kind = columns[name].dtype.str.replace("[ns]", "[us]")  # Python has no nanoseconds
        lists.append(columns[name].astype(kind, copy=False).tolist())
    for cells in zip(*lists, strict=True):
        yield dict(zip(names, cells, strict=True))


def split_rows(columns: Columns, keys: Iterable[Any]) -> Iterator[tuple[Any, Columns]]:
    """Yield the rows of each key, in the order in which keys first occur.

    Parameters
    ----------
    columns
        Arrays by name.
    keys
        Key of each row.
    """
    members: dict[Any, list[int]] = {}
    for row, key in enumerate(keys):
        members.setdefault(key, []).append(row)
    for key, rows in members.items():
        yield key, {name: array[rows] for name, array in columns.items()}


def check_names(names: Iterable[Any]) -> None:
    """Check that each name can be the name of a feature.

    Raises
    ------
    TypeError
        A name is not a string.
    ValueError
        A name is empty, or contains a lone surrogate, so that it is not valid Unicode.
    """
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"got {name!r} as a name; expected a string, such as {str(name)!r}")
        if not name or name != name.encode(errors="replace").decode():
            raise ValueError(f"got the name {name!r}; expected a text, not empty and all Unicode")


def log_column(core: _core.Profile, name: str, array: Column) -> list[Any]:
    """Add the values of a column except its images, which are returned.

    If an error is raised, some values may have been added.

    Raises
    ------
    TypeError
        `plain_value` does not accept a value.
    ValueError
        The array is not one-dimensional and not an array of vectors.
    """
    kind = array.dtype.kind
    if array.ndim == 2 and kind == "f":
        core.log_vectors(name, _floats(array))
        return []
    if array.ndim != 1:
        raise ValueError(
            f"column {name!r} is an array of {array.dtype} of shape {array.shape}; expected one "
            "dimension, or two of floats: a vector in each row"
        )
    if isinstance(array, np.ma.MaskedArray):
        core.log_nulls(name, len(array) - array.count())
        array = np.asarray(array.compressed())
    if kind in "bi" or (kind == "u" and not (array >= 2**63).any()):
        core.log_numbers(name, array.astype(np.int64))
        core.add_types(name, len(array) if kind == "b" else 0, 0)
    elif kind in "fmM":
        present = array[~np.isnan(array)]
        core.log_numbers(name, present.astype(float) if kind == "f" else _in_seconds(present))
        core.log_nulls(name, len(array) - len(present))
        core.add_types(name, 0, len(present) if kind == "M" else 0)
    else:
        return _log_objects(core, name, array.tolist())
    return []


def _log_objects(core: _core.Profile, name: str, values: Sequence[Any]) -> list[Any]:
    kinds = set(map(type, values))
    if kinds == {float}:
        return log_column(core, name, np.array(values, np.float64))
    if kinds == {str}:  # counted first, then each different one is looked at once
        for text, count in Counter(values).items():
            core.log_string(name, plain_value(text, name), count)
        return []
    bools = dates = 0
    images = []
    for value in values:
        if value is ABSENT:
            continue
        plain = plain_value(value, name)
        if is_vector(plain):
            core.log_vectors(name, plain[np.newaxis])
        elif not core.log_row({name: plain}):
            images.append(plain)
        bools += isinstance(value, bool | np.bool_)
        dates += plain is not None and isinstance(value, dt.date | np.datetime64)
    if not images:
        core.log_numbers(name, np.empty(0))  # there is a feature also where no row has a value
    if bools or dates:
        core.add_types(name, bools, dates)
    return images


def is_vector(plain: Any) -> bool:
    """Return whether a result of `plain_value` is a vector."""
    return isinstance(plain, np.ndarray) and plain.ndim == 1


def plain_value(value: Any, column: str) -> Any:
    """Return `value` as an int, float, str or vector; None if missing; an image unchanged.

    A vector is a one-dimensional array of floats.

    Missing values are None, NaN, and pandas' NA and NaT. A bool becomes 0 or 1, so that the mean is
    the share of True. A date or time becomes seconds since 1970, a duration seconds. A time without
    a zone is local time; a date is its midnight in UTC.

    Raises
    ------
    TypeError
        `value` has another type. The message names `column`.
    """
    if isinstance(value, np.datetime64 | np.timedelta64):
        value = float(_in_seconds(np.array([value]))[0])
    elif isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return value.encode(errors="replace").decode()  # a lone surrogate is no text
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return int(value)
    if value is None or value is np.ma.masked or type(value).__name__ in _MISSING:
        return None
    if isinstance(value, int | float | Decimal | Fraction | np.longdouble):
        try:
            number = float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
        except ValueError:  # a signalling NaN
            return None
        return None if math.isnan(number) else number
    if isinstance(value, dt.date | dt.timedelta):
        return _seconds(value)
    return _plain_array(value, column)


def _plain_array(value: Any, column: str) -> Any:
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return plain_value(value[()], column)
        if value.ndim == 1 and value.dtype.kind == "f":
            return _floats(value)
        if value.ndim in (2, 3):
            return value
    elif isinstance(value, Image.Image | ImageMeter):
        return value
    elif is_array(value):  # of another library
        try:
            return plain_value(as_numpy(value), column)
        except ImageError:  # measuring it will raise the same error
            return value
    raise TypeError(f"column {column!r} holds {type(value).__name__}; expected {_ACCEPTED}")


def plain_cell(value: Any, column: str) -> int | float | str | None:
    """Return the plain value of a single number or string.

    Raises
    ------
    TypeError
        `value` is something else, such as an image or a vector.
    """
    plain: int | float | str | None = plain_value(value, column)
    if not isinstance(plain, int | float | str | None):
        raise TypeError(f"{column} is a {type(value).__name__}; expected a number or a string")
    return plain


def _floats(array: Column) -> Column:
    """Return the array as float64; masked values become NaN, so that their vectors are missing."""
    return np.asarray(np.ma.filled(array.astype(np.float64), np.nan))


def _in_seconds(times: Column) -> Column:
    """Return durations as seconds, and times as seconds since 1970."""
    since = times if times.dtype.kind == "m" else times - np.datetime64(0, "s")
    clock = np.asarray(since / np.timedelta64(1, "s"), np.float64)
    if since is times or np.datetime_data(times.dtype)[0] in _DATES:
        return clock
    # Clocks change at quarters of an hour, so each quarter is converted once for all its times.
    quarters, index = np.unique(clock // 900 * 900, return_inverse=True)
    shifts = np.array([_local(quarter) - quarter for quarter in quarters.tolist()])
    return np.asarray(clock + shifts[index])


def _local(clock: float) -> float:
    """Return seconds since 1970 of a local clock time, which is given as if in UTC."""
    try:
        return _seconds((EPOCH + dt.timedelta(seconds=clock)).replace(tzinfo=None))
    except (OverflowError, ValueError):  # beyond the years of a datetime, or NaN
        return clock


def _seconds(value: dt.date | dt.timedelta) -> float:
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time(), dt.UTC)
    try:
        return value.timestamp()
    except (OverflowError, ValueError, OSError):  # a local time at either end of the calendar
        return value.replace(tzinfo=dt.UTC).timestamp()


def group_named(value: Any, column: str = "group") -> str:
    """Return the group that a value names; "", if missing, which makes each row its own group.

    A number becomes its digits, so that 7, 7.0 and "7" are one group.

    Raises
    ------
    TypeError
        `value` is neither a string nor a number.
    """
    plain = plain_cell(value, column)
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    return "" if plain is None else str(plain)
