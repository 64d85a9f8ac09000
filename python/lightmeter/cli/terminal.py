"""What every command needs of a terminal: progress, complaints and exit codes."""

import contextlib
import sys
from collections.abc import Callable, Iterator

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

from lightmeter import LightmeterError

__all__ = ["FAILED", "INTERRUPTED", "OK", "complain", "progress_bar", "reported", "wide_console"]

OK, FAILED, INTERRUPTED = 0, 1, 130
_LEAST_WIDTH = 80


class _Rate(ProgressColumn):
    """Images a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.0f} images/s")


def wide_console() -> Console:
    """For tables, which would lose the names of features where a terminal is narrower."""
    return Console(width=max(_LEAST_WIDTH, Console().width))


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; nothing elsewhere."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """Turn what a user can run into into a line on stderr and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except (LightmeterError, OSError) as error:
        complain(str(error))
        raise typer.Exit(FAILED) from None


def complain(message: str) -> None:
    """A line on stderr."""
    print(f"lightmeter: {message}", file=sys.stderr)
