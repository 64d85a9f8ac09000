"""Tables of any library, as columns by name."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

__all__ = ["columns_of"]

_ARROW = ("__arrow_c_stream__", "__arrow_c_array__")


def columns_of(table: Any) -> dict[str, Any]:
    """The columns of a table by the text of their names, for `split_values`.

    Args:
        table: a DataFrame of pandas or polars, a pyarrow Table, or anything else that gives an
            Arrow stream or speaks the DataFrame interchange protocol.

    Raises:
        TypeError: it is no table.
        ValueError: two columns have one name.
        ImportError: only pyarrow could read it, and that is not installed.
    """
    names: Iterable[Any]
    columns: Iterable[Any]
    if hasattr(table, "iloc") and hasattr(table, "columns"):  # pandas
        names = table.columns
        columns = (table.iloc[:, at] for at in range(len(table.columns)))
    elif hasattr(table, "iter_columns") and hasattr(table, "columns"):  # polars
        names, columns = table.columns, table.iter_columns()
    else:
        arrow = _arrow_table(table)
        names, columns = arrow.column_names, arrow.itercolumns()
    texts = [str(name) for name in names]
    twice = sorted(name for name, count in Counter(texts).items() if count > 1)
    if twice:
        raise ValueError(f"several columns are named {', '.join(twice)}; rename them")
    return dict(zip(texts, columns, strict=True))


def _arrow_table(table: Any) -> Any:
    kind = type(table).__name__
    streams = any(hasattr(table, name) for name in _ARROW)
    if isinstance(table, type) or not (streams or hasattr(table, "__dataframe__")):
        hint = "; a dict of columns goes to columns=" if isinstance(table, dict) else ""
        raise TypeError(
            f"table is a {kind}; expected a DataFrame of pandas or polars, a pyarrow Table, or "
            f"an object with __arrow_c_stream__{hint}"
        )
    try:
        import pyarrow.interchange
    except ImportError as error:
        raise ImportError(f"to read a {kind}, lightmeter needs pyarrow: pip install pyarrow") from (
            error
        )
    try:
        return pyarrow.table(table) if streams else pyarrow.interchange.from_dataframe(table)
    except pyarrow.ArrowInvalid as error:
        raise TypeError(
            f"table is a {kind}, which Arrow cannot read as a table: {error}"
        ) from error
