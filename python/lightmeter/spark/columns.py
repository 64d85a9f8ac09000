"""The columns of a DataFrame that its profile needs."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from lightmeter.batch.sources.cell import name_column, picture_column
from lightmeter.batch.sources.table import known
from lightmeter.store.buckets import bucket_start
from lightmeter.times import to_ms

__all__ = ["functions_of_columns", "selected_columns"]


def selected_columns(
    frame: Any,
    column: str | None,
    order_by: str | None,
    bucket: str | None,
    every: timedelta,
    values: Iterable[str],
) -> Any:
    """The columns that are needed: bucket, order, name, picture, and the values by number."""
    functions = functions_of_columns()
    kinds = {field.name: field.dataType.typeName() for field in frame.schema.fields}
    names = list(kinds)
    picture = picture_column(names, column)
    name = name_column(names, picture)
    if kinds[picture] == "string":
        name = picture
    order = known([order_by], names, "the DataFrame")[0] if order_by is not None else name
    if order is None:
        raise ValueError(
            f"the DataFrame has no column of paths that orders its rows; give order_by, one of "
            f"{', '.join(names)}"
        )
    milliseconds = functions.lit(0).cast("long")
    if bucket is not None:
        known([bucket], names, "the DataFrame")
        milliseconds = _milliseconds(frame[bucket], kinds[bucket], bucket)
    length, first = (
        every // timedelta(milliseconds=1),
        to_ms(bucket_start(datetime.now(UTC), every)),
    )
    return frame.select(
        (milliseconds - functions.pmod(milliseconds - first, functions.lit(length))).alias(
            "bucket"
        ),
        frame[order].alias("order"),
        (frame[name] if name is not None else functions.lit(None).cast("string")).alias("name"),
        frame[picture].alias("picture"),
        *(
            frame[value].alias(f"v{number}")
            for number, value in enumerate(known(values, names, "the DataFrame"))
        ),
    )


def functions_of_columns() -> Any:
    """The module of PySpark, which is there only where it is installed."""
    from pyspark.sql import functions

    return functions


def _milliseconds(column: Any, kind: str, name: str) -> Any:
    functions = functions_of_columns()
    if kind == "date":  # midnight in UTC, whatever the time zone of the session
        return functions.unix_date(column).cast("long") * 86_400_000
    if kind in ("timestamp", "timestamp_ntz"):
        return functions.unix_millis(column.cast("timestamp"))
    raise ValueError(f"the column {name!r} is of {kind}; expected dates or timestamps")
