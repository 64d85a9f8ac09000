"""What every command needs of a terminal: progress, complaints and exit codes."""

import contextlib
import inspect
import json
import math
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from types import FrameType
from typing import Any, Literal, cast

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
from rich.table import Table
from rich.text import Text

from lightmeter.errors import LightmeterError
from lightmeter.text import visible
from lightmeter.times import duration_text

OK, FAILED, INTERRUPTED = 0, 1, 130
NOT_INSTALLED = NOT_UNDERSTOOD = 2
# What a shell says of a program that SIGPIPE or SIGTERM ended, as they end most.
CLOSED, TERMINATED = 141, 143
_LEAST_WIDTH = 80
_FILE_WIDTH = 160  # of what no terminal shows
_is_quiet = False


class Terminated(KeyboardInterrupt):
    """SIGTERM came: the command ends as by Ctrl-C, and so do the workers of its engine."""


def end_by_signal(number: int, frame: FrameType | None) -> None:
    """What SIGTERM does. A second one ends the process at once."""
    signal.signal(number, signal.SIG_DFL)
    raise Terminated


class _Rate(ProgressColumn):
    """Images a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.0f} images/s")


class Commands(typer.Typer):
    """Commands that their docstrings explain, in which Typer would keep the line breaks."""

    def command(self, name: str | None = None, **more: Any) -> Callable[[Any], Any]:
        """Register a function."""

        def register(function: Any) -> Any:
            paragraphs = (inspect.getdoc(function) or "").split("\n\n")
            text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
            return super(Commands, self).command(name, help=text, **more)(function)

        return register


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Rich would end the program with 1."""
        raise BrokenPipeError


def wide_console() -> Console:
    """For tables, which would break the names of features where there is less room."""
    console = _Console()
    console.width = max(_LEAST_WIDTH if console.is_terminal else _FILE_WIDTH, console.width)
    return console


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """What moves a bar on a terminal; None elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal or _is_quiet:
        yield None
        return
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as bar:
        whole = bar.add_task(visible(what), total=None)
        yield lambda done, total: bar.update(whole, completed=done, total=total)


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """Turn what a user can run into into a line on stderr and an exit code."""
    try:
        yield
    except Terminated:
        complain("ended by SIGTERM")
        raise typer.Exit(TERMINATED) from None
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        raise typer.Exit(CLOSED) from None
    except LightmeterError as error:
        complain(str(error))
        needed = isinstance(error.__cause__, ImportError)  # of an extra, as of an inbox
        raise typer.Exit(NOT_INSTALLED if needed else FAILED) from None
    except OSError as error:
        complain(_of_system(error))
        raise typer.Exit(FAILED) from None
    except ImportError as error:  # of a package that only some files need
        complain(str(error))
        raise typer.Exit(NOT_INSTALLED) from None


def _of_system(error: OSError) -> str:
    """What the system says of a file, without its number; a wrong folder is the usual reason."""
    if error.filename is None or error.strerror is None:
        return str(error)
    path = os.fsdecode(error.filename)
    if isinstance(error, FileNotFoundError) and not os.path.isabs(path):
        return f"{path!r}: {error.strerror} in {os.getcwd()}"
    return f"{path!r}: {error.strerror}"


@contextlib.contextmanager
def usage(*more: type[Exception]) -> Iterator[None]:
    """Arguments that the library does not understand are wrong usage; so are errors of `more`."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, (ValueError, *more)) or isinstance(error, LightmeterError):
            raise
        raise typer.BadParameter(visible(error)) from None


def written() -> int:
    """Write what is still to be printed; the exit code for how that went.

    Whoever reads may have seen enough, as ``head`` does, and is not told that.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        # Python would try again at its end, and complain.
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return CLOSED
        complain(str(error))
        return FAILED
    return OK


def say(message: str) -> None:
    """Print a line on stdout, which may hold anybody's names; nothing with --quiet."""
    if not _is_quiet:
        print(visible(message))


def be_quiet() -> None:
    """Print nothing but what was asked for, and complaints."""
    global _is_quiet
    _is_quiet = True


def print_json(value: object) -> None:
    """Print records and lists of them as JSON, in which a number that does not exist is null."""
    print(json.dumps(_plain(value), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        value = value._asdict()
    match value:
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple() | frozenset():
            return list(map(_plain, sorted(value) if isinstance(value, frozenset) else value))
        case float() if not math.isfinite(value):
            return None
        case timedelta():
            return duration_text(value)
        case date():
            return value.isoformat()
    return value


def table_of(heads: Mapping[str, str], rows: Iterable[Sequence[str | Text]]) -> Table:
    """Return rows below their heads, each with the side to which its column is justified."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for place, (head, side) in enumerate(heads.items()):
        justify = cast(Literal["left", "right"], side)
        table.add_column(head, justify=justify, no_wrap=place > 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) if isinstance(cell, str) else cell for cell in row))
    return table


def complain(message: str) -> None:
    """The same on stderr."""
    print(f"lightmeter: {visible(message)}", file=sys.stderr)
