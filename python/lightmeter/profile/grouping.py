"""Groups: what images have in common that makes them alike, such as their slide or their burst."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lightmeter.profile.values import is_image, plain_value

__all__ = ["Group", "GroupName", "group_of", "split_by_group"]

GroupName = str | int | None


class Group(NamedTuple):
    """What was logged with a group.

    Attributes:
        name: None for what belongs to no group, and so is one of its own.
    """

    name: str | None


def group_of(name: Any) -> Group | None:
    """The group of that name; None for None, which says nothing about groups.

    A number is its digits, so that 7, 7.0 and "7" are one group. An empty string is a group of its
    own for each image.

    Raises:
        TypeError: it is neither a string nor a number.
    """
    return None if name is None else _group(name, "group")


def _group(value: Any, column: str) -> Group:
    plain = plain_value(value, column)
    if is_image(plain):
        raise TypeError(f"{column} is a {type(value).__name__}; expected a string or a number")
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    return Group(None if plain in (None, "") else str(plain))


def split_by_group(
    columns: Mapping[str, Any], column: str
) -> Iterator[tuple[Group, dict[str, Any]]]:
    """The rows of each group, without the column that names it; groups in a fixed order.

    Args:
        columns: values by name, as `lightmeter.log` takes them.
        column: which of them has the names of groups. A row without one is a group of its own.

    Raises:
        TypeError: a name of a group is neither a string nor a number, or a column is none.
        ValueError: there is no such column, or columns have different lengths.
    """
    if column not in columns:
        raise ValueError(f"got the group {column!r}; expected one of the columns {list(columns)}")
    rows = {name: _rows(values, name) for name, values in columns.items()}
    lengths = {name: len(values) for name, values in rows.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different lengths: {lengths}")
    members: dict[Group, list[int]] = {}
    for at, name in enumerate(rows.pop(column)):
        members.setdefault(_group(name, column), []).append(at)
    order = np.array([at for group in members.values() for at in group], dtype=np.intp)
    ordered = {name: _taken(values, order) for name, values in rows.items()}
    start = 0
    for group, places in members.items():
        end = start + len(places)
        yield group, {name: values[start:end] for name, values in ordered.items()}
        start = end


def _rows(values: Any, column: str) -> Any:
    """A column as an array or a list, in the order of its rows."""
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "isna") and hasattr(values, "to_numpy"):  # pandas
        dtype = values.dtype
        if dtype.name == "category":
            present = ~values.isna().to_numpy(dtype=bool)
            return [
                str(value) if there else None
                for value, there in zip(values.to_list(), present, strict=True)
            ]
        numeric = isinstance(dtype, np.dtype) and dtype.kind in "biufmM"
        return values.to_numpy() if numeric else values.to_list()
    for as_list in ("to_list", "to_pylist"):  # polars, pyarrow
        if hasattr(values, as_list):
            return getattr(values, as_list)()
    if isinstance(values, str | bytes | Mapping):
        raise TypeError(f"column {column!r} is a {type(values).__name__}; expected its values")
    return values if isinstance(values, Sequence) else list(values)


def _taken(values: Any, order: Any) -> Any:
    return values[order] if isinstance(values, np.ndarray) else [values[at] for at in order]
