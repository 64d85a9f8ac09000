"""What executors do with the rows of a partition, as batches of Arrow."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lightmeter.batch.partials import Partial, Placed, folded, partials
from lightmeter.batch.segments import SegmentOf
from lightmeter.batch.sources.cell import item_of, plain_cell
from lightmeter.profile import Profile
from lightmeter.profile.table_files import parquet

__all__ = ["FOLDED", "PARTIAL", "measured_batches", "merged_batches", "renamed_batches"]

PARTIAL = "bucket long, segment string, block long, place long, rank int, origin string, p binary"
FOLDED = "bucket long, segment string, p binary"


def measured_batches(
    work: Callable[..., Any],
    values: tuple[str, ...],
    firsts: dict[tuple[int, int | None], int],
    batches: Iterable[Any],
) -> Iterator[Any]:
    """In a task: partial profiles of the rows of a partition."""
    pyarrow = parquet()
    kinds = ("int64", "string", "int64", "int64", "int32", "string", "binary")
    schema = pyarrow.schema(zip(_names(PARTIAL), kinds, strict=True))
    for row in partials(work, _placed(values, dict(firsts), batches)):
        yield _batch(schema, [[value] for value in row])


def _placed(
    values: tuple[str, ...], places: dict[tuple[int, int | None], int], batches: Iterable[Any]
) -> Iterator[Placed]:
    for batch in batches:
        for row in batch.to_pylist():
            of = row["part"], row["bucket"]
            said = {name: plain_cell(row[f"v{number}"]) for number, name in enumerate(values)}
            item = item_of(row["picture"], places[of], row["name"], said)
            yield Placed(row["bucket"], places[of], item)
            places[of] += 1


def merged_batches(empty: Profile, batches: Iterable[Any]) -> Iterator[Any]:
    """In a task: the profiles of the buckets and segments of a partition."""
    pyarrow = parquet()
    kinds = ("int64", "string", "binary")
    schema = pyarrow.schema(zip(_names(FOLDED), kinds, strict=True))
    rows = (Partial(*row.values()) for batch in batches for row in batch.to_pylist())
    for row in folded(empty, rows):
        yield _batch(schema, [[value] for value in row])


def renamed_batches(segment_of: SegmentOf, kept: set[str], batches: Iterable[Any]) -> Iterator[Any]:
    """In a task: partial profiles, of which those of segments that are not kept are ``other``."""
    for batch in batches:
        segments = [
            text and segment_of.kept(text, kept) for text in batch.column("segment").to_pylist()
        ]
        yield _batch(batch.schema, [batch.column(0), segments, *batch.columns[2:]])


def _names(columns: str) -> list[str]:
    return [column.split()[0] for column in columns.split(", ")]


def _batch(schema: Any, columns: list[Any]) -> Any:
    pyarrow = parquet()
    arrays = [
        pyarrow.array(column, kind) if isinstance(column, list) else column
        for column, kind in zip(columns, schema.types, strict=True)
    ]
    return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)
