"""What a command compares: a file of a profile or of rows, or images that are measured first."""

from pathlib import Path

from lightmeter import ProfileView, Reading, profile_images
from lightmeter.batch.sources.names import is_shard
from lightmeter.cli.terminal import progress_bar, usage
from lightmeter.profile.cells import is_row_file
from lightmeter.profile.of import view_of

__all__ = ["view_of_source"]


def view_of_source(
    source: str,
    reading: Reading,
    *,
    workers: int | None,
    exemplars: int = 0,
    rows: int = 0,
    group: str | None = None,
) -> ProfileView:
    """A file of a profile or of rows, or the profile of the images meant.

    Raises:
        FileNotFoundError: none of the images could be measured.
    """
    archive = is_shard(source) and not is_row_file(source)
    if Path(source).is_file() and not archive:
        return view_of(source, exif=reading.exif, keep=rows)
    with usage(), progress_bar(f"profiling {source}") as progress:
        view = profile_images(
            source,
            group=group,
            reading=reading,
            exemplars=exemplars,
            rows=rows,
            workers=workers,
            progress=progress,
        )
    if view.images == 0:
        raise FileNotFoundError(f"no image could be measured in {source!r}")
    return view
