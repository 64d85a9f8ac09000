"""The command that writes a site about a store."""

from pathlib import Path
from typing import Annotated

import typer

from lightmeter import Store
from lightmeter.cli.options import StoreOption
from lightmeter.cli.terminal import say
from lightmeter.dashboard import write_dashboard


def dashboard(
    store: StoreOption,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder: new, empty or of an earlier run.")
    ],
) -> None:
    """Write a static site about a store, which needs no server, network or script.

    A run writes only the files that differ.
    """
    with Store(store, create=False) as opened:
        written = write_dashboard(opened, output)
        say(f"{output / 'index.html'}: {written.pages} pages, {written.written} of them written")
