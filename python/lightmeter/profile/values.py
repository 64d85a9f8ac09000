"""Turns the values of a row or a column into numbers, strings, images and missing values."""

import datetime as dt
import math
import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.arrays import as_numpy, is_array
from lightmeter.image.meter import ImageMeter
from lightmeter.times import EPOCH

__all__ = [
    "Values",
    "as_count",
    "check_names",
    "is_image",
    "is_vector",
    "plain_value",
    "split_values",
]

_ACCEPTED = (
    "a number, a bool, a string, a date or time, None, a vector (an array of floats of one "
    "dimension), or an image (PIL, an array or tensor of two or three dimensions, or an ImageMeter)"
)

# NumPy's units of time: seconds in one, or how many make a second.
_LONG_UNITS = {"W": 604_800, "D": 86_400, "h": 3600, "m": 60, "s": 1}
_PER_SECOND = {"ms": 1e3, "us": 1e6, "ns": 1e9, "ps": 1e12, "fs": 1e15, "as": 1e18}


class Values(NamedTuple):
    """The values of a column by kind, without the order of its rows."""

    integers: NDArray[np.int64]
    fractions: NDArray[np.float64]
    strings: Counter[str]
    images: list[Any]
    missing: int
    vectors: tuple[NDArray[np.float64], ...] = ()  # a row each; of several lengths

    @property
    def rows(self) -> int:
        """How many values and missing values there are."""
        numbers = len(self.integers) + len(self.fractions)
        vectors = sum(map(len, self.vectors))
        return numbers + self.strings.total() + len(self.images) + self.missing + vectors


def as_count(what: str, count: Any) -> int:
    """A count, of any integral type.

    Raises:
        TypeError: it is no integer.
        ValueError: it is negative.
    """
    try:
        whole = operator.index(count)
    except TypeError:
        raise TypeError(f"{what} is {count!r}; expected an integer") from None
    if whole < 0:
        raise ValueError(f"{what} is {count}; expected 0 or more")
    return whole


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
    share of True. A date or time is its seconds since 1970 (UTC, also where no zone is given) and a
    duration its seconds.

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
    if _is_missing(value):
        return None
    if isinstance(value, float | Decimal | Fraction):
        number = float(value)
        return None if math.isnan(number) else number
    if isinstance(value, dt.date | dt.timedelta):
        return _seconds(value)
    if _is_one_image(value):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind == "f":
        return _floats(value)
    if not isinstance(value, np.ndarray) and is_array(value):
        return _of_other_library(value, column)
    raise TypeError(f"column {column!r} holds a {type(value).__name__}; expected {_ACCEPTED}")


