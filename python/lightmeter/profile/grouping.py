"""Groups: what images have in common that makes them alike, such as their slide or their burst."""

from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from lightmeter.profile.columns import plain_cell, rows_in, split_rows

GroupName = str | int | None


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
