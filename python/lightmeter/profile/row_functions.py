"""Functions of yours that are called with rows, or with columns of them."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmeter.image.metrics import ERROR, Raised
from lightmeter.profile.columns import ABSENT, listed, rows_in
from lightmeter.profile.custom_metrics import plain_returned

__all__ = ["Errors", "columns_of_functions"]

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
    rows: list[dict[str, Any]] = []
    count = len(next(iter(columns.values()), ()))
    for function in functions:
        name = _name_of(function)
        if any(each.partition(".")[0] == name for each in (*columns, *result)):
            raise ValueError(f"got a function {name} beside a column of that name; rename one")
        parameters = list(inspect.signature(function).parameters)
        if parameters and all(parameter in columns for parameter in parameters):
            returned = _of_columns(function, [columns[p] for p in parameters], count)
        else:
            rows = rows or list(rows_in(columns))
            returned = (_called(function, row) for row in rows)
        result |= _columns(name, returned, count)
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


def _of_columns(
    function: Callable[..., Any], arguments: Sequence[_Column], count: int
) -> Iterator[Any]:
    """Yield what a function of columns returned, row by row."""
    returned = _called(function, *arguments)
    parts = returned if isinstance(returned, Mapping) else {"": returned}
    if not isinstance(returned, Raised):
        try:
            arrays = {key: np.asanyarray(part) for key, part in parts.items()}
            wrong = [array.shape for array in arrays.values() if array.shape[:1] != (count,)]
            if wrong:
                raise ValueError(f"got columns of shape {wrong[0]}; expected {count} rows")
            lists = {key: listed(array) for key, array in arrays.items()}
        except Exception as error:
            returned = Raised.of(error, function.__name__)
    if isinstance(returned, Raised):
        yield from [returned] * count
        return
    for row in range(count):
        values = {key: column[row] for key, column in lists.items()}
        yield values if isinstance(returned, Mapping) else values[""]


def _columns(name: str, returned: Iterator[Any], count: int) -> dict[str, _Column]:
    errors: list[str | None] = []
    columns: dict[str, list[Any]] = {}
    for row, value in enumerate(returned):
        plain = plain_returned(name, value)
        errors.append(plain.kind if isinstance(plain, Raised) else None)
        if isinstance(plain, Raised):
            continue
        given = value if isinstance(value, Mapping) else {}
        for feature in plain:
            cells = columns.setdefault(feature, [ABSENT] * count)
            # As it was given, so that a bool is one.
            cells[row] = given[feature[len(name) + 1 :]] if given else value
    arrays = {feature: np.fromiter(cells, object) for feature, cells in columns.items()}
    return arrays | {f"{name}.{ERROR}": np.fromiter(errors, object).view(Errors)}
