"""Terminal output of all commands: exit codes, errors, progress, tables and JSON."""

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
CLOSED = 141  # the exit code of a program that SIGPIPE ended
_OPTION = inspect.Parameter.KEYWORD_ONLY
_is_quiet = False


class Commands(typer.Typer):
    """A group of commands whose errors become a line on stderr and an exit code.

    Their help comes from docstrings. The section "Parameters" explains arguments and options;
    options are the parameters with a default, and keyword-only ones.
    """

    def __init__(self, *, add_completion: bool = False, **more: Any) -> None:
        """Make a group, by default without options that install completion."""
        super().__init__(add_completion=add_completion, **more)

    def command(self, name: str | None = None, **more: Any) -> Callable[[Any], Any]:
        """Register a function as a command."""
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
    """Return a parameter with its text from the docstring as help, if it has one."""
    if not text:
        return parameter
    kind, name = parameter.annotation, parameter.name
    is_argument = parameter.default is parameter.empty and parameter.kind is not _OPTION
    info: Any = typer.Argument() if is_argument else typer.Option()
    if name == "output":
        info = typer.Option("--output", "-o")
    elif kind is bool:  # without a --no- option
        info = typer.Option(f"--{name}")
    if get_origin(kind) is Annotated:
        kind, info = get_args(kind)
    info = copy(info)
    info.help = " ".join(text.split())
    return parameter.replace(annotation=Annotated[kind, info])


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """Turn errors inside the block into a line on stderr and an exit code.

    ValueError and TypeError of the library are wrong usage.
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
        needed = isinstance(error.__cause__, ImportError)  # a missing extra, such as `inbox`
        fail(str(error), code=NOT_INSTALLED if needed else FAILED)
    except OSError as error:
        fail(_of_system(error))
    except ImportError as error:  # a package that only some files need
        fail(str(error), code=NOT_INSTALLED)
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(visible(error)) from None


def fail(message: str, *, code: int = FAILED) -> NoReturn:
    """Print an error message and end the command."""
    complain(message)
    raise typer.Exit(code)


def _of_system(error: OSError) -> str:
    """Return the message of an OSError without its number.

    For a missing relative path it names the current folder, which is the usual reason.
    """
    if error.filename is None or error.strerror is None:
        return str(error)
    path = os.fsdecode(error.filename)
    is_here = isinstance(error, FileNotFoundError) and not os.path.isabs(path)
    return f"{path!r}: {error.strerror}{f' in {os.getcwd()}' if is_here else ''}"


def written() -> int:
    """Flush standard output and return the exit code.

    A closed pipe is no error, because the reader may have seen enough, such as ``head``.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        # Python would flush again at its end, and print an error.
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return CLOSED
        complain(str(error))
        return FAILED
    return OK


def complain(message: str) -> None:
    """Print a line on stderr; control characters in hostile names are made visible."""
    print(f"lightmeter: {visible(message)}", file=sys.stderr)


def say(message: str) -> None:
    """Print a line on stdout, likewise; print nothing with --quiet."""
    if not _is_quiet:
        print(visible(message))


def be_quiet() -> None:
    """Print only requested output and errors from now on."""
    global _is_quiet
    _is_quiet = True


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that moves a progress bar; None if stderr is no terminal."""
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
    """Print rows below their heads; the columns in `right` are aligned to the right."""
    print(aligned([heads, *rows], right))


def print_json(value: object) -> None:
    """Print a value as JSON, with null for numbers that are not finite."""
    print(json.dumps(plain(value), indent=2, allow_nan=False))
