"""The commands, and the start of the command line."""

import ast
import io
import signal
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from lightmeter import __version__
from lightmeter.cli.terminal import OK, Commands, be_quiet, complain, reported, written

# Each command is the function of its name in a module, or `commands` of the module.
_MODULES = {
    "measure": "measure",
    "profile": "profile",
    "show": "profile",
    "merge": "profile",
    "drift": "drift",
    "check": "drift",
    "contract": "contract",
    "exif": "explain",
    "explain": "explain",
    "log": "log",
    "import": "imports",
    "store": "store",
    "monitor": "monitor",
    "dashboard": "dashboard",
    "serve": "serve",
    "demo": "demo",
}


class _Group(TyperGroup):
    """The commands, each imported when it is used, because most need no store."""

    _is_listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return list(_MODULES)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help of all commands, and end."""
        self._is_listing = True
        super().format_help(ctx, formatter)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command with a name; None if there is none."""
        if cmd_name not in _MODULES:
            return None
        if self._is_listing:
            return TyperCommand(cmd_name, help=_help_of(cmd_name))
        with reported():  # a module may find errors in the environment
            module = import_module(f"lightmeter.cli.{_MODULES[cmd_name]}")
        if (commands := getattr(module, "commands", None)) is None:
            commands = Commands()
            commands.command(cmd_name)(getattr(module, cmd_name))
        command = typer.main.get_command(commands)
        command.name = cmd_name
        return command


def _help_of(name: str) -> str:
    """Return the help of a command from its source, because importing them all takes long."""
    source = ast.parse(Path(__file__).with_name(f"{_MODULES[name]}.py").read_bytes())
    found = [node for node in source.body if getattr(node, "name", None) == name]
    return ast.get_docstring(next(iter(found), source)) or ""  # type: ignore[arg-type]


app = Commands(cls=_Group, no_args_is_help=True, add_completion=True)


def run() -> int:
    """Run the command line with the arguments of the process."""
    # Pillow warns about damaged metadata of each file; lightmeter counts what matters.
    warnings.filterwarnings("ignore", module="PIL")
    # Print the message alone, without the line of source code.
    warnings.showwarning = lambda message, *_, **__: complain(f"warning: {message}")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal writes UTF-8
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # the same as Ctrl-C
    try:
        app(prog_name="lightmeter")
        code = OK
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else OK
    finally:
        signal.signal(signal.SIGTERM, before)
    return written() or code


def _version(wanted: bool) -> None:
    if wanted:
        with reported():
            print(f"lightmeter {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
    quiet: bool = False,
) -> None:
    """Measure images, compare the profiles, and watch them over time.

    Exit codes: 0 success; 1 no image was measured, a file other than the images could not be read
    or written, or `contract check` found that an expectation does not hold; 2 wrong usage, or an
    invalid contract or monitor file; 3 `drift --fail-on` found drift, `check` found an unusual
    image, or `monitor run` found an anomaly; 4 `monitor run` or `check` could not judge; 130
    interrupted, or ended by SIGTERM; 141 the reader of a pipe closed it.

    Parameters
    ----------
    version
        Print the version.
    quiet
        Print results and error messages, but no progress and no remarks; stands before the command.
    """
    if quiet:
        be_quiet()
