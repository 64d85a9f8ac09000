"""What every command needs of a terminal: exit codes, complaints, progress, tables and JSON."""

import contextlib
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from copy import copy
from typing import Annotated, Any, NoReturn, get_args, get_origin

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from lightmeter.errors import ConfigError, LightmeterError
from lightmeter.profile.table_files import plain
from lightmeter.text import aligned, visible

OK, FAILED, INTERRUPTED = 0, 1, 130
NOT_INSTALLED = NOT_UNDERSTOOD = 2
CLOSED = 141  # what a shell says of a program that SIGPIPE ended
_OPTION = inspect.Parameter.KEYWORD_ONLY
_is_quiet = False


class Commands(typer.Typer):
    """Commands whose errors become a line on stderr and an exit code.

    Their docstrings explain them. The section "Parameters" explains their arguments and options:
    options are the parameters with a default and those for keywords only.
    """

    def __init__(self, *, add_completion: bool = False, **more: Any) -> None:
        """Options that install completion are those of the program, and of no group in it."""
        super().__init__(add_completion=add_completion, **more)

    def command(self, name: str | None = None, **more: Any) -> Callable[[Any], Any]:
        """Register a function."""
        return lambda function: super(Commands, self).command(name, **more)(_command(function))

    def callback(self, **more: Any) -> Callable[[Any], Any]:
        """Register the function of the group."""
        return lambda function: super(Commands, self).callback(**more)(_command(function))


def _command(function: Any) -> Any:
    text, _, lines = (inspect.getdoc(function) or "").partition("\n\nParameters\n")
    says = dict(re.findall(r"^(\w+)\n((?:    .+\n?)+)", lines, re.MULTILINE))
    own = inspect.signature(function).parameters.values()
    command: Any = reported()(function)
    parameters = [_explained(each, says.get(each.name, "")) for each in own]
    command.__signature__ = inspect.Signature(parameters)
    # Typer would keep the line breaks.
    command.__doc__ = "\n\n".join(" ".join(each.split()) for each in text.split("\n\n"))
    return command


def _explained(parameter: inspect.Parameter, text: str) -> inspect.Parameter:
    """Return a parameter with its line of the docstring as its help, if it has one."""
    if not text:
        return parameter
    kind, name = parameter.annotation, parameter.name
    is_argument = parameter.default is parameter.empty and parameter.kind is not _OPTION
    info: Any = typer.Argument() if is_argument else typer.Option()
    if name == "output":
        info = typer.Option("--output", "-o")
    elif kind is bool:  # without an option that says no
        info = typer.Option(f"--{name}")
    if get_origin(kind) is Annotated:
        kind, info = get_args(kind)
    info = copy(info)
    info.help = " ".join(text.split())
    return parameter.replace(annotation=Annotated[kind, info])


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """Turn what a user can run into into a line on stderr and an exit code.

    Arguments that the library does not understand are wrong usage.
    """
    try:
        yield
    except KeyboardInterrupt:
        fail("interrupted", code=INTERRUPTED)
    except BrokenPipeError:
        raise typer.Exit(CLOSED) from None
    except ConfigError as error:
        for mistake in str(error).split("\n"):
            complain(mistake)
        raise typer.Exit(NOT_UNDERSTOOD) from None
    except LightmeterError as error:
        needed = isinstance(error.__cause__, ImportError)  # of an extra, as of an inbox
        fail(str(error), code=NOT_INSTALLED if needed else FAILED)
    except OSError as error:
        fail(_of_system(error))
    except ImportError as error:  # of a package that only some files need
        fail(str(error), code=NOT_INSTALLED)
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(visible(error)) from None


def fail(message: str, *, code: int = FAILED) -> NoReturn:
    """End the command with a complaint."""
    complain(message)
    raise typer.Exit(code)


def _of_system(error: OSError) -> str:
    """Return what the system says of a file, without its number; a wrong folder is the usual
    reason.
    """
    if error.filename is None or error.strerror is None:
        return str(error)
    path = os.fsdecode(error.filename)
    is_here = isinstance(error, FileNotFoundError) and not os.path.isabs(path)
    return f"{path!r}: {error.strerror}{f' in {os.getcwd()}' if is_here else ''}"


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


def complain(message: str) -> None:
    """Print a line on stderr, which may hold anybody's names."""
    print(f"lightmeter: {visible(message)}", file=sys.stderr)


def say(message: str) -> None:
    """The same on stdout; nothing with --quiet."""
    if not _is_quiet:
        print(visible(message))


def be_quiet() -> None:
    """Print nothing but what was asked for, and complaints."""
    global _is_quiet
    _is_quiet = True


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield what moves a bar on a terminal; None elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal or _is_quiet:
        yield None
        return
    columns = *Progress.get_default_columns(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        whole = bar.add_task(visible(what).replace("[", r"\["), total=None)
        yield lambda done, total: bar.update(whole, completed=done, total=total)


def print_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[str] = ()
) -> None:
    """Print rows below their heads, some of which are justified to the right."""
    print(aligned([heads, *rows], right))


def print_json(value: object) -> None:
    """Print records and lists of them as JSON, in which a number that does not exist is null."""
    print(json.dumps(plain(value), indent=2, allow_nan=False))
