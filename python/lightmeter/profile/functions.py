"""Logging the results of user-defined functions of images, rows or columns."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from lightmeter import _core
from lightmeter.image.metrics import ERROR, Raised, called, check_function
from lightmeter.profile.columns import (
    ABSENT,
    Columns,
    arrays_of,
    check_names,
    is_vector,
    log_column,
    plain_cell,
    plain_value,
    rows_in,
)
from lightmeter.profile.features import Role

_NOTHING = np.empty(0)


def log_returned(core: _core.Profile, feature: str, returned: Any) -> None:
    """Add the result of a function for an image; see `returned_values`."""
    for name, value in returned_values(feature, returned).items():
        role: Role = "failure" if name == f"{feature}.{ERROR}" else "plain"
        core.log_numbers(name, _NOTHING, role, "image")
        log_column(core, name, np.fromiter([value], object))


def returned_values(feature: str, returned: Any) -> dict[str, Any]:
    """Return the result of a function as values by feature name; raise no exception.

    The items of a dict are named ``feature.key``. ``feature.Error`` is the type of the exception
    that the function raised, or None, so that the share of its values that are not missing is the
    error rate. A result that is neither a value nor a dict of values is an error too. Invalid items
    of a dict are left out.
    """
    values, error = dict[str, Any](), None
    items = called(feature, _items, returned)
    for item in (items,) if isinstance(items, Raised) else items:
        named = item if isinstance(item, Raised) else called(feature, _checked, feature, item)
        if isinstance(named, Raised):
            error = error or named.kind
        else:
            values |= named
    return {**values, f"{feature}.{ERROR}": error}


def _items(returned: Any) -> list[Any]:
    if isinstance(returned, Mapping):
        return [{key: value} for key, value in returned.items()]
    return [returned]


def _checked(feature: str, item: Any) -> dict[str, Any]:
    named = _by_feature(feature, item)
    for name, value in named.items():
        if not is_vector(plain_value(value, name)):
            plain_cell(value, name)  # refuses an image
    return named


def _by_feature(name: str, returned: Any) -> dict[str, Any]:
    if not isinstance(returned, Mapping):
        return {name: returned}
    check_names(returned)
    if ERROR in returned:
        raise ValueError(f"got the key {ERROR!r}, which counts errors; rename it")
    return {f"{name}.{key}": value for key, value in returned.items()}


def columns_of_functions(functions: Sequence[Callable[..., Any]], columns: Columns) -> Columns:
    """Call functions with rows, and return the columns of their results.

    A function whose parameters are all names of columns is called once, with these columns as
    arrays, and returns an array or a dict of arrays. Any other function is called with each row as
    a dict, and returns a value or a dict of values. The type of an exception is logged in
    ``<name>.Error``.

    Parameters
    ----------
    functions
        Functions of a row, or of columns.
    columns
        Arrays of equal length, by name.

    Raises
    ------
    TypeError
        An item is not a function.
    ValueError
        The name of a function cannot be the name of a feature, or is the name of a column.
    """
    result: Columns = {}
    count = len(next(iter(columns.values()), ()))
    for function in functions:
        check_function("functions", function, taken=())
        if inspect.iscoroutinefunction(function):
            raise TypeError(f"functions has {function!r}; expected plain functions")
        name = function.__name__
        if any(each.partition(".")[0] == name for each in (*columns, *result)):
            raise ValueError(f"got a function {name} beside a column of that name; rename one")
        parameters = list(inspect.signature(function).parameters)
        if parameters and all(parameter in columns for parameter in parameters):
            arguments = [columns[parameter] for parameter in parameters]
            made = called(name, _columns_returned, function, arguments, count)
            error = made.kind if isinstance(made, Raised) else None
            result |= {} if isinstance(made, Raised) else made
            result[f"{name}.{ERROR}"] = np.full(count, error, object)
        else:
            rows = [returned_values(name, called(name, function, row)) for row in rows_in(columns)]
            for feature in dict.fromkeys(chain(*rows)):
                cells = [row.get(feature, ABSENT) for row in rows]
                result[feature] = np.fromiter(cells, object)
    return result


def _columns_returned(
    function: Callable[..., Any], arguments: Sequence[Any], count: int
) -> Columns:
    columns = arrays_of(_by_feature(function.__name__, function(*arguments)))
    for feature, array in columns.items():
        if array.shape[:1] != (count,):
            raise ValueError(f"got {feature} of shape {array.shape}; expected {count} rows")
        if log_column(_core.Profile(), feature, array):  # which checks all other values
            raise TypeError(f"{feature} holds images; expected numbers, strings or vectors")
    return columns
