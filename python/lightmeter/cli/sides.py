"""What a command compares with: a profile file, or images that are measured first."""

from pathlib import Path

from lightmeter import ProfileView, Reading, profile_images
from lightmeter.cli.terminal import progress_bar

__all__ = ["view_of_source"]


def view_of_source(
    source: str, reading: Reading, *, workers: int | None, exemplars: int = 0, rows: int = 0
) -> ProfileView:
    """A profile file, or the profile of the images meant.

    Raises:
        FileNotFoundError: none of the images could be measured.
    """
    if Path(source).is_file():
        return ProfileView.read(source)
    with progress_bar(f"profiling {source}") as progress:
        view = profile_images(
            source,
            reading=reading,
            exemplars=exemplars,
            rows=rows,
            workers=workers,
            progress=progress,
        )
    if view.images == 0:
        raise FileNotFoundError(f"no image could be measured in {source!r}")
    return view
