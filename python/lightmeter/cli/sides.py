"""What a command judges: a file of a profile or of rows, or images that are measured first."""

import contextlib
from pathlib import Path
from typing import Literal

from lightmeter import ProfileView, Reading, log, profile_images
from lightmeter.batch.sources.names import is_shard
from lightmeter.batch.sources.table import pictures_column
from lightmeter.cli.terminal import progress_bar, usage
from lightmeter.profile.load import view_of
from lightmeter.profile.row import NUMBERS
from lightmeter.profile.table_files import parquet

__all__ = ["view_of_source"]


def view_of_source(
    source: str,
    reading: Reading,
    *,
    workers: int | None,
    exemplars: int = 0,
    sample: int = 0,
    group: str | None = None,
) -> ProfileView:
    """Return the profile that a file holds, or that of its rows, or of the images meant.

    Raises:
        FileNotFoundError: none of the images could be measured.
    """
    if Path(source).is_file() and not is_shard(source):
        return view_of(source)
    if Path(source).suffix == ".parquet" and Path(source).is_file():
        view = _view_of_rows(source, reading, group, sample)
        if view is not None:
            return view
    with usage(), progress_bar(f"profiling {source}") as progress:
        view = profile_images(
            source,
            group=group,
            reading=reading,
            exemplars=exemplars,
            sample=sample,
            workers=workers,
            progress=progress,
        )
    if view.images == 0:
        raise FileNotFoundError(f"no image could be measured in {source!r}")
    return view


def _view_of_rows(
    source: str, reading: Reading, group: str | None, sample: int
) -> ProfileView | None:
    """Return the profile of a table of values, or of rows that were measured; None of pictures."""
    pyarrow = parquet()
    schema = pyarrow.parquet.read_schema(source)
    roles: Literal["image"] | None = "image" if NUMBERS.keys() & {*schema.names} else None
    if roles is None:
        with contextlib.suppress(ValueError):
            pictures_column(schema, None, source)
            return None
    table = pyarrow.parquet.read_table(source)
    functions = reading.functions if roles is None else ()
    with usage(TypeError):
        return log(
            table=table,
            group=group,
            roles=roles,
            functions=functions,
            sample=sample,
            reading=reading,
        ).view()
