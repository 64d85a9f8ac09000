"""What a command compares: a file of a profile, or images that are measured first."""

from pathlib import Path

from lightmeter import ProfileView, Reading, profile_images
from lightmeter.batch.sources.names import is_shard
from lightmeter.cli.terminal import progress_bar, usage
from lightmeter.profile.load import view_of

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
    """Return the profile that a file holds, or that of the images meant.

    Raises:
        FileNotFoundError: none of the images could be measured.
    """
    if Path(source).is_file() and not is_shard(source):
        return view_of(source)
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
