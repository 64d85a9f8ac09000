"""Functions of yours, of pictures, rows or columns: what they returned, as plain values."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.image.metrics import ERROR, Raised
from lightmeter.profile.columns import (
    ABSENT,
    arrays_of,
    check_names,
    is_image,
    is_vector,
    plain_value,
    rows_in,
    split_array,
)

_NOTHING = np.empty(0)


def log_returned(core: _core.Profile, feature: str, returned: Any) -> None:
    """Add a value, or those of a dict as ``feature.key``; never raises an Exception.

    An error is counted in ``feature.Error`` by its type, and its absence as a missing value there:
    the failure rate of that feature is the share of pictures with an error. What is neither a value
    nor a dict of values is an error too.
    """
    errors = f"{feature}.{ERROR}"
    if errors not in core:
        core.log_numbers(errors, _NOTHING, "failure", "image")
    plain = plain_returned(feature, returned)
    if isinstance(plain, Raised):
        core.log_string(errors, plain.kind, 1)
    else:
        for name, value in plain.items():
            if is_vector(value):
                core.log_vectors(name, value[np.newaxis], "image")
        core.log_facts({name: value for name, value in plain.items() if not is_vector(value)})
        core.log_nulls(errors, 1)


def plain_returned(feature: str, returned: Any) -> dict[str, Any] | Raised:
    """The values by the names of their features, None where one is missing; or the error."""
    if isinstance(returned, Raised):
        return returned
    try:
        return _plain(feature, returned)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # of code in what was returned
        return Raised.of(error, feature)


def _plain(feature: str, returned: Any) -> dict[str, Any]:
    if isinstance(returned, Mapping):
        check_names(returned)
        if ERROR in returned:
            raise ValueError(f"got the key {ERROR!r}, which counts errors; rename it")
        values = {f"{feature}.{key}": value for key, value in returned.items()}
    else:
        values = {feature: returned}
    plain = {name: plain_value(value, name) for name, value in values.items()}
    for name, value in plain.items():
        if is_image(value):
            raise TypeError(
                f"{name} is a {type(value).__name__}; expected a number, a string or a vector"
            )
    return plain


_Column = NDArray[Any]


class Errors(np.ndarray[Any, Any]):
    """A column that counts what a function raised: a text, or None where it raised nothing."""


def columns_of_functions(
    functions: Sequence[Callable[..., Any]], columns: Mapping[str, _Column]
) -> dict[str, _Column]:
    """Call functions with rows, and return the columns of what they returned.

    A function whose parameters are all names of columns is called once, with these columns as
    arrays, and returns an array, or a dict of arrays. Any other is called with each row as a dict,
    and returns a value, or a dict of values. What a call raises is a text in ``<name>.Error``.

    Args:
        functions: of one argument, or of columns.
        columns: arrays of one length, by name.

    Raises:
        TypeError: one is no function.
        ValueError: the name of one cannot be that of a feature, or is that of a column.
    """
    result: dict[str, _Column] = {}
    count = len(next(iter(columns.values()), ()))
    for function in functions:
        name = _name_of(function)
        if any(each.partition(".")[0] == name for each in (*columns, *result)):
            raise ValueError(f"got a function {name} beside a column of that name; rename one")
        parameters = list(inspect.signature(function).parameters)
        if parameters and all(parameter in columns for parameter in parameters):
            arguments = [columns[parameter] for parameter in parameters]
            result |= _of_columns(name, _called(function, *arguments), count)
        else:
            result |= _of_rows(name, [_called(function, row) for row in rows_in(columns)])
    return result


def _name_of(function: Any) -> str:
    name = getattr(function, "__name__", "")
    if not callable(function) or inspect.iscoroutinefunction(function):
        raise TypeError(f"functions has {function!r}; expected plain functions")
    if not name.isidentifier():
        raise ValueError(f"functions has {function!r}, which has no name; define it with def")
    return str(name)


def _called(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() too
        return Raised.of(error, function.__name__)


def _of_columns(name: str, returned: Any, count: int) -> dict[str, _Column]:
    """Return the columns that a function returned, and in which rows it raised an error: in all."""
    columns: dict[str, _Column] = {}
    parts = returned if isinstance(returned, Mapping) else {"": returned}
    try:
        for key, part in parts.items() if not isinstance(returned, Raised) else ():
            feature = f"{name}.{key}" if isinstance(returned, Mapping) else name
            array = np.asanyarray(part)
            if array.shape[:1] != (count,) or key == ERROR:
                raise ValueError(f"got {feature} of shape {array.shape}; expected {count} rows")
            columns |= arrays_of({feature: array})
            split_array(array, feature)
    except Exception as error:
        returned, columns = Raised.of(error, name), {}
    kind = returned.kind if isinstance(returned, Raised) else None
    return columns | {f"{name}.{ERROR}": np.fromiter([kind] * count, object).view(Errors)}


def _of_rows(name: str, returned: Sequence[Any]) -> dict[str, _Column]:
    errors: list[str | None] = []
    columns: dict[str, list[Any]] = {}
    for row, value in enumerate(returned):
        plain = plain_returned(name, value)
        errors.append(plain.kind if isinstance(plain, Raised) else None)
        if isinstance(plain, Raised):
            continue
        given = value if isinstance(value, Mapping) else {}
        for feature in plain:
            cells = columns.setdefault(feature, [ABSENT] * len(returned))
            # As it was given, so that a bool is one.
            cells[row] = given[feature[len(name) + 1 :]] if given else value
    arrays = {feature: np.fromiter(cells, object) for feature, cells in columns.items()}
    return arrays | {f"{name}.{ERROR}": np.fromiter(errors, object).view(Errors)}
