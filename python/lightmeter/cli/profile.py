"""The commands that make, print and merge profiles."""

from pathlib import Path
from typing import Any

from lightmeter import ProfileView, Reading, profile_images
from lightmeter.cli.options import BATCH, All, Printed, Sources, reads_images
from lightmeter.cli.render import print_summary, reasons_of, tell_failures
from lightmeter.cli.terminal import print_json, progress_bar
from lightmeter.files import check_target
from lightmeter.profile.log import view_of
from lightmeter.profile.view import plain_summary


@reads_images(*BATCH)
def profile(
    paths: Sources,
    output: Path | None = None,
    *,
    reading: Reading,
    batch: dict[str, Any],
    show_all: All = False,
    output_format: Printed = "text",
) -> None:
    """Measure images and print their profile.

    A folder stands for the images below it. Files that cannot be read are counted by reason;
    `lightmeter measure` writes a row for each.

    Parameters
    ----------
    output
        Write the profile to this file.
    """
    if output is not None:
        check_target(output)
    with progress_bar("profiling") as progress:
        source = paths[0] if len(paths) == 1 else paths
        view = profile_images(source, reading=reading, progress=progress, **batch)
    if output is not None:
        view.write(output)
    print_profile(view, output_format, show_all=show_all)
    tell_failures(reasons_of(view), view.failures, view.images, paths)


def show(file: Path, output_format: Printed = "text") -> None:
    """Print the contents of a profile file.

    Parameters
    ----------
    file
        Profile file.
    """
    print_profile(view_of(file), output_format, show_all=True)


def merge(
    files: list[Path],
    *,
    output: Path,
    show_all: All = False,
    output_format: Printed = "text",
) -> None:
    """Merge profile files into one, and print the result.

    Parameters
    ----------
    files
        Profile files.
    output
        Write the merged profile to this file.
    """
    check_target(output)
    view = ProfileView.merge_many(map(view_of, files))
    view.write(output)
    print_profile(view, output_format, show_all=show_all)


def print_profile(view: ProfileView, output_format: str, *, show_all: bool = False) -> None:
    """Print a profile as text or as JSON."""
    if output_format == "json":
        print_json(plain_summary(view))
    else:
        print_summary(view, show_all=show_all)
