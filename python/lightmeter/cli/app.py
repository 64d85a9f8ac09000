"""The map of the commands."""

import io
import signal
import sys
import warnings
from typing import Annotated, Any

import typer

from lightmeter import __version__
from lightmeter.cli import contract, imports, monitor, serve, store
from lightmeter.cli.check import check
from lightmeter.cli.dashboard import dashboard
from lightmeter.cli.demo import demo
from lightmeter.cli.drift import drift
from lightmeter.cli.exif import exif
from lightmeter.cli.log import log
from lightmeter.cli.measure import measure
from lightmeter.cli.profile import merge, profile, show
from lightmeter.cli.spool import send
from lightmeter.cli.terminal import (
    CLOSED,
    FAILED,
    OK,
    Commands,
    be_quiet,
    complain,
    end_by_signal,
    reported,
    written,
)
from lightmeter.image.decode import COMPARED_WITH

__all__ = ["app", "run"]

app = Commands(
    no_args_is_help=True,
    help="Measure images, compare the profiles, and watch them over time.\n\n"
    "Exit codes: 0 done; 1 no image could be measured, or a file could not be read or written; "
    "2 wrong usage; 3 drift --fail-on found drift, check an unusual image, or monitor run an "
    "anomaly; 4 monitor run or check could not judge; 130 interrupted; 141 the reader of a pipe "
    "closed it; 143 ended by SIGTERM.",
)

for command in (measure, profile, show, merge, drift, check, exif, log):
    app.command()(command)
store.commands.command()(send)
app.add_typer(contract.commands, name="contract")
app.add_typer(imports.commands, name="import")
app.add_typer(store.commands, name="store")
app.add_typer(monitor.commands, name="monitor")
app.add_typer(serve.commands, name="serve")
for command in (dashboard, demo):
    app.command()(command)


def run() -> int:
    """Run the command line with the arguments of the process."""
    # Pillow warns of damaged metadata, a line a file; what matters of it is counted.
    warnings.filterwarnings("ignore", module="PIL")
    warnings.showwarning = _warn
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal writes UTF-8
    before = signal.signal(signal.SIGTERM, end_by_signal)
    try:
        app(prog_name="lightmeter")
        code = OK
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else OK
        if isinstance(ended.__context__, BrokenPipeError):  # Rich says 1, of the help
            code = CLOSED
    except OSError as error:  # of the help
        code = written()
        if code == OK:  # it was not buffered, so that nothing is left to write
            complain(str(error))
            code = FAILED
    finally:
        signal.signal(signal.SIGTERM, before)
    return written() or code


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """In place of a line of source that says nothing to who did not write it."""
    complain(f"warning: {message}")


def _version(wanted: bool) -> None:
    if wanted:
        with reported():
            print(f"lightmeter {__version__}; decoders compared with {COMPARED_WITH}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing but what is asked for, and complaints.")
    ] = False,
) -> None:
    if quiet:
        be_quiet()
