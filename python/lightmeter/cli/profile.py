"""The commands that make profiles, print them and merge them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lightmeter import ProfileView, Reading, profile_images
from lightmeter.cli.failures import Failures
from lightmeter.cli.options import All, Printed, Sources, reads_images
from lightmeter.cli.render import print_summary
from lightmeter.cli.terminal import print_json, progress_bar
from lightmeter.files import check_target
from lightmeter.profile.log import view_of
from lightmeter.profile.view import plain_summary


@reads_images(
    "column",
    "values",
    "group",
    "exemplars",
    "sample",
    "tags",
    "workers",
    "executor",
    "resume",
)
def profile(
    paths: Sources,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the profile to this file.")
    ] = None,
    *,
    reading: Reading,
    batch: dict[str, Any],
    show_all: All = False,
    output_format: Printed = "text",
) -> None:
    """Measure images and print their profile.

    A folder stands for the images below it. Files that cannot be read are counted by reason;
    `lightmeter measure` writes a row for each.
    """
    failed = Failures()
    if output is not None:
        check_target(output)
    with progress_bar("profiling") as progress:
        source = paths[0] if len(paths) == 1 else paths
        view = profile_images(source, reading=reading, progress=progress, **batch)
    failed.add(view)
    if output is not None:
        view.write(output)
    print_profile(view, output_format, show_all=show_all)
    failed.tell(view.images, paths)


def show_profile(
    file: Annotated[Path, typer.Argument(help="Profile file.")],
    output_format: Printed = "text",
) -> None:
    """Print what a profile file holds."""
    print_profile(view_of(file), output_format, show_all=True)


def merge(
    files: Annotated[list[Path], typer.Argument(help="Profile files.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Write the merged profile to this file.")
    ],
    show_all: All = False,
    output_format: Printed = "text",
) -> None:
    """Merge profile files into one, and print it."""
    check_target(output)
    view = ProfileView.merge_many(map(view_of, files))
    view.write(output)
    print_profile(view, output_format, show_all=show_all)


def print_profile(view: ProfileView, output_format: str, *, show_all: bool = False) -> None:
    """Print what a profile holds, as text or as JSON."""
    if output_format == "json":
        print_json(plain_summary(view))
    else:
        print_summary(view, show_all=show_all)
