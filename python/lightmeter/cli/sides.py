"""The input of commands that judge: a profile file, rows, or images that are measured first."""

import contextlib
from collections import ChainMap
from datetime import datetime
from pathlib import Path
from typing import Any

from lightmeter import Profile, ProfileView, Reading, profile_images
from lightmeter.batch.sources.item import Wanted
from lightmeter.batch.sources.names import is_image_name, is_shard
from lightmeter.batch.sources.rows import with_column
from lightmeter.batch.sources.table import kinds_of
from lightmeter.cli.options import segments_of, store_of, tags_of
from lightmeter.cli.terminal import progress_bar
from lightmeter.errors import DecodeError
from lightmeter.profile.log import view_of
from lightmeter.profile.row import NUMBERS
from lightmeter.profile.segments import segment_text
from lightmeter.profile.table_files import parquet


def view_of_source(
    source: str, reading: Reading, *, may_fail: bool = False, **batch: Any
) -> ProfileView:
    """Return the profile of a profile file, of a table of rows, or of images and videos.

    Raises
    ------
    FileNotFoundError
        There is no image, or, unless `may_fail` is set, none could be measured.
    """
    is_file = Path(source).is_file()
    if is_file and not (is_shard(source) or is_image_name(Path(source).name)):
        return view_of(source)
    if is_file and Path(source).suffix == ".parquet":
        rows = _view_of_rows(source, reading, batch.get("group"), batch.get("sample", 0))
        if rows is not None:
            return rows
    with progress_bar(f"profiling {source}") as progress:
        view: ProfileView = profile_images(source, reading=reading, progress=progress, **batch)
    if view.images == 0 and not (may_fail and len(view)):
        raise FileNotFoundError(f"no image was measured in {source!r}")
    return view


def view_of_store(
    where: tuple[str | None, str | None, list[str] | None, list[str] | None],
    start: datetime | None,
    end: datetime | None,
) -> ProfileView:
    """Return the profile of the buckets from `start` to before `end`.

    Parameters
    ----------
    where
        The options for the store, the dataset, the segment and the tags.
    start
        The earliest start; None sets no limit.
    end
        The time before which buckets start; None sets no limit.
    """
    from lightmeter import Store  # not at the top, because most comparisons need no store

    given, dataset, segment, tags = where
    store = store_of(given)
    if store is None or dataset is None:
        raise ValueError("expected --target, or --store with --dataset")
    place = dict(ChainMap(*segments_of(segment)))
    with Store(store, create=False) as opened:
        view = opened.tagged(tags_of(tags)).read(dataset, start, end, segment=place)
    if not len(view):
        shown = f"{dataset!r} {segment_text(place)}".rstrip()
        raise ValueError(f"the store has no profile of {shown} in that time; check --from and --to")
    return view


def _view_of_rows(
    source: str, reading: Reading, group: str | None, sample: int
) -> ProfileView | None:
    """Return the profile of a table of values or of measured rows; None for a table of images."""
    pyarrow = parquet()
    try:
        with pyarrow.parquet.ParquetFile(source) as file:
            is_measured = not NUMBERS.keys().isdisjoint(file.schema_arrow.names)
            with contextlib.suppress(ValueError):
                with_column(Wanted(), kinds_of(file.schema_arrow), source)
                if not is_measured:
                    return None
            table = file.read()
    except pyarrow.ArrowException as error:
        raise DecodeError(f"{source}: not a readable table: {error}") from None
    how: Any = {"roles": "image"} if is_measured else {"functions": reading.functions}
    profile = Profile(reading=reading, sample=sample)
    profile.log(table=table, group=group, **how)
    return profile.view()
