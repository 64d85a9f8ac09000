"""The command that writes a site about a store."""

from pathlib import Path

from lightmeter import Store
from lightmeter.cli.options import StoreOption
from lightmeter.cli.terminal import say
from lightmeter.dashboard import write_dashboard
from lightmeter.text import counted


def dashboard(*, store: StoreOption, output: Path) -> None:
    """Write a static site about a store, which needs no server, network or script.

    A run writes only the files that changed.

    Parameters
    ----------
    output
        Folder that is new, empty, or from an earlier run.
    """
    with Store(store, create=False) as opened:
        written = write_dashboard(opened, output)
        pages = counted(written.pages, "page")
        say(f"{output / 'index.html'}: {pages}, {written.written} written")
