"""Profiles of Ray data sets: pictures are measured where they are, and never come to the driver."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lightmeter.batch.executors.ray import ray_package
from lightmeter.batch.groups import GroupBy
from lightmeter.batch.profile import profile_images
from lightmeter.batch.segments import SegmentBy, columns_of
from lightmeter.batch.sources.cell import item_of, name_column, picture_column, plain_cell
from lightmeter.batch.sources.item import Item, most_bytes
from lightmeter.batch.sources.table import known
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import SegmentedViews

__all__ = ["profile"]

_PATH = ""  # the key of the path of a picture, beside the names of columns


def profile(
    dataset: Any,
    *,
    column: str | None = None,
    values: Iterable[str] = (),
    segment_by: SegmentBy | None = None,
    group: GroupBy | None = None,
    **options: Any,
) -> ProfileView | SegmentedViews:
    """Profile the pictures of a ``ray.data.Dataset``, on its cluster.

    The result has the same bytes as `lightmeter.profile_images` of the same pictures in the order
    of the rows. The data set is run once, with its order preserved. The driver sees names, values
    and addresses only, a few thousand rows at a time.

    Args:
        dataset: its rows hold encoded bytes, arrays (HxW or HxWxC, unless `layout` says otherwise),
            paths or addresses that all machines can open, or dicts of ``bytes`` and ``path``.
        column: the column of pictures; None takes one of a usual name, as for `profile_images`, or
            the only one. A row is called by its path, else ``table:7``.
        values: columns to log beside the pictures.
        segment_by: what segment a picture belongs to, as for `profile_images`.
        group: what it has in common with others, likewise.
        options: `prefix`, `exemplars`, `sample`, `workers`, `progress`, `on_failure` and all of a
            `lightmeter.Reading`, as for `profile_images`.

    Returns:
        The profile; with `segment_by` the `lightmeter.SegmentedViews` of all segments.

    Raises:
        TypeError: it is no data set of Ray, or an option is of another type.
        ValueError: it has no such column, or an argument is out of range.
        ImportError: Ray is not installed.
        BatchError: a block of pictures ended its worker each time.
    """
    if not hasattr(dataset, "iter_internal_ref_bundles"):
        raise TypeError(f"got a {type(dataset).__name__}; expected a ray.data.Dataset")
    values = tuple(values)
    wanted = dict.fromkeys((*values, *columns_of(segment_by), *columns_of(group)))
    return profile_images(
        _Rows(dataset, column, tuple(wanted)),
        values=values,
        segment_by=segment_by,
        group=group,
        executor="ray",
        **options,
    )


@dataclass(frozen=True, slots=True)
class _Cell:
    """A picture in a block of a data set, as a `Part`.

    Attributes:
        reference: of the block, which holds a few thousand rows.
    """

    reference: Any
    row: int
    column: str

    def read(self, limits: Limits) -> Any:
        cell = next(_rows_of(_block_of(self.reference), [self.column], self.row, 1))[self.column]
        item = item_of(cell, self.row, None, {}).loaded(limits)
        if isinstance(item.data, bytes) and len(item.data) > most_bytes(limits):
            raise ImageError("too_large", f"more than {most_bytes(limits)} bytes")
        return item.data


class _Rows:
    """The rows of a data set as a source."""

    root: str | None = None

    def __init__(self, dataset: Any, column: str | None, values: tuple[str, ...]) -> None:
        self._dataset = dataset
        schema = dataset.schema()
        names = list(schema.names) if schema is not None else []
        self._column, self._name = "", None
        if names:  # else there are no rows
            self._column = picture_column(names, column)
            self._name = name_column(names, self._column)
        self._values = tuple(known(values, names, "the data set")) if names else ()
        kinds = dict(zip(names, schema.types, strict=True)) if names else {}
        # Of what may hold paths the cells are looked at; pictures stay where they are.
        self._named = str(kinds.get(self._column)) in ("string", "large_string", "object")

    def __iter__(self) -> Iterator[Item]:
        ray = ray_package()
        said_by = ray.remote(_said_by)
        columns = [*self._values, *([self._name] if self._name else [])]
        paths = self._column if self._named else None
        number = 0
        with _in_order(self._dataset):
            for reference, first, count in _blocks(self._dataset):
                said: list[dict[str, Any]] | None = None
                if count is None or columns or paths:
                    said = ray.get(said_by.remote(reference, columns, paths, first, count))
                for row in range(first, first + (len(said) if said is not None else count or 0)):
                    cells = said[row - first] if said is not None else {}
                    yield item_of(
                        cells.get(_PATH) or _Cell(reference, row, self._column),
                        number,
                        cells.get(self._name) if self._name else None,
                        {name: cells[name] for name in self._values},
                    )
                    number += 1


def _blocks(dataset: Any) -> Iterator[tuple[Any, int, int | None]]:
    """References to the blocks, their first rows and how many, as they become ready."""
    for bundle in dataset.iter_internal_ref_bundles():
        slices = getattr(bundle, "slices", None) or [None] * len(bundle.blocks)
        for entry, part in zip(bundle.blocks, slices, strict=True):
            reference, metadata = entry if isinstance(entry, tuple) else (entry.ref, entry.metadata)
            if part is None:
                yield reference, 0, metadata.num_rows
            else:
                yield reference, part.start_offset, part.end_offset - part.start_offset


@contextmanager
def _in_order(dataset: Any) -> Iterator[None]:
    options = dataset.context.execution_options
    before, options.preserve_order = options.preserve_order, True
    try:
        yield
    finally:
        options.preserve_order = before


def _said_by(
    block: Any, columns: list[str], pictures: str | None, first: int, count: int | None
) -> list[dict[str, Any]]:
    """In a task: what the rows of a block say, and the paths among the pictures."""
    wanted = [*columns, *([pictures] if pictures else [])]
    said = []
    for row in _rows_of(block, wanted, first, count):
        cells = {name: plain_cell(row[name]) for name in columns}
        if pictures is not None and isinstance(row[pictures], str):
            cells[_PATH] = row[pictures]
        said.append(cells)
    return said


def _rows_of(block: Any, columns: list[str], first: int, count: int | None) -> Iterator[Any]:
    """Some rows of a block, less other columns; None takes all from the first on."""
    from ray.data.block import BlockAccessor

    accessor = BlockAccessor.for_block(block)
    count = accessor.num_rows() - first if count is None else count
    if not columns:
        return iter([{}] * count)
    part = BlockAccessor.for_block(accessor.slice(first, first + count))
    return iter(BlockAccessor.for_block(part.select(columns)).iter_rows(True))


@lru_cache(2)
def _block_of(reference: Any) -> Any:
    return ray_package().get(reference)
