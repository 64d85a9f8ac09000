"""What a command judges: a file of a profile or of rows, or images that are measured first."""

import contextlib
from datetime import datetime
from pathlib import Path

from lightmeter import Profile, ProfileView, Reading, profile_images
from lightmeter.batch.sources.folder import is_shard
from lightmeter.batch.sources.item import Wanted
from lightmeter.batch.sources.table import with_column
from lightmeter.cli.options import segments_of, tags_of
from lightmeter.cli.terminal import progress_bar, usage
from lightmeter.errors import DecodeError
from lightmeter.profile.load import view_of
from lightmeter.profile.row import NUMBERS
from lightmeter.profile.segments import segment_text
from lightmeter.profile.table_files import parquet


def view_of_source(
    source: str,
    reading: Reading,
    *,
    workers: int | None,
    exemplars: int = 0,
    sample: int = 0,
    group: str | None = None,
    may_fail: bool = False,
) -> ProfileView:
    """Return the profile that a file holds, or that of its rows, or of the images meant.

    Raises:
        FileNotFoundError: there is no image, or, unless they `may_fail`, none could be measured.
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
    if view.images == 0 and not (may_fail and len(view)):
        raise FileNotFoundError(f"no image could be measured in {source!r}")
    return view


def view_of_store(
    store: str,
    dataset: str,
    segment: list[str] | None,
    tags: list[str] | None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> ProfileView:
    """Return the profile of all that a store holds of a dataset from a time to before another."""
    from lightmeter import Store  # which most comparisons do not need

    with usage():
        place, by_image = segments_of(segment)
        if by_image:
            raise ValueError("got --segment with a source; expected one such as camera=north")
        with Store(store, create=False) as opened:
            view = opened.tagged(tags_of(tags or ())).read(dataset, start, end, segment=place)
        if not len(view):
            where = f"{dataset!r} {segment_text(place)}".rstrip()
            raise ValueError(f"the store holds nothing of {where} then")
    return view


def _view_of_rows(
    source: str, reading: Reading, group: str | None, sample: int
) -> ProfileView | None:
    """Return the profile of a table of values, or of rows that were measured; None of pictures."""
    pyarrow = parquet()
    try:
        with pyarrow.parquet.ParquetFile(source) as file:
            is_measured = not NUMBERS.keys().isdisjoint(file.schema_arrow.names)
            if not is_measured:
                with contextlib.suppress(ValueError):
                    with_column(Wanted(), file.schema_arrow, str(source))
                    return None
            table = file.read()
    except pyarrow.ArrowException as error:
        raise DecodeError(f"{source}: no table that can be read: {error}") from None
    profile = Profile(reading=reading, sample=sample)
    with usage(TypeError):
        if is_measured:
            profile.log(table=table, group=group, roles="image")
        else:
            profile.log(table=table, group=group, functions=reading.functions)
    return profile.view()