def _is_one_image(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim in (2, 3)
    return isinstance(value, Image.Image | ImageMeter)


def _of_other_library(value: Any, column: str) -> Any:
    """Return the plain value of an array or tensor that is not NumPy's."""
    try:
        return plain_value(as_numpy(value), column)
    except ImageError:  # measuring it will raise the same error
        return value


def split_values(values: Any, column: str) -> Values:
    """The values of a column: an array, a Series of pandas or polars, of Arrow, or an iterable.

    Raises:
        TypeError: `plain_value` does not take one of the values.
        ValueError: it is an array of more or less than one dimension.
    """
    if hasattr(values, "isna") and hasattr(values, "to_numpy"):
        return _split_series(values, column)
    if hasattr(values, "drop_nulls") and hasattr(values, "to_numpy"):  # polars
        split = _split_array(values.drop_nulls().to_numpy(), column)
        return split._replace(missing=split.missing + values.null_count())
    if hasattr(values, "drop_null") and hasattr(values, "to_numpy"):  # pyarrow
        split = _split_array(values.drop_null().to_numpy(zero_copy_only=False), column)
        return split._replace(missing=split.missing + values.null_count)
    if isinstance(values, np.ndarray):
        return _split_array(values, column)
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise TypeError(f"column {column!r} is a {type(values).__name__}; expected its values")
    return _split_objects(values if isinstance(values, Sequence) else list(values), column)


def _split_series(series: Any, column: str) -> Values:
    """A pandas Series: extension types have a mask, and categories of any type are names."""
    present = series[~series.isna().to_numpy(dtype=bool)]
    missing = len(series) - len(present)
    dtype = series.dtype
    if dtype.name == "category":
        counts = present.value_counts()
        names = {str(name): int(count) for name, count in counts.items() if count}
        return _values(strings=Counter(names), missing=missing)
    kind = getattr(dtype, "kind", "O")
    if kind == "M" and getattr(dtype, "tz", None) is not None:
        present = present.dt.tz_convert("UTC").dt.tz_localize(None)
    # An extension array of numbers without missing values becomes a NumPy one without loss.
    exact = {"b": "bool", "i": "int64", "u": "uint64", "f": "float64"}.get(kind)
    array = present.to_numpy(dtype=exact) if exact else present.to_numpy()
    split = _split_array(array, column)
    return split._replace(missing=split.missing + missing)


def _split_array(array: NDArray[Any], column: str) -> Values:
    if array.ndim == 2 and array.dtype.kind == "f":
        return _values(vectors=(_floats(array),))
    if array.ndim != 1:
        raise ValueError(
            f"column {column!r} is an array of {array.dtype} of shape {array.shape}; expected one "
            "dimension, or two of floats: a vector in each row"
        )
    if isinstance(array, np.ma.MaskedArray):
        split = _split_array(np.asarray(array.compressed()), column)
        return split._replace(missing=split.missing + len(array) - array.count())
    match array.dtype.kind:
        case "b" | "i":
            return _values(integers=array.astype(np.int64))
        case "u":
            fits = array < 2**63
            return _values(
                integers=array[fits].astype(np.int64), fractions=array[~fits].astype(np.float64)
            )
        case "f":
            present = ~np.isnan(array)
            return _values(
                fractions=array[present].astype(np.float64), missing=int(array.size - present.sum())
            )
        case "M" | "m":
            present = ~np.isnat(array)
            return _values(
                fractions=_in_seconds(array[present]), missing=int(array.size - present.sum())
            )
        case _:
            return _split_objects(array.tolist(), column)


def _split_objects(values: Sequence[Any], column: str) -> Values:
    kinds = set(map(type, values))
    if kinds == {float}:
        return _split_array(np.array(values, dtype=np.float64), column)
    integers: list[int] = []
    fractions: list[float] = []
    strings: Counter[str] = Counter()
    images: list[Any] = []
    vectors: dict[int, list[NDArray[np.float64]]] = {}
    missing = 0
    if kinds == {str}:  # counted first, then each different one is looked at once
        for text, count in Counter(values).items():
            strings[plain_value(text, column)] += count
        return _values(strings=strings)
    for value in values:
        plain = plain_value(value, column)
        if plain is None:
            missing += 1
        elif isinstance(plain, str):
            strings[plain] += 1
        elif isinstance(plain, int):
            integers.append(plain)
        elif is_vector(plain):
            vectors.setdefault(len(plain), []).append(plain)
        elif is_image(plain):
            images.append(plain)
        else:
            fractions.append(plain)
    return _values(
        integers=np.array(integers, dtype=np.int64),
        fractions=np.array(fractions, dtype=np.float64),
        strings=strings,
        images=images,
        missing=missing,
        vectors=tuple(map(np.stack, vectors.values())),
    )


def _values(
    *,
    integers: NDArray[np.int64] | None = None,
    fractions: NDArray[np.float64] | None = None,
    strings: Counter[str] | None = None,
    images: list[Any] | None = None,
    missing: int = 0,
    vectors: tuple[NDArray[np.float64], ...] = (),
) -> Values:
    return Values(
        np.empty(0, np.int64) if integers is None else integers,
        np.empty(0, np.float64) if fractions is None else fractions,
        Counter() if strings is None else strings,
        [] if images is None else images,
        missing,
        vectors,
    )


def _floats(array: NDArray[Any]) -> NDArray[np.float64]:
    """As float64; what is masked is NaN, so that its vector is missing."""
    floats = np.ma.filled(array.astype(np.float64), np.nan)
    return np.asarray(floats, np.float64)


def _in_seconds(times: NDArray[Any]) -> NDArray[np.float64]:
    """Times in seconds. Going by way of another unit of NumPy would overflow for far times."""
    unit, count = np.datetime_data(times.dtype)
    if unit in ("Y", "M"):
        times, unit, count = times.astype(f"{times.dtype.kind}8[D]"), "D", 1
    ticks = times.astype(np.int64).astype(np.float64) * count
    factor, divisor = _LONG_UNITS.get(unit, 1), _PER_SECOND.get(unit, 1.0)
    return np.asarray(ticks * factor / divisor, np.float64)


def _numpy_scalar(value: np.generic) -> Any:
    if isinstance(value, np.datetime64 | np.timedelta64):
        if np.isnat(value):
            return None
        return float(_in_seconds(np.asarray(value)))
    if isinstance(value, np.floating):
        return float(value)  # item() of a long double is itself
    return value.item()


def _is_missing(value: Any) -> bool:
    """Whether it is None, or pandas' NA or NaT, for which only the type is a safe test."""
    if isinstance(value, Decimal):  # float() refuses a signalling NaN
        return value.is_nan()
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _seconds(value: dt.date | dt.timedelta) -> float:
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.UTC)
    return (value - EPOCH).total_seconds()


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
