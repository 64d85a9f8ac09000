"""The commands and their arguments."""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from lightmeter import LightmeterError, ProfileView, __version__, profile_images
from lightmeter.cli.render import summary_json, summary_tables

__all__ = ["run"]

OK, FAILED, INTERRUPTED = 0, 1, 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Profile images, show and merge the profiles.\n\n"
    "Exit codes: 0 done; 1 nothing could be measured or read; 2 wrong usage; 130 interrupted.",
)

Output = Annotated[Path | None, typer.Option("--output", "-o", help="Profile file to write.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def run() -> int:
    """Run the command line with the arguments of the process."""
    # Pillow warns of damaged metadata, a line a file; what matters of it is counted.
    warnings.filterwarnings("ignore", module="PIL")
    app(prog_name="lightmeter")
    return OK


@app.command()
def profile(
    paths: Annotated[list[str], typer.Argument(help="Image files, folders or glob patterns.")],
    output: Output = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads; default one per processor.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Profile images: folders are walked, unreadable files counted by reason."""
    with _reported():
        with _progress() as bar:
            task = bar.add_task("profiling", total=None)
            view = profile_images(
                paths,
                workers=workers,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        if output is not None:
            view.write(output)
        _print(view, as_json)
        if view.images == 0:
            _complain("no image could be measured")
            raise typer.Exit(FAILED)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Profile file.")], as_json: AsJson = False
) -> None:
    """Print what a profile file holds."""
    with _reported():
        _print(ProfileView.read(file), as_json)


@app.command()
def merge(
    files: Annotated[list[Path], typer.Argument(help="Profile files.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Profile file to write.")],
    as_json: AsJson = False,
) -> None:
    """Merge profile files into one."""
    with _reported():
        view = ProfileView.merge_many(map(ProfileView.read, files))
        view.write(output)
        _print(view, as_json)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"lightmeter {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


def _print(view: ProfileView, as_json: bool) -> None:
    if as_json:
        print(summary_json(view))
    else:
        console = Console()
        for part in summary_tables(view):
            console.print(part)


class _Rate(ProgressColumn):
    """Images a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.0f} images/s")


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


@contextlib.contextmanager
def _reported() -> Iterator[None]:
    """Turn what a user can run into into a line on stderr and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        _complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except (LightmeterError, OSError) as error:
        _complain(str(error))
        raise typer.Exit(FAILED) from None


def _complain(message: str) -> None:
    print(f"lightmeter: {message}", file=sys.stderr)
