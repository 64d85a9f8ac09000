"""The commands that make profiles, print them and merge them."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from lightmeter import Failure, ProfileView, Reading, profile_images
from lightmeter.cli.failures import Failures
from lightmeter.cli.options import All, Format, Printed, Sources, reads_images
from lightmeter.cli.render import failure_json, summary_tables
from lightmeter.cli.terminal import print_json, progress_bar, reported, usage, wide_console
from lightmeter.files import check_target, open_atomically
from lightmeter.profile.load import view_of
from lightmeter.profile.summary import plain_summary


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
    failures: Annotated[
        Path | None, typer.Option(help="Write every failure to this file, one JSON object a line.")
    ] = None,
    *,
    reading: Reading,
    batch: dict[str, Any],
    show_all: All = False,
    output_format: Printed = Format.TEXT,
) -> None:
    """Measure images and print their profile.

    A folder stands for the images below it. Files that cannot be read are counted by reason.
    """
    failed = Failures()
    with reported():
        if output is not None:
            check_target(output)
        with (
            usage(TypeError),
            progress_bar("profiling") as progress,
            _failure_writer(failures, failed) as on_failure,
        ):
            view = profile_images(
                paths[0] if len(paths) == 1 else paths,
                reading=reading,
                progress=progress,
                on_failure=on_failure,
                **batch,
            )
        if output is not None:
            view.write(output)
        print_profile(view, output_format, show_all=show_all)
        failed.tell()
        if view.images == 0:
            failed.nothing_measured(paths)


def show(
    file: Annotated[Path, typer.Argument(help="Profile file.")],
    output_format: Printed = Format.TEXT,
) -> None:
    """Print what a profile file holds."""
    with reported():
        print_profile(view_of(file), output_format, show_all=True)


def merge(
    files: Annotated[list[Path], typer.Argument(help="Profile files.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Write the merged profile to this file.")
    ],
    show_all: All = False,
    output_format: Printed = Format.TEXT,
) -> None:
    """Merge profile files into one, and print it."""
    with reported():
        check_target(output)
        view = ProfileView.merge_many(map(view_of, files))
        view.write(output)
        print_profile(view, output_format, show_all=show_all)


def print_profile(view: ProfileView, output_format: Format, *, show_all: bool = False) -> None:
    """Print what a profile holds, as text or as JSON."""
    if output_format is Format.JSON:
        print_json(plain_summary(view))
    else:
        wide_console().print(*summary_tables(view, show_all=show_all), sep="\n")


@contextlib.contextmanager
def _failure_writer(path: Path | None, failed: Failures) -> Iterator[Callable[[Failure], None]]:
    """What counts failures in `failed`, and writes them to the file `path`, if there is one."""
    with contextlib.nullcontext() if path is None else open_atomically(path) as file:

        def write(failure: Failure) -> None:
            failed.add(failure.reason, failure.path)
            if file is not None:
                file.write(failure_json(failure).encode() + b"\n")

        yield write
